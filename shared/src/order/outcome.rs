//! What follows from a provider's answer.

use super::Attempt;
use super::AttemptState;
use super::CallOutcome;
use super::Command;
use super::Decision;
use super::Happening;
use super::Learnt;
use super::Lesson;
use super::Reason;
use super::Record;
use super::Reply;
use super::State;
use crate::backoff::Backoff;
use crate::machine::Step;
use crate::route::Way;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// Delays between attempts by one way after transient failures.
pub const BACKOFF: Backoff = Backoff { base_ms: SECOND_MS, max_ms: 60 * SECOND_MS };

pub(super) fn result(
    mut state: State,
    n: u32,
    outcome: &CallOutcome,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let is_over = state.is_over();
    // After a resend, what becomes of an earlier message no longer decides.
    let is_latest = state.attempts.last().is_some_and(|last| last.attempt.n == n);
    let backoff_ms = state.backoff_ms(n, command);
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(Reply::of(Decision::Stop));
    };
    if let CallOutcome::Taken { provider_id } = outcome {
        record.provider_id.get_or_insert_with(|| provider_id.clone());
    }
    // A receipt may come before the answer, and knows better.
    let is_open = matches!(record.attempt.state, AttemptState::Sending | AttemptState::Unknown);
    // A host that did not hear of its write says the same again.
    let is_news = *outcome != CallOutcome::Unknown || record.attempt.state == AttemptState::Sending;
    let goes_on = is_latest && !is_over;
    if !is_open || !is_news {
        // The same answer as the first time, so that a worker that did not hear it keeps the job.
        let decision = if goes_on { Decision::RetryAt(record.again_at(now)) } else { Decision::Stop };
        let called_at = record.called_at();
        let taken = matches!(outcome, CallOutcome::Taken { .. });
        let news = taken.then(|| state.sent(called_at)).flatten();
        return state.put(Reply { news, ..Reply::of(decision) }, command, now);
    }
    // What an unknown outcome turns out to be later is not counted beside it.
    let is_first = record.attempt.state == AttemptState::Sending;
    record.attempt.at = now;
    match outcome {
        CallOutcome::Failed(reason) => {
            record.fail(*reason);
            record.retry_at = reason.passes().then(|| now.plus(backoff_ms));
        }
        CallOutcome::Taken { .. } => return state.taken(n, command, now),
        CallOutcome::Throttled { retry_after_ms } => {
            record.fail(Reason::Throttled);
            record.retry_at = Some(now.plus(backoff_ms.max(retry_after_ms.unwrap_or_default())));
        }
        CallOutcome::Unknown => {
            record.unknown(now);
            record.unknown_at = Some(now);
            record.attempt.expected_by = Some(record.window_ends_at());
        }
    }
    let decision = if goes_on { Decision::RetryAt(record.again_at(now)) } else { Decision::Stop };
    let learnt = (record.way(), record.attempt.reason.unwrap_or(Reason::UnknownOutcome));
    // It is chosen anew.
    state.next = None;
    state.answered(n, now);
    state.recall(now);
    let (way, reason) = learnt;
    let lesson = is_first.then(|| state.lesson(way, Learnt::NotTaken(reason)));
    let mut step = state.tell(decision, command, now);
    step.reply.lesson = lesson;
    step
}

impl State {
    /// The provider has the message.
    pub(super) fn taken(mut self, n: u32, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        let is_over = self.is_over();
        let is_latest = self.attempts.last().is_some_and(|last| last.attempt.n == n);
        let Some(record) = self.attempts.iter_mut().find(|record| record.attempt.n == n) else {
            return Step::keep(Reply::of(Decision::Stop));
        };
        record.attempt.state = AttemptState::Sent;
        record.attempt.reason = None;
        record.attempt.at = now;
        record.attempt.expected_by = Some(record.window_ends_at());
        let (called_at, silent_at, way) = (record.called_at(), record.window_ends_at(), record.way());
        let decision = if is_latest && !is_over { Decision::RetryAt(silent_at) } else { Decision::Stop };
        if !is_over {
            self.state = OrderState::Sent;
            self.reason = None;
        }
        self.answered(n, now);
        self.recall(now);
        let news = self.sent(called_at);
        let is_checked = self.header.as_ref().is_none_or(|header| !header.is_deliver_only);
        let lesson = self.lesson(way, Learnt::Taken { is_checked });
        let mut step = self.tell(decision, command, now);
        (step.reply.news, step.reply.lesson) = (news, Some(lesson));
        step
    }

    /// Doubles with each transient failure of the attempt's way within this sending.
    pub(super) fn backoff_ms(&self, n: u32, command: &Command) -> u64 {
        let Some(record) = self.attempts.iter().find(|record| record.attempt.n == n) else { return 0 };
        let way = record.way();
        let earlier = self.attempts.iter().filter(|old| {
            old.attempt.n > self.before && old.attempt.n < n && old.is_by(&way) && old.retry_at.is_some()
        });
        let failures = u32::try_from(earlier.count()).unwrap_or(u32::MAX);
        BACKOFF.delay_ms(failures, u64::from_be_bytes(command.entropy.derive("retry")))
    }

    /// What attempt `n` has come to, for the story.
    pub(super) fn answered(&mut self, n: u32, now: UnixMs) {
        let Some(record) = self.attempts.iter().find(|record| record.attempt.n == n) else { return };
        let Attempt { state, reason, .. } = record.attempt;
        self.story
            .add(now, Happening::Answered { n, state, reason, provider_id: record.provider_id.clone() });
    }

    pub(super) fn fail(&mut self, reason: Reason, now: UnixMs) {
        self.state = OrderState::Failed;
        self.reason = Some(reason);
        self.story.add(now, Happening::Ended { state: OrderState::Failed, why: reason.as_str().into() });
    }

    pub(super) fn lesson(&self, way: Way, what: Learnt) -> Lesson {
        let header = self.header.as_ref();
        let proofs = self.attempts.iter().filter(|record| record.attempt.state == AttemptState::Delivered);
        let is_first = match what {
            // The one that is noted now; and who has verified had it before.
            Learnt::Delivered { .. } => proofs.count() == 1 && self.state != OrderState::Verified,
            Learnt::Verified => proofs.count() == 0,
            Learnt::Lost { .. } | Learnt::NotTaken(_) | Learnt::Taken { .. } => false,
        };
        let arrived_since = header.map(|header| header.created_at).filter(|_| is_first);
        Lesson { way, country: header.and_then(|header| header.country), what, arrived_since }
    }
}

impl Record {
    /// When the job is worth another claim.
    fn again_at(&self, now: UnixMs) -> UnixMs {
        match self.attempt.state {
            AttemptState::Sent => self.window_ends_at(),
            AttemptState::Unknown => self.next_look_at().unwrap_or_else(|| self.window_ends_at()),
            // At once: another way may be free, or this one after its backoff.
            AttemptState::Delivered | AttemptState::Failed | AttemptState::Sending => now,
        }
    }
}
