//! Claim before send: whether a worker that holds a job may call a provider now.

use super::Attempt;
use super::AttemptState;
use super::Command;
use super::Decision;
use super::Reason;
use super::Record;
use super::Reply;
use super::State;
use crate::bytes::Bytes;
use crate::id::GatewayId;
use crate::machine::Step;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;
use crate::wire::job::Dispatch;
use crate::wire::job::Header;

/// Attempts for one sending of an order. With doubling delays from one second they span half a minute.
pub const ATTEMPTS_MAX: u32 = 6;
/// How long a claim holds: longer than a call to a provider may take, so that a claim that ran out means a
/// worker that died, or never got to tell.
pub const CLAIM_MS: u64 = 20 * SECOND_MS;

/// What changed, for a resend.
const RESENT: &str = "asked for once more";

/// A worker's wish to send.
pub(super) struct Claim<'a> {
    pub(super) token: Bytes<16>,
    pub(super) header: &'a Header,
    pub(super) dispatch: Option<&'a Dispatch>,
    pub(super) gateways: &'a [GatewayId],
}

impl Claim<'_> {
    fn dispatch(&self) -> u8 {
        self.dispatch.map_or(0, |dispatch| dispatch.n)
    }

    fn channel(&self) -> Channel {
        self.dispatch.map_or(self.header.channel, |dispatch| dispatch.channel)
    }
}

pub(super) fn step(mut state: State, claim: Claim<'_>, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let stop = Reply::of(Decision::Stop);
    let is_resend = claim.dispatch() > state.dispatch;
    if claim.dispatch() < state.dispatch || state.is_ended() || state.is_over() && !is_resend {
        return Step::keep(stop);
    }
    // **never-stale**. The edge decides expiry by itself, so there is nothing to tell.
    if now >= claim.header.expires_at {
        // A record that is over when it is written would be kept or not by which host's clock is ahead.
        if now >= state.keep_until() {
            return Step::keep(stop);
        }
        state.state = OrderState::Expired;
        return state.put(stop, now);
    }
    let follow = match state.attempts.last() {
        None => Follow::Begin("first attempt".to_owned()),
        Some(last) => last.may_follow(claim.token, is_resend, now),
    };
    let changed = match follow {
        Follow::Again => {
            let last = state.attempts.last().map(|last| (last.attempt.n, last.attempt.gateway.clone()));
            let decision = last.map_or(Decision::Stop, |(n, gateway)| Decision::Send { n, gateway });
            return Step::keep(Reply::of(decision));
        }
        Follow::Begin(changed) => changed,
        Follow::Stop => return Step::keep(stop),
        Follow::Unknown => {
            if let Some(last) = state.attempts.last_mut() {
                last.attempt.state = AttemptState::Unknown;
                last.attempt.reason = Some(Reason::UnknownOutcome);
                last.attempt.at = now;
            }
            if !is_resend {
                return state.tell(Decision::Stop, command, now);
            }
            RESENT.to_owned()
        }
        Follow::Wait(until) => {
            return Step::keep(Reply::of(Decision::RetryAt(until)));
        }
    };
    let Some(gateway) = state.gateway(&claim, is_resend) else { return Step::keep(stop) };
    begin(state, &claim, gateway, changed, command, now)
}

fn begin(
    mut state: State,
    claim: &Claim<'_>,
    gateway: GatewayId,
    changed: String,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let n = state.attempts.last().map_or(1, |last| last.attempt.n.saturating_add(1));
    let attempt = Attempt {
        n,
        channel: claim.channel(),
        gateway: gateway.clone(),
        state: AttemptState::Sending,
        at: now,
        changed,
        reason: None,
    };
    let (claimed_until, claim_token) = (now.plus(CLAIM_MS), claim.token);
    state.attempts.push(Record {
        attempt,
        claim: claim_token,
        claimed_until,
        retry_at: None,
        provider_id: None,
    });
    if claim.dispatch() > state.dispatch {
        (state.dispatch, state.before) = (claim.dispatch(), n.saturating_sub(1));
    }
    state.state = OrderState::Sending;
    state.reason = None;
    state.tell(Decision::Send { n, gateway }, command, now)
}

impl State {
    /// **something-changes**: a retry keeps to its gateway, a resend takes one that the channel was not tried
    /// through, and where there is none the first, which the edge has found to be worth another try.
    fn gateway(&self, claim: &Claim<'_>, is_resend: bool) -> Option<GatewayId> {
        let tried = |gateway: &&GatewayId| {
            let same = |record: &Record| {
                record.attempt.gateway == **gateway && record.attempt.channel == claim.channel()
            };
            self.attempts.iter().any(same)
        };
        if !is_resend && let Some(last) = self.attempts.last() {
            return Some(last.attempt.gateway.clone());
        }
        let untried = claim.gateways.iter().find(|gateway| !tried(gateway));
        untried.or_else(|| claim.gateways.first()).cloned()
    }
}

enum Follow {
    /// The claim stands, and its worker has not heard so: it has not called.
    Again,
    /// A further attempt may begin; this is what changed.
    Begin(String),
    /// Nothing is left to try.
    Stop,
    /// The worker that claimed the last attempt is gone, and it may have reached the provider.
    Unknown,
    /// Not yet.
    Wait(UnixMs),
}

impl Record {
    /// When its worker claimed it, and then called.
    pub(super) fn called_at(&self) -> UnixMs {
        self.claimed_until.minus(CLAIM_MS)
    }

    fn may_follow(&self, token: Bytes<16>, is_resend: bool, now: UnixMs) -> Follow {
        match (self.attempt.state, self.retry_at) {
            (AttemptState::Sending, _) if self.claim == token && now < self.claimed_until => Follow::Again,
            // A second copy of the job, or the first one delivered again.
            (AttemptState::Sending, _) if now < self.claimed_until => Follow::Wait(self.claimed_until),
            (AttemptState::Sending, _) => Follow::Unknown,
            _ if is_resend => Follow::Begin(RESENT.to_owned()),
            (AttemptState::Failed, Some(retry_at)) if now < retry_at => Follow::Wait(retry_at),
            (AttemptState::Failed, Some(_)) => {
                Follow::Begin(format!("{} ms after a transient failure", now.since(self.attempt.at)))
            }
            (AttemptState::Failed, None)
            | (AttemptState::Delivered | AttemptState::Sent | AttemptState::Unknown, _) => Follow::Stop,
        }
    }
}
