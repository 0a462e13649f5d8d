//! What follows from a provider's answer, and from its receipts.

use super::AttemptState;
use super::CallOutcome;
use super::Command;
use super::Decision;
use super::Reason;
use super::Receipt;
use super::Reply;
use super::State;
use super::claim::ATTEMPTS_MAX;
use crate::backoff::Backoff;
use crate::machine::Step;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// Delays between attempts after transient failures.
const BACKOFF: Backoff = Backoff { base_ms: SECOND_MS, max_ms: 60 * SECOND_MS };

pub(super) fn result(
    mut state: State,
    n: u32,
    outcome: &CallOutcome,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let is_over = state.is_over();
    let expires_at = state.header.as_ref().map_or(now, |header| header.expires_at);
    let before = state.before;
    // After a resend, what becomes of an earlier message no longer decides.
    let is_latest = state.attempts.last().is_some_and(|last| last.attempt.n == n);
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(Reply::of(Decision::Stop));
    };
    let taken = matches!(outcome, CallOutcome::Taken { .. });
    if let CallOutcome::Taken { provider_id } = outcome {
        record.provider_id = Some(provider_id.clone());
    }
    let called_at = record.called_at();
    // A receipt may come before the answer, and knows better.
    let is_open = matches!(record.attempt.state, AttemptState::Sending | AttemptState::Unknown);
    // A host that did not hear of its write says the same again.
    let is_news = *outcome != CallOutcome::Unknown || record.attempt.state == AttemptState::Sending;
    if !is_open || !is_news {
        // The same answer as the first time, so that a worker that did not hear it keeps the job.
        let again = record.retry_at.filter(|_| !is_over);
        let decision = again.map_or(Decision::Stop, Decision::RetryAt);
        let news = taken.then(|| state.sent(called_at)).flatten();
        return state.put(Reply { news, ..Reply::of(decision) }, now);
    }
    record.attempt.at = now;
    let mut decision = Decision::Stop;
    match outcome {
        CallOutcome::Permanent(reason) => {
            record.fail(*reason);
            if is_latest && !is_over {
                state.fail(*reason);
            }
        }
        CallOutcome::Taken { .. } => {
            record.attempt.state = AttemptState::Sent;
            if !is_over {
                state.state = OrderState::Sent;
            }
        }
        CallOutcome::Transient(reason) => {
            record.fail(*reason);
            let random = u64::from_be_bytes(command.entropy.derive("retry"));
            let retry_at = now.plus(BACKOFF.delay_ms(n.saturating_sub(before).saturating_sub(1), random));
            if !is_latest || is_over {
                // Nobody tries it again.
            } else if n.saturating_sub(before) < ATTEMPTS_MAX && retry_at < expires_at {
                record.retry_at = Some(retry_at);
                decision = Decision::RetryAt(retry_at);
            } else {
                state.fail(*reason);
            }
        }
        CallOutcome::Unknown => {
            record.attempt.state = AttemptState::Unknown;
            record.attempt.reason = Some(Reason::UnknownOutcome);
        }
    }
    let news = taken.then(|| state.sent(called_at)).flatten();
    let mut step = state.tell(decision, command, now);
    step.reply.news = news;
    step
}

pub(super) fn receipt(
    mut state: State,
    n: u32,
    provider_id: &str,
    receipt: Receipt,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let nothing = Reply::of(Decision::Noted);
    let is_over = state.is_over();
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(nothing);
    };
    // Matched by the provider's id; an attempt whose answer was lost takes the first one that names it.
    if *record.provider_id.get_or_insert_with(|| provider_id.to_owned()) != provider_id {
        return Step::keep(nothing);
    }
    let (attempt_state, order_state, reason) = match receipt {
        Receipt::Delivered => (AttemptState::Delivered, OrderState::Delivered, None),
        Receipt::Failed(reason) => (AttemptState::Failed, OrderState::Failed, Some(reason)),
        Receipt::Sent => (AttemptState::Sent, OrderState::Sent, None),
    };
    if rank(attempt_state) <= rank(record.attempt.state) {
        return Step::keep(nothing);
    }
    let called_at = record.called_at();
    record.attempt.state = attempt_state;
    record.attempt.at = now;
    record.attempt.reason = reason;
    record.retry_at = None;
    let is_latest = state.attempts.last().is_some_and(|last| last.attempt.n == n);
    if !is_over && (is_latest || receipt == Receipt::Delivered) {
        state.state = order_state;
        state.reason = reason;
    }
    let news = match receipt {
        Receipt::Delivered | Receipt::Sent => state.sent(called_at),
        Receipt::Failed(_) => None,
    };
    let mut step = state.tell(Decision::Noted, command, now);
    step.reply.news = news;
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

impl super::Record {
    fn fail(&mut self, reason: Reason) {
        self.attempt.state = AttemptState::Failed;
        self.attempt.reason = Some(reason);
    }
}

impl State {
    fn fail(&mut self, reason: Reason) {
        self.state = OrderState::Failed;
        self.reason = Some(reason);
    }
}
