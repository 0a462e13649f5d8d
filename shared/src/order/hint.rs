//! Word of a message that nobody signed. It moves when the order looks elsewhere, and nothing else: a stranger who found the
//! secret path can hurry or delay a failover, and neither end an order, charge it, nor make it count.

use serde::Deserialize;
use serde::Serialize;

use super::AttemptState;
use super::Command;
use super::Decision;
use super::Happening;
use super::Reply;
use super::State;
use crate::id::GatewayId;
use crate::machine::Step;
use crate::time::UnixMs;

/// How a message fares, by hearsay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
    // What is silent already stays so.
    let has_ended = !record.is_mute && record.window_ends_at() <= now;
    let is_known = record.is_mute && hint == Hint::Arrived;
    if record.is_silent || has_ended || is_known {
        return Step::keep(nothing);
    }
    record.is_mute = hint == Hint::Arrived;
    if hint == Hint::Lost {
        record.window_ms = record.window_ms.min(now.since(record.called_at()));
        let silent_at = record.window_ends_at();
        record.attempt.expected_by = Some(silent_at);
        if let Some(next) = &mut state.next {
            next.at = silent_at;
        }
    }
    state.story.add(now, Happening::Hint { n, hint });
    state.tell(Decision::Noted, command, now)
}
