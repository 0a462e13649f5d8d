//! Telling the edge: the record is its own outbox, and every event carries the whole story.

use serde::Deserialize;
use serde::Serialize;

use super::Ask;
use super::Command;
use super::Decision;
use super::Record;
use super::Reply;
use super::State;
use crate::backoff::Backoff;
use crate::machine::Step;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::event::OrderEvent;

/// How long a host may wait for the edge's answer: less than the first lease.
pub const REPORT_TIMEOUT_MS: u64 = 4 * SECOND_MS;

/// A call to a provider that takes no longer is not told of: what it came to is, at once.
pub const STILL_SENDING_MS: u64 = SECOND_MS;

/// Times of reports kept of an order: those of a failover, and of how it ended.
const TELLINGS_MAX: usize = 4;

const BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 300 * SECOND_MS };

/// The edge was told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telling {
    /// Since when there was something to tell.
    pub since: UnixMs,
    /// When it was confirmed.
    pub at: UnixMs,
}

impl State {
    /// Stores a change worth telling, and leases its report.
    pub(super) fn tell(mut self, decision: Decision, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        self.changed(now);
        self.report_tries = 0;
        self.report(decision, command, now)
    }

    /// Stores a change that is told with the next one, or by itself when that does not come soon.
    pub(super) fn tell_later(
        mut self,
        decision: Decision,
        command: &Command,
        now: UnixMs,
    ) -> Step<Self, Reply> {
        debug_assert!(matches!(command.ask, Ask::Claim { .. }), "only what a result follows");
        self.changed(now);
        self.report_tries = 0;
        self.report_at = now.plus(STILL_SENDING_MS);
        self.put(Reply::of(decision), command, now)
    }

    fn report(mut self, decision: Decision, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        let random = u64::from_be_bytes(command.entropy.derive("report"));
        self.report_at = now.plus(BACKOFF.delay_ms(self.report_tries, random));
        self.report_tries = self.report_tries.saturating_add(1);
        let event = self.event();
        self.put(Reply { event, ..Reply::of(decision) }, command, now)
    }

    fn changed(&mut self, now: UnixMs) {
        self.seq = self.seq.saturating_add(1);
        // Where nobody reads it, it is not kept.
        if self.terms.traces {
            self.untold_since = self.untold_since.or(Some(now));
        }
    }

    /// Nothing for an order whose job never came.
    fn event(&self) -> Option<OrderEvent> {
        Some(OrderEvent {
            order: self.header.as_ref()?.order.clone(),
            seq: self.seq,
            dispatch: self.dispatch,
            state: self.state,
            reason: self.reason,
            attempts: self.attempts.iter().map(Record::told_of).collect(),
            next: self.next.clone().filter(|_| self.waits && !self.is_over()),
            cost: self.cost(),
        })
    }

    /// What the order has come to is told with the change that it comes of, or with the next one, or by itself when that
    /// does not come soon.
    pub(super) fn tell_cost(&mut self, reply: &mut Reply, now: UnixMs) {
        if !self.costs_anew() {
            return;
        }
        self.changed(now);
        if reply.event.is_some() {
            reply.event = self.event();
        } else {
            (self.report_tries, self.report_at) = (0, now.plus(STILL_SENDING_MS));
        }
    }
}

pub(super) fn tick(mut state: State, command: &Command, now: UnixMs) -> Step<State, Reply> {
    debug_assert!(matches!(command.ask, Ask::Tick), "only the alarm reports again");
    let noted = Reply::of(Decision::Noted);
    if state.gives_up_recalls(now) {
        return state.tell(noted.decision, command, now);
    }
    let was_closed = state.is_closed;
    state.close_in_time(now);
    let has_told = state.reported >= state.seq;
    if has_told && was_closed && !state.has_errand() && state.posts_at().is_none() {
        return Step::keep(noted);
    }
    if has_told || now < state.report_at {
        // Writing sets the wake-up again: one that rang too early is spent.
        return state.put(noted, command, now);
    }
    state.report(Decision::Noted, command, now)
}

pub(super) fn reported(mut state: State, seq: u64, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let noted = Reply::of(Decision::Noted);
    if seq <= state.reported || seq > state.seq {
        return Step::keep(noted);
    }
    state.reported = seq;
    // A change that came meanwhile is told by itself.
    if let Some(since) = state.untold_since.take_if(|_| seq == state.seq)
        && state.tellings.len() < TELLINGS_MAX
    {
        state.tellings.push(Telling { since, at: now });
    }
    state.put(noted, command, now)
}
