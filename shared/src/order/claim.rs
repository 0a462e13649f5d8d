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
use crate::wire::api::OrderState;

/// Attempts for one order. With doubling delays from one second they span half a minute.
pub const ATTEMPTS_MAX: u32 = 6;
/// How long a claim holds: longer than a call to a provider may take, so that a claim that ran out means a
/// worker that died, or never got to tell.
pub const CLAIM_MS: u64 = 20 * SECOND_MS;

pub(super) fn step(
    mut state: State,
    token: Bytes<16>,
    gateway: &GatewayId,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    if state.is_over() {
        return Step::keep(Reply { decision: Decision::Stop, event: None });
    }
    // **never-stale**. The edge decides expiry by itself, so there is nothing to tell.
    if now >= state.header.expires_at {
        let stop = Reply { decision: Decision::Stop, event: None };
        // A record that is over when it is written would be kept or not by which host's clock is ahead.
        if now >= state.keep_until() {
            return Step::keep(stop);
        }
        state.state = OrderState::Expired;
        return state.put(stop, now);
    }
    let changed = match state.attempts.last_mut() {
        None => "first attempt".to_owned(),
        Some(last) => match last.may_follow(token, now) {
            Follow::Again => {
                let decision = Decision::Send { n: last.attempt.n };
                return Step::keep(Reply { decision, event: None });
            }
            Follow::Begin(changed) => changed,
            Follow::Stop => return Step::keep(Reply { decision: Decision::Stop, event: None }),
            Follow::Unknown => {
                last.attempt.state = AttemptState::Unknown;
                last.attempt.reason = Some(Reason::UnknownOutcome);
                last.attempt.at = now;
                return state.tell(Decision::Stop, command, now);
            }
            Follow::Wait(until) => {
                return Step::keep(Reply { decision: Decision::RetryAt(until), event: None });
            }
        },
    };
    let n = state.attempts.last().map_or(1, |last| last.attempt.n.saturating_add(1));
    let attempt = Attempt {
        n,
        channel: state.header.channel,
        gateway: gateway.clone(),
        state: AttemptState::Sending,
        at: now,
        changed,
        reason: None,
    };
    let claimed_until = now.plus(CLAIM_MS);
    state.attempts.push(Record { attempt, claim: token, claimed_until, retry_at: None, provider_id: None });
    state.state = OrderState::Sending;
    state.tell(Decision::Send { n }, command, now)
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
    fn may_follow(&self, token: Bytes<16>, now: UnixMs) -> Follow {
        match (self.attempt.state, self.retry_at) {
            (AttemptState::Sending, _) if self.claim == token && now < self.claimed_until => Follow::Again,
            // A second copy of the job, or the first one delivered again.
            (AttemptState::Sending, _) if now < self.claimed_until => Follow::Wait(self.claimed_until),
            (AttemptState::Sending, _) => Follow::Unknown,
            (AttemptState::Failed, Some(retry_at)) if now < retry_at => Follow::Wait(retry_at),
            (AttemptState::Failed, Some(_)) => {
                Follow::Begin(format!("{} ms after a transient failure", now.since(self.attempt.at)))
            }
            (AttemptState::Failed, None)
            | (AttemptState::Delivered | AttemptState::Sent | AttemptState::Unknown, _) => Follow::Stop,
        }
    }
}
