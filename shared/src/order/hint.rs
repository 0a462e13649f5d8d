//! Word of a message that nobody signed. It moves when the order looks elsewhere, and nothing else: a stranger who found the
//! secret path can hurry or delay a failover, and neither end an order, charge it, nor make it count.

use super::AttemptState;
use super::Command;
use super::Decision;
use super::Reply;
use super::State;
use crate::id::GatewayId;
use crate::machine::Step;
use crate::time::UnixMs;

/// How a message fares, by hearsay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It arrived: no other way is tried because of silence.
    Arrived,
    /// It did not: from now on its silence counts.
    Lost,
}

pub(super) fn step(
    mut state: State,
    (gateway, n): (&GatewayId, u32),
    provider_id: &str,
    hint: Hint,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let nothing = Reply::of(Decision::Noted);
    let is_over = state.is_over();
    let Some(expires_at) = state.header.as_ref().map(|header| header.expires_at) else {
        return Step::keep(nothing);
    };
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(nothing);
    };
    // Unlike a receipt, it never names an attempt whose answer was lost.
    if is_over
        || record.attempt.gateway != *gateway
        || record.attempt.state != AttemptState::Sent
        || record.provider_id.as_deref() != Some(provider_id)
    {
        return Step::keep(nothing);
    }
    // What is silent already has no window to move.
    if record.is_silent || record.window_ends_at() <= now {
        return Step::keep(nothing);
    }
    let window_ms = match hint {
        Hint::Arrived => expires_at.since(record.called_at()),
        Hint::Lost => now.since(record.called_at()),
    };
    if record.window_ms == window_ms {
        return Step::keep(nothing);
    }
    record.window_ms = window_ms;
    record.attempt.expected_by = Some(record.window_ends_at());
    state.tell(Decision::Noted, command, now)
}
