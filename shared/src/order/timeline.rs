//! An order's record as operators read it: every attempt with its route and reason, and why at other moments nothing was
//! sent. No code, no number.

use serde::Serialize;

use super::Attempt;
use super::AttemptState;
use super::Billed;
use super::Happening;
use super::Next;
use super::Reason;
use super::Record;
use super::State;
use super::Story;
use super::Telling;
use super::advice;
use super::advice::Advice;
use super::advice::Situation;
use super::moves;
use super::moves::Allowed;
use crate::directory::Limits;
use crate::ledger;
use crate::machine::Machine;
use crate::machine::Step;
use crate::price::Money;
use crate::route::Sender;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;
use crate::wire::job::Header;

/// Reads a record and changes nothing.
pub enum Read {}

/// A record, as `GET /ops/v1/orders/{id}` shows it. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Where delivery stands.
    pub state: OrderState,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the job says in clear; missing where the order ended before its job came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Header>,
    /// Resends asked for.
    pub resends: u8,
    /// Whether the job waits, to be claimed again.
    pub waits: bool,
    /// What comes by itself, unless something happens before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Tried>,
    /// What it costs, where its tenant pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill: Option<Billed>,
    /// When everything that was sent was forgotten, on the phone's owner's request. State and money are what they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<UnixMs>,
    /// Whether nothing more is waited for.
    pub is_closed: bool,
    /// It is closed, and who listens may not have heard so. For hosts alone.
    #[serde(skip)]
    pub is_closing: bool,
    /// When core took its job from the edge, where that was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<UnixMs>,
    /// The first times that the edge was told how it fares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tellings: Vec<Telling>,
    /// Everything that happened, oldest first, and the link of the last entry.
    pub story: Story,
}

/// A try, with what only core knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// As the public API shows it.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// As whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// Why the router put this route first.
    pub route: String,
    /// When the provider was called.
    pub called_at: UnixMs,
    /// How long a message on this route usually takes.
    pub window_ms: u64,
    /// When the same way is free again, after a transient failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<UnixMs>,
    /// The provider's name for the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What the provider says that it cost us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// How often the provider was asked whether it has the message.
    pub looks: u8,
}

impl Machine for Read {
    type State = State;
    type Command = ();
    type Reply = Option<Box<Timeline>>;

    fn step(state: Option<State>, (): &(), now: UnixMs) -> Step<State, Self::Reply> {
        let state = state.filter(|state| now < state.keep_until());
        Step::keep(state.map(|state| Box::new(state.timeline())))
    }
}

impl Timeline {
    /// What to do about the order and what may be done, as far as core knows: guesses are counted at the edge. `ways` are those of its service.
    /// Nothing where it was erased: nobody knows it any more.
    pub fn outlook(
        &self,
        ways: &[ledger::Way],
        limits: &Limits,
        waiting_ms: u64,
        now: UnixMs,
    ) -> Option<(Advice, [Allowed; 2])> {
        let job = self.job.as_ref().filter(|_| self.erased_at.is_none())?;
        let resent = self.story.entries.iter().filter_map(|entry| match &entry.what {
            Happening::Resend { channel, .. } => Some((entry.at, *channel)),
            _ => None,
        });
        let resent: Vec<(UnixMs, Channel)> = resent.collect();
        let asked: Vec<Channel> = std::iter::once(job.channel).chain(resent.iter().map(|it| it.1)).collect();
        let attempts: Vec<Attempt> = self.attempts.iter().map(|tried| tried.attempt.clone()).collect();
        let channels = job.channels(None);
        let ways: Vec<&ledger::Way> = ways.iter().filter(|way| channels.contains(&way.channel)).collect();
        let last = attempts.last();
        let expected_by = last.and_then(|last| last.expected_by);
        let sent = resent.last().map_or(job.created_at, |it| it.0);
        let sends_left = limits.sends_per_order > self.resends.saturating_add(1);
        let resend_at = sent.plus(limits.resend_after_ms.saturating_mul(1 << resent.len().min(8)));
        let state = match self.state {
            state if !state.is_final() && job.expires_at <= now => OrderState::Expired,
            state => state,
        };
        let has_arrived = attempts.iter().any(|attempt| attempt.state == AttemptState::Delivered);
        let situation = Situation {
            state,
            reason: self.reason,
            expected_by,
            window_ms: self.attempts.last().map_or(waiting_ms, |tried| tried.window_ms),
            begun_by: last.map_or(job.created_at, |last| last.at).max(sent).plus(waiting_ms),
            next_at: self.next.as_ref().map(|next| next.at),
            is_all_unknown: last.is_some() && attempts.iter().all(|it| it.state == AttemptState::Unknown),
            is_checked: false,
            is_locked: false,
            may_change: &ledger::may_change(&attempts, &asked, &ways, now),
            resend_at: sends_left.then_some(resend_at),
            can_cancel: !has_arrived && expected_by.is_none_or(|at| at <= now),
            expires_at: job.expires_at,
        };
        Some((advice::advise(&situation, now), moves::moves(&situation, now)))
    }
}

impl State {
    pub(super) fn timeline(self) -> Timeline {
        let is_over = self.is_over();
        Timeline {
            state: self.state,
            reason: self.reason,
            job: self.header,
            resends: self.dispatch,
            waits: self.waits,
            next: self.next.filter(|_| !is_over),
            attempts: self.attempts.into_iter().map(Record::tried).collect(),
            bill: self.bill.as_ref().map(|bill| bill.billed()),
            erased_at: self.erased_at,
            is_closed: self.is_closed,
            is_closing: self.closing,
            taken_at: self.taken_at,
            tellings: self.tellings,
            story: self.story,
        }
    }
}

impl Record {
    fn tried(self) -> Tried {
        Tried {
            called_at: self.called_at(),
            attempt: self.attempt,
            sender: self.sender,
            route: self.route,
            window_ms: self.window_ms,
            retry_at: self.retry_at,
            provider_id: self.provider_id,
            cost: self.cost,
            looks: self.looks.done,
        }
    }
}
