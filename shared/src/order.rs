//! Core's record of one order: attempts, receipts, and what the edge has been told of them.
//!
//! Key: the order id. A missing state means an order this core has not begun: the queued job holds all that is
//! needed to make the record again. Losing a record while its job is queued can therefore send twice, never not
//! at all.

pub mod advice;
mod ask;
mod attempt;
mod bill;
mod choose;
mod claim;
mod cost;
mod decision;
mod desk;
mod errand;
mod hint;
mod inquiry;
mod look;
mod mark;
pub mod moves;
mod next;
mod outcome;
mod reason;
mod receipt;
mod report;
mod sim;
pub mod spans;
mod stop;
mod story;
mod timeline;

use serde::Deserialize;
use serde::Serialize;

pub use self::ask::Ask;
pub use self::ask::CallOutcome;
pub use self::ask::Cause;
pub use self::ask::Command;
pub use self::ask::Receipt;
pub use self::attempt::Attempt;
pub use self::attempt::AttemptState;
use self::attempt::Record;
pub use self::bill::Bill;
pub use self::bill::BillTerms;
pub use self::bill::Billed;
pub use self::bill::Charge;
pub use self::bill::ChargeState;
pub use self::bill::Costs;
pub use self::bill::Sums;
pub use self::choose::ATTEMPTS_MAX;
pub use self::choose::PATIENCE_MS;
pub use self::claim::CLAIM_MS;
use self::claim::Claim;
pub use self::cost::Cost;
pub use self::decision::Decision;
pub use self::decision::Learnt;
pub use self::decision::Lesson;
pub use self::decision::Reply;
pub use self::desk::DESK_ENTRIES_MAX;
pub use self::desk::Desk;
pub use self::errand::CLOSE_AFTER_MS;
pub use self::errand::ERRAND_TIMEOUT_MS;
pub use self::errand::Errand;
use self::errand::Leased;
pub use self::errand::Terms;
pub use self::hint::Hint;
pub use self::inquiry::About;
pub use self::inquiry::INQUIRY_TIMEOUT_MS;
pub use self::inquiry::Inquiry;
pub use self::inquiry::POLLS_MAX;
pub use self::inquiry::POLLS_PER_ORDER_MAX;
pub use self::inquiry::ProviderStatus;
pub use self::inquiry::RECALLS_MAX;
pub use self::inquiry::Recall;
pub use self::look::Found;
pub use self::look::LOOK_AFTER_MS;
use self::mark::Before;
pub use self::mark::Mark;
pub use self::next::Next;
pub use self::outcome::BACKOFF;
pub use self::reason::Class;
pub use self::reason::Reason;
pub use self::reason::RulesOut;
pub use self::report::REPORT_TIMEOUT_MS;
pub use self::report::STILL_SENDING_MS;
pub use self::report::Telling;
pub use self::sim::SIM_CHECKS_MAX;
use self::sim::SimCheck;
pub use self::sim::SimDoubt;
pub use self::sim::SimVerdict;
pub use self::sim::WhenUnknown;
pub use self::stop::News;
pub use self::story::After;
pub use self::story::Entry;
pub use self::story::Happening;
pub use self::story::Moved;
pub use self::story::Story;
pub use self::story::head;
pub use self::story::link;
pub use self::timeline::Read;
pub use self::timeline::Timeline;
pub use self::timeline::Tried;

use crate::id::TenantId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Header;

/// How long a record is kept: receipts come days late, and are then only counted.
pub const KEEP_MS: u64 = DAY_MS;

/// The machine.
pub enum Order {}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// None for an order that was stopped before its job came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<Header>,
    state: OrderState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    attempts: Vec<Record>,
    /// What it costs, where its tenant pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill: Option<Box<Bill>>,
    /// What its number's network said of the SIM, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sim: Option<SimCheck>,
    /// What happened.
    #[serde(default)]
    story: Story,
    /// What is agreed with the tenant.
    #[serde(default)]
    terms: Terms,
    /// Whose, where the order was ended before its job came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    /// When it was forgotten on the phone's owner's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased_at: Option<UnixMs>,
    /// Nothing more is waited for: what comes later is only recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_closed: bool,
    /// Nobody has been told so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closing: bool,
    /// Entries of the story that were told.
    #[serde(default, skip_serializing_if = "is_none")]
    told: u32,
    /// Who tells more of them now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errand: Option<Leased>,
    /// Errands that were begun since the last one that was confirmed.
    #[serde(default, skip_serializing_if = "is_none")]
    errand_tries: u32,
    /// The job comes again, and its claim decides what is next.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    waits: bool,
    /// What comes by itself, unless something happens before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// It was called off: what has left is called back where that is possible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    recalls: bool,
    /// When a provider first took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<UnixMs>,
    /// The latest dispatch seen; older ones are over.
    #[serde(default, skip_serializing_if = "is_first")]
    dispatch: u8,
    /// Attempts before it.
    #[serde(default, skip_serializing_if = "is_none")]
    before: u32,
    /// Counts changes worth telling.
    seq: u64,
    /// The latest change that the edge has confirmed.
    reported: u64,
    report_tries: u32,
    report_at: UnixMs,
    /// When core took its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_at: Option<UnixMs>,
    /// Since when the edge lacks a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untold_since: Option<UnixMs>,
    /// The first times that the edge was told, for the order's trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tellings: Vec<Telling>,
}

impl Machine for Order {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.keep_until());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        let before = Before::of(state.as_ref());
        let mut step = decide(state, command, now);
        if let Write::Put { state, .. } = &step.write {
            step.reply.mark = before.mark(state, now);
        }
        step
    }
}

fn decide(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
    match (&command.ask, state) {
        (Ask::Claim { token, header, dispatch, offers, terms, taken_at }, state) => {
            let mut state = state.unwrap_or_else(|| State::new(Some(header), now));
            state.terms = terms.clone();
            // Of the first job: a resend's is another hand-over.
            state.taken_at = state.taken_at.or(taken_at.filter(|_| dispatch.is_none()));
            state.begin_bill();
            let (dispatch, token) = (dispatch.as_ref(), *token);
            claim::step(state, &Claim { token, header, dispatch, offers }, command, now)
        }
        (Ask::Stop { cause, tenant, terms }, state) => {
            let mut state = state.unwrap_or_else(|| State::new(None, now));
            state.terms = Terms { billing: None, ..terms.clone() };
            state.tenant = state.header.is_none().then(|| tenant.clone());
            stop::step(state, *cause, command, now)
        }
        // The job, when it comes, must find that it is not to be sent.
        (Ask::Desk(Desk::Erase), None) => desk::step(State::new(None, now), &Desk::Erase, command, now),
        (Ask::Desk(desk), Some(state)) => desk::step(state, desk, command, now),
        (Ask::Hint { gateway, n, provider_id, hint }, Some(state)) => {
            hint::step(state, (gateway, *n), provider_id, *hint, command, now)
        }
        (Ask::Looked { n, look, found }, Some(state)) => {
            look::looked(state, (*n, *look), found, command, now)
        }
        (Ask::Polled { n, status, receipt }, Some(state)) => {
            inquiry::polled(state, *n, (status, *receipt), command, now)
        }
        (Ask::Recalled { n, outcome }, Some(state)) => inquiry::recalled(state, (*n, *outcome), command, now),
        (Ask::Receipt { gateway, n, provider_id, receipt, cost }, Some(state)) => {
            receipt::step(state, (gateway, *n), provider_id, (*receipt, *cost), command, now)
        }
        (Ask::Posted { n, standing }, Some(state)) => bill::posted(state, (*n, standing), command, now),
        (Ask::Reported(seq), Some(state)) => report::reported(state, *seq, command, now),
        (Ask::Ran { token }, Some(state)) => errand::ran(state, *token, command, now),
        (Ask::Result { n, outcome }, Some(state)) => outcome::result(state, *n, outcome, command, now),
        (Ask::SimChecked { n, verdict }, Some(state)) => sim::checked(state, (*n, *verdict), command, now),
        (Ask::Tick, Some(state)) => report::tick(state, command, now),
        // The record was lost while its job was being worked on: the job makes it again.
        (
            Ask::Looked { found: Found::Missing | Found::Unclear, .. }
            | Ask::SimChecked { .. }
            | Ask::Result {
                outcome: CallOutcome::Failed(_) | CallOutcome::Throttled { .. } | CallOutcome::Unknown,
                ..
            },
            None,
        ) => Step::keep(Reply::of(Decision::RetryAt(now))),
        (
            Ask::Desk(_)
            | Ask::Hint { .. }
            | Ask::Looked { .. }
            | Ask::Polled { .. }
            | Ask::Posted { .. }
            | Ask::Recalled { .. }
            | Ask::Receipt { .. }
            | Ask::Ran { .. }
            | Ask::Reported(_)
            | Ask::Result { .. }
            | Ask::Tick,
            None,
        ) => Step::keep(Reply::of(Decision::Stop)),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(crate) fn is_first(dispatch: &u8) -> bool {
    *dispatch == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(attempts: &u32) -> bool {
    *attempts == 0
}

impl State {
    fn new(header: Option<&Header>, now: UnixMs) -> Self {
        Self {
            clock: now,
            header: header.cloned(),
            state: OrderState::Queued,
            reason: None,
            attempts: Vec::new(),
            bill: None,
            sim: None,
            story: Story::default(),
            terms: Terms::default(),
            tenant: None,
            erased_at: None,
            is_closed: false,
            closing: false,
            told: 0,
            errand: None,
            errand_tries: 0,
            waits: false,
            next: None,
            recalls: false,
            sent_at: None,
            dispatch: 0,
            before: 0,
            // From the time, so that a record made anew after a loss goes on above the numbers the edge has seen.
            seq: now.0,
            reported: now.0,
            report_tries: 0,
            report_at: now,
            taken_at: None,
            untold_since: None,
            tellings: Vec::new(),
        }
    }

    fn keep_until(&self) -> UnixMs {
        let begun_at = self.story.entries.first().map_or(self.clock, |first| first.at);
        self.header.as_ref().map_or(begun_at, |header| header.created_at).plus(KEEP_MS)
    }

    /// What the edge ended, or was erased: nothing opens it again, not even a resend.
    fn is_ended(&self) -> bool {
        self.erased_at.is_some()
            || matches!(self.state, OrderState::Cancelled | OrderState::Expired | OrderState::Verified)
    }

    /// **final-is-final**, as far as delivery goes: a delivered order may still be verified, at the edge.
    fn is_over(&self) -> bool {
        match self.state {
            OrderState::Cancelled
            | OrderState::Delivered
            | OrderState::Expired
            | OrderState::Failed
            | OrderState::Verified => true,
            OrderState::Accepted | OrderState::Queued | OrderState::Sending | OrderState::Sent => false,
        }
    }

    fn put(mut self, mut reply: Reply, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        self.settle(now);
        reply.errand = self.next_errand(command, now);
        reply.inquiries = self.inquire(now);
        reply.posting = self.posting(command, now);
        self.tell_cost(&mut reply, now);
        let expires_at = self.keep_until();
        let report_at = (self.reported < self.seq).then_some(self.report_at);
        let errand_at = self.errand.as_ref().map(|leased| leased.until);
        let wakes = [report_at, errand_at, self.posts_at(), self.closes_at(), self.inquires_at()];
        let wake_at = wakes.into_iter().flatten().min();
        Step { reply, write: Write::Put { state: self, expires_at, wake_at } }
    }
}
