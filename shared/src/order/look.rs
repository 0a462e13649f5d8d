//! After an unknown outcome: the provider is asked whether it has the message, where it can be.

use super::AttemptState;
use super::Command;
use super::Decision;
use super::Happening;
use super::Reason;
use super::Record;
use super::Reply;
use super::State;
use crate::machine::Step;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// From the call until the first look: a provider lists a message a little after taking it. The second look comes
/// after twice the time.
pub const LOOK_AFTER_MS: u64 = 3 * SECOND_MS;

/// From the end of waiting for the call's answer until the first look, for what was still on its way then.
pub const SETTLE_MS: u64 = 2 * SECOND_MS;

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It does not have the message.
    Missing,
    /// It has.
    Taken {
        /// The provider's name for the message.
        provider_id: String,
    },
    /// It could not be asked, or gave no clear answer.
    Unclear,
}

impl Found {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "it does not have the message",
            Self::Taken { .. } => "it has the message",
            Self::Unclear => "no clear answer",
        }
    }
}

pub(super) fn looked(
    mut state: State,
    (n, look): (u32, u8),
    found: &Found,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let is_over = state.is_over();
    let backoff_ms = state.backoff_ms(n, command);
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(Reply::of(Decision::Stop));
    };
    // Told before, or a receipt was faster: the next claim knows what to do.
    if record.attempt.state != AttemptState::Unknown || look != record.looks.done.saturating_add(1) {
        return Step::keep(Reply::of(if is_over { Decision::Stop } else { Decision::RetryAt(now) }));
    }
    record.looks.done = look;
    state.story.add(now, Happening::Looked { n, found: found.as_str().into() });
    match found {
        Found::Missing => {
            // As good as a refusal: another way is free at once, and this one after its backoff.
            record.fail(Reason::ProviderDown);
            record.retry_at = Some(now.plus(backoff_ms));
            record.attempt.at = now;
            let decision = if is_over { Decision::Stop } else { Decision::RetryAt(now) };
            state.tell(decision, command, now)
        }
        Found::Taken { provider_id } => {
            record.provider_id = Some(provider_id.clone());
            state.taken(n, command, now)
        }
        Found::Unclear => {
            let until = record.next_look_at().unwrap_or_else(|| record.window_ends_at());
            let decision = if is_over { Decision::Stop } else { Decision::RetryAt(until) };
            state.put(Reply::of(decision), command, now)
        }
    }
}

impl Record {
    /// When the provider is to be asked next, where it still is.
    pub(super) fn next_look_at(&self) -> Option<UnixMs> {
        let wait_ms = LOOK_AFTER_MS.saturating_mul(1 << self.looks.done.min(8));
        // A call that nobody waits for any more may still come through.
        let settled_at = self.unknown_at.unwrap_or_default().plus(SETTLE_MS);
        self.looks.are_left().then(|| self.called_at().plus(wait_ms).max(settled_at))
    }

    pub(super) fn look(&self) -> Decision {
        Decision::Look {
            n: self.attempt.n,
            look: self.looks.done.saturating_add(1),
            way: self.way(),
            called_at: self.called_at(),
        }
    }

    pub(super) fn unknown(&mut self, now: UnixMs) {
        self.attempt.state = AttemptState::Unknown;
        self.attempt.reason = Some(Reason::UnknownOutcome);
        self.attempt.at = now;
    }
}
