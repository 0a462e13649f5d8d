//! What an order's record has others do, each at least once and in order: telling what happened to whoever listens.
//!
//! One errand is under way at a time. Its lease is in the record; one that is not confirmed in time is run again.

use serde::Deserialize;
use serde::Serialize;

use super::AttemptState;
use super::BillTerms;
use super::Command;
use super::Decision;
use super::Entry;
use super::Happening;
use super::Moved;
use super::Reply;
use super::State;
use super::Timeline;
use super::WhenUnknown;
use crate::backoff::Backoff;
use crate::bytes::Bytes;
use crate::id::TenantId;
use crate::machine::Step;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// From the end of a code's life until its order is closed: the edge's word that it was verified may be on its way.
pub const CLOSE_AFTER_MS: u64 = MINUTE_MS;

/// How long a host may take to run an errand: less than the first lease.
pub const ERRAND_TIMEOUT_MS: u64 = 4 * SECOND_MS;

const BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 300 * SECOND_MS };

/// An errand under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leased {
    token: Bytes<8>,
    /// Until when whoever runs it has time.
    pub(super) until: UnixMs,
    /// Entries that are told when it is confirmed.
    up_to: u32,
    /// It tells that the order is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closes: bool,
}

/// To be run, then confirmed by [`Ask::Ran`](super::Ask::Ran).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Whose; `None` where an order was ended whose job never came.
    pub tenant: Option<TenantId>,
    /// What happened since the last errand that was confirmed, with its number, from 1.
    pub fresh: Vec<(u32, Entry)>,
    /// Confirm with it.
    pub token: Bytes<8>,
    /// This errand closes the order: what comes later is only recorded.
    pub closes: bool,
    /// The order as it stands.
    pub timeline: Box<Timeline>,
}

/// What is agreed with the tenant about its orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Whether every change is an errand; without it only the end is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announces: bool,
    /// Whether what comes after the end is an errand too: traces are told of receipts that came late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traces: bool,
    /// How the order is paid for; nothing where it costs its tenant nothing. Not kept: the bill has it.
    #[serde(skip)]
    pub billing: Option<BillTerms>,
    /// What follows where nobody can say whether the number's SIM changed lately; nothing where nobody is asked. Not kept: each
    /// claim brings it.
    #[serde(skip)]
    pub sim_check: Option<WhenUnknown>,
}

impl State {
    /// When an order that is still open is closed by time.
    pub(super) fn closes_at(&self) -> Option<UnixMs> {
        let header = self.header.as_ref().filter(|_| !self.is_closed)?;
        // Not beyond its keeping: what is closed there would be gone before.
        Some(header.expires_at.plus(CLOSE_AFTER_MS).min(self.keep_until()))
    }

    /// Nothing more will be sent, and nobody waits for more to be told.
    fn is_done(&self, now: UnixMs) -> bool {
        let is_calling = self
            .attempts
            .iter()
            .any(|record| now < record.claimed_until && record.attempt.state == AttemptState::Sending);
        self.is_ended() && !is_calling && !self.is_recalling()
    }

    fn close(&mut self, now: UnixMs) {
        self.conclude(now);
        (self.is_closed, self.closing) = (true, true);
        if self.is_ended() {
            return;
        }
        if !self.is_over() {
            self.state = OrderState::Expired;
        }
        self.story
            .add(now, Happening::Ended { state: self.state, why: "the life of its code is over".into() });
    }

    /// Closes an order whose code's life has been over for a while.
    pub(super) fn close_in_time(&mut self, now: UnixMs) {
        if self.closes_at().is_some_and(|at| at <= now) {
            self.close(now);
        }
    }

    /// Whether something waits to be told.
    pub(super) fn has_errand(&self) -> bool {
        let is_told = self.terms.announces || self.terms.traces && self.is_closed;
        self.closing || is_told && self.tellable() > self.already_told()
    }

    fn already_told(&self) -> usize {
        usize::try_from(self.told).unwrap_or(usize::MAX)
    }

    /// Entries that may be told: a refund once the account has it, and what came after it then.
    fn tellable(&self) -> usize {
        let entries = &self.story.entries;
        if !self.bill.as_ref().is_some_and(|bill| bill.is_refunding()) {
            return entries.len();
        }
        let is_refund = |entry: &Entry| matches!(entry.what, Happening::Money { what: Moved::Refund, .. });
        let untold = entries.iter().skip(self.already_told()).take_while(|entry| !is_refund(entry));
        entries.len().min(self.already_told().saturating_add(untold.count()))
    }

    /// Closes an order that is done, and begins an errand where there is something to tell and none is under way.
    pub(super) fn next_errand(&mut self, command: &Command, now: UnixMs) -> Option<Errand> {
        if !self.is_closed && self.is_done(now) {
            self.close(now);
        }
        if !self.has_errand() || self.errand.as_ref().is_some_and(|leased| now < leased.until) {
            return None;
        }
        let random = u64::from_be_bytes(command.entropy.derive("errand"));
        let tellable = self.tellable();
        let leased = Leased {
            token: Bytes(command.entropy.derive("errand token")),
            until: now.plus(BACKOFF.delay_ms(self.errand_tries, random)),
            up_to: u32::try_from(tellable).unwrap_or(u32::MAX),
            closes: self.closing,
        };
        self.errand_tries = self.errand_tries.saturating_add(1);
        let told = self.already_told();
        let numbered = (1..).zip(self.story.entries.iter().cloned()).take(tellable);
        let errand = Errand {
            tenant: self.header.as_ref().map(|header| header.tenant.clone()).or_else(|| self.tenant.clone()),
            fresh: numbered.skip(told).collect(),
            token: leased.token,
            closes: leased.closes,
            timeline: Box::new(self.clone().timeline()),
        };
        self.errand = Some(leased);
        Some(errand)
    }
}

/// An errand was run. What happened meanwhile is the next one.
pub(super) fn ran(mut state: State, token: Bytes<8>, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let noted = Reply::of(Decision::Noted);
    let Some(leased) = state.errand.take_if(|leased| leased.token == token) else {
        return Step::keep(noted);
    };
    (state.told, state.errand_tries) = (leased.up_to, 0);
    state.closing &= !leased.closes;
    state.put(noted, command, now)
}
