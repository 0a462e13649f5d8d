//! What follows from a provider's receipts: twice, out of order, before the provider's answer, or weeks late.

use super::AttemptState;
use super::Command;
use super::Cost;
use super::Decision;
use super::Happening;
use super::Learnt;
use super::Reason;
use super::Receipt;
use super::Reply;
use super::State;
use crate::id::GatewayId;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

pub(super) fn step(
    mut state: State,
    (gateway, n): (&GatewayId, u32),
    provider_id: &str,
    (receipt, cost): (Receipt, Option<Cost>),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let nothing = Reply::of(Decision::Noted);
    let is_over = state.is_over();
    let backoff_ms = state.backoff_ms(n, command);
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(nothing);
    };
    if record.attempt.gateway != *gateway {
        return Step::keep(nothing);
    }
    // Matched by the provider's id; an attempt whose answer was lost takes the first one that names it.
    if *record.provider_id.get_or_insert_with(|| provider_id.to_owned()) != provider_id {
        return Step::keep(nothing);
    }
    let is_news = state.hear_cost(n, cost);
    let (attempt_state, reason) = match receipt {
        Receipt::Delivered => (AttemptState::Delivered, None),
        Receipt::Failed(reason) => (AttemptState::Failed, Some(reason)),
        Receipt::Sent => (AttemptState::Sent, None),
    };
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(nothing);
    };
    if rank(attempt_state) <= rank(record.attempt.state) {
        return if is_news { state.put(nothing, command, now) } else { Step::keep(nothing) };
    }
    state.story.add(now, Happening::Receipt { n, state: attempt_state, reason, late: is_over });
    let (called_at, was_silent) = (record.called_at(), record.is_silent);
    record.attempt.state = attempt_state;
    record.attempt.at = now;
    record.attempt.reason = reason;
    record.retry_at = reason.filter(|reason| reason.passes()).map(|_| now.plus(backoff_ms));
    record.attempt.expected_by = (receipt == Receipt::Sent).then(|| record.window_ends_at());
    let way = record.way();
    // What was called off did not get lost.
    let is_lost = !was_silent && reason != Some(Reason::CalledOff);
    let is_latest = state.attempts.last().is_some_and(|last| last.attempt.n == n);
    match receipt {
        _ if is_over => {}
        Receipt::Delivered => (state.state, state.reason) = (OrderState::Delivered, None),
        Receipt::Sent if is_latest => (state.state, state.reason) = (OrderState::Sent, None),
        // The job comes again, and its next claim finds another way or gives up.
        Receipt::Failed(_) if is_latest && state.waits => state.state = OrderState::Queued,
        Receipt::Failed(reason) if !state.waits && !state.has_hope() => state.fail(reason, now),
        Receipt::Failed(_) | Receipt::Sent => {}
    }
    let news = match receipt {
        Receipt::Delivered | Receipt::Sent => state.sent(called_at),
        Receipt::Failed(_) => None,
    };
    let learnt = match receipt {
        Receipt::Delivered => Some(Learnt::Delivered { after_ms: now.since(called_at) }),
        // Its silence was counted already.
        Receipt::Failed(_) if is_lost => Some(Learnt::Lost { why: reason }),
        Receipt::Failed(_) | Receipt::Sent => None,
    };
    if is_latest && matches!(receipt, Receipt::Failed(_)) {
        state.next = None;
    }
    let lesson = learnt.map(|what| state.lesson(way, what));
    let mut step = state.tell(Decision::Noted, command, now);
    (step.reply.news, step.reply.lesson) = (news, lesson);
    step
}

/// Receipts come twice and out of order; an attempt only moves up.
fn rank(state: AttemptState) -> u8 {
    match state {
        AttemptState::Sending => 0,
        AttemptState::Unknown => 1,
        AttemptState::Sent => 2,
        AttemptState::Failed => 3,
        AttemptState::Delivered => 4,
    }
}
