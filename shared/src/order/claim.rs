//! Claim before send: whether a worker that holds a job may call a provider now, and which.

use super::After;
use super::Attempt;
use super::AttemptState;
use super::Command;
use super::Decision;
use super::Happening;
use super::Learnt;
use super::Next;
use super::Reason;
use super::Record;
use super::Reply;
use super::State;
use super::attempt::Looks;
use super::choose::Choice;
use crate::bytes::Bytes;
use crate::machine::Step;
use crate::route::Offer;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Dispatch;
use crate::wire::job::Header;

/// How long a claim holds: longer than a call to a provider may take, so that a claim that ran out means a
/// worker that died, or never got to tell.
pub const CLAIM_MS: u64 = 20 * SECOND_MS;

const FIRST: &str = "first attempt";
const RESENT: &str = "asked for once more";
const NO_OTHER_SIM: &str = "the ways that are left hang on the number's SIM, and it did not pass its check";

/// A worker's wish to send.
pub(super) struct Claim<'a> {
    pub(super) token: Bytes<16>,
    pub(super) header: &'a Header,
    pub(super) dispatch: Option<&'a Dispatch>,
    pub(super) offers: &'a [Offer],
}

/// What the last attempt leaves to do.
enum Follow {
    /// The claim stands, and its worker has not heard so: it has not called.
    Again,
    /// Another attempt, if there is a way.
    Choose,
    /// Ask the provider.
    Look,
    /// The worker that claimed it is gone, and it may have reached the provider.
    Lost,
    /// Nothing more.
    Stop,
    /// Not yet.
    Wait(UnixMs),
}

pub(super) fn step(
    mut state: State,
    claim: &Claim<'_>,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let stop = Reply::of(Decision::Stop);
    let dispatch = claim.dispatch.map_or(0, |dispatch| dispatch.n);
    let is_resend = dispatch > state.dispatch;
    if dispatch < state.dispatch || state.is_ended() || state.is_over() && !is_resend {
        return Step::keep(stop);
    }
    // **never-stale**. The edge decides expiry by itself, so there is nothing to tell.
    if now >= claim.header.expires_at {
        // **final-is-final**, for a resend that comes too late. And a record that is past its keeping when it is written
        // would be kept or not by which host's clock is ahead.
        if state.is_over() || now >= state.keep_until() {
            return Step::keep(stop);
        }
        state.state = OrderState::Expired;
        state.story.add(now, Happening::Ended { state: OrderState::Expired, why: "its code is over".into() });
        return state.put(stop, command, now);
    }
    let follow = state.attempts.last().map_or(Follow::Choose, |last| last.follow(claim, is_resend, now));
    match (follow, state.attempts.last_mut()) {
        (Follow::Again, Some(last)) => {
            // Its worker has not called yet, or it would not ask: it calls now.
            last.claimed_until = now.plus(CLAIM_MS);
            let send = Decision::Send { n: last.attempt.n, way: last.way() };
            state.put(Reply::of(send), command, now)
        }
        (Follow::Look, Some(last)) => Step::keep(Reply::of(last.look())),
        (Follow::Wait(until), _) => Step::keep(Reply::of(Decision::RetryAt(until))),
        (Follow::Stop, _) => Step::keep(stop),
        (Follow::Lost, Some(last)) => {
            last.unknown(now);
            // By its name, so that this claim, when it comes again, changes nothing more.
            last.claim = claim.token;
            let n = last.attempt.n;
            state.answered(n, now);
            state.tell(Decision::RetryAt(now), command, now)
        }
        (Follow::Again | Follow::Choose | Follow::Look | Follow::Lost, _) => {
            next(state, claim, is_resend, command, now)
        }
    }
}

fn next(
    mut state: State,
    claim: &Claim<'_>,
    is_resend: bool,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let last_n = state.attempts.last().map_or(0, |last| last.attempt.n);
    let since = if is_resend { last_n } else { state.before };
    let reach = state.bill.as_ref().map(|bill| bill.within_reach(claim.offers, now));
    let (offers, short) = match &reach {
        Some(reach) => (reach.offers.as_slice(), reach.short.as_ref()),
        None => (claim.offers, None),
    };
    match state.choose(offers, since, claim.header.expires_at, now) {
        Choice::Go { offer, is_last_resort } => {
            // Before its money is put on hold: what the network says may close the way.
            if let Some(n) = state.sim_check_before(offer.way.channel) {
                return state.put(Reply::of(Decision::CheckSim { n }), command, now);
            }
            let is_first = last_n == since;
            if let Some(posting) = state.fund(offer, offers, (is_first, command), now) {
                return state.put(Reply::of(Decision::Post(Box::new(posting))), command, now);
            }
            if let Some((_, why)) = short {
                state.story.note(now, format!("not taken: {why}"));
            }
            let lesson = state.silence();
            if is_resend {
                (state.dispatch, state.before) = (claim.dispatch.map_or(0, |dispatch| dispatch.n), last_n);
                if let Some(Dispatch { n, channel }) = claim.dispatch {
                    state.story.add(now, Happening::Resend { n: *n, channel: *channel });
                }
            }
            let mut changed = match state.attempts.last() {
                None => FIRST.to_owned(),
                Some(_) if is_resend => RESENT.to_owned(),
                Some(last) => last.change_to(offer, now),
            };
            if is_last_resort {
                changed.push_str("; its breaker is open, and nothing else is left");
            }
            let mut step = begin(state, claim, offer, changed, command, now);
            step.reply.lesson = lesson;
            step
        }
        Choice::Wait { offer, until, why } => {
            let has_begun = !state.attempts.is_empty();
            let decision = if has_begun { Decision::AwaitWay(until) } else { Decision::Hold(until) };
            if state.story.note(now, why) {
                state.next = Some(Next::by(offer, until));
                return state.tell(decision, command, now);
            }
            Step::keep(Reply::of(decision))
        }
        Choice::Nothing(why) => {
            // Money is why, where all of the offers would have left a way.
            let all = state.choose(claim.offers, since, claim.header.expires_at, now);
            let short = short.filter(|_| !matches!(all, Choice::Nothing(_))).cloned();
            let barred = state.sim_bars(offers, since).map(|reason| (reason, NO_OTHER_SIM.to_owned()));
            if let Some(Dispatch { n, .. }) = claim.dispatch.filter(|_| is_resend) {
                state.dispatch = *n;
            }
            let (reason, why) = short.or(barred).map_or((None, why), |(reason, why)| (Some(reason), why));
            give_up(state, why, (reason, is_resend), command, now)
        }
    }
}

/// Nothing more is sent. What is on its way may still arrive; an order without such hope has failed.
fn give_up(
    mut state: State,
    why: String,
    (short, is_resend): (Option<Reason>, bool),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let lesson = state.silence();
    state.waits = false;
    let was_foreseen = state.next.take().is_some();
    state.wants_no_more();
    state.story.note(now, why);
    // **final-is-final**: a resend that finds no way takes nothing from what arrived.
    let mut step = if state.is_over() || state.has_hope() {
        // Whoever asked for it waits to hear that it came to nothing.
        if is_resend || was_foreseen && !state.is_over() {
            state.tell(Decision::Stop, command, now)
        } else {
            state.put(Reply::of(Decision::Stop), command, now)
        }
    } else {
        let reason = state.attempts.last().and_then(|last| last.attempt.reason);
        state.fail(short.or(reason).unwrap_or(Reason::NoRoute), now);
        state.tell(Decision::Stop, command, now)
    };
    step.reply.lesson = lesson;
    step
}

fn begin(
    mut state: State,
    claim: &Claim<'_>,
    offer: &Offer,
    changed: String,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let n = state.attempts.last().map_or(1, |last| last.attempt.n.saturating_add(1));
    state.story.add(
        now,
        Happening::Attempt {
            n,
            channel: offer.way.channel,
            gateway: offer.way.gateway.clone(),
            sender: offer.way.sender.clone(),
            changed: changed.clone(),
            why: offer.health.as_str().to_owned(),
            after: state.attempts.last().map(|last| After::of(&last.attempt)),
        },
    );
    let attempt = Attempt {
        n,
        channel: offer.way.channel,
        gateway: offer.way.gateway.clone(),
        state: AttemptState::Sending,
        at: now,
        changed,
        reason: None,
        expected_by: None,
        sender: None,
        told: None,
        recall: None,
    };
    state.attempts.push(Record {
        attempt,
        sender: offer.way.sender.clone(),
        claim: claim.token,
        claimed_until: now.plus(CLAIM_MS),
        window_ms: offer.window_ms,
        route: offer.why.clone(),
        retry_at: None,
        unknown_at: None,
        provider_id: None,
        cost: None,
        looks: Looks { done: 0, max: offer.looks_max },
        polls: Looks { done: 0, max: offer.polls_max },
        recalls: 0,
        recall_at: None,
        is_mute: offer.is_mute,
        is_silent: false,
    });
    state.reserve(n, offer);
    state.state = OrderState::Sending;
    state.reason = None;
    state.waits = true;
    state.foresee(claim.offers, claim.header.expires_at);
    state.tell_later(Decision::Send { n, way: offer.way.clone() }, command, now)
}

impl State {
    /// Whether a message of this order may still arrive.
    pub(super) fn has_hope(&self) -> bool {
        self.attempts.iter().any(|record| match record.attempt.state {
            AttemptState::Sending | AttemptState::Sent | AttemptState::Unknown => true,
            AttemptState::Delivered | AttemptState::Failed => false,
        })
    }

    /// The usual time of the last attempt has passed without a word: the router learns so once.
    fn silence(&mut self) -> Option<super::Lesson> {
        let last = self.attempts.last_mut()?;
        if last.is_silent || last.attempt.state != AttemptState::Sent {
            return None;
        }
        last.is_silent = true;
        let way = last.way();
        Some(self.lesson(way, Learnt::Lost { why: None }))
    }
}

impl Record {
    fn follow(&self, claim: &Claim<'_>, is_resend: bool, now: UnixMs) -> Follow {
        let (token, expires_at) = (claim.token, claim.header.expires_at);
        let silent_at = self.window_ends_at();
        match self.attempt.state {
            AttemptState::Sending if self.claim == token && now < self.claimed_until => Follow::Again,
            // A second copy of the job, or the first one delivered again.
            AttemptState::Sending if now < self.claimed_until => Follow::Wait(self.claimed_until),
            AttemptState::Sending => Follow::Lost,
            AttemptState::Unknown if self.claim == token => Follow::Wait(now),
            _ if is_resend => Follow::Choose,
            AttemptState::Unknown => match self.next_look_at() {
                Some(at) if now < at => Follow::Wait(at),
                Some(_) => Follow::Look,
                None if now < silent_at => Follow::Wait(silent_at),
                None => Follow::Choose,
            },
            AttemptState::Sent if self.is_mute => Follow::Wait(expires_at),
            AttemptState::Sent if now < silent_at => Follow::Wait(silent_at),
            AttemptState::Failed | AttemptState::Sent => Follow::Choose,
            AttemptState::Delivered => Follow::Stop,
        }
    }
}
