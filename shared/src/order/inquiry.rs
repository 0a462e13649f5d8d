//! Asking a provider about a message that it took: how it fares, and to stop it.
//!
//! Like a report, an inquiry is a lease: the next one is set when this one begins, so that a host that dies in between needs to
//! tell nobody. How a message fares is asked at most [`POLLS_PER_ORDER_MAX`] times, and never by who waits for the order.

use serde::Deserialize;
use serde::Serialize;

use super::AttemptState;
use super::Command;
use super::Decision;
use super::Happening;
use super::Reason;
use super::Receipt;
use super::Record;
use super::Reply;
use super::State;
use super::receipt;
use crate::country::Country;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::machine::Step;
use crate::route::Way;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How often a provider is asked how one message fares.
pub const POLLS_MAX: u8 = 4;
/// The same over all messages of one order.
pub const POLLS_PER_ORDER_MAX: u32 = 8;
/// When it is asked, in eighths of the message's usual time since the call: receipts of most messages come before the first,
/// and the second is in time for the choice of another way.
const POLL_EIGHTHS: [u64; POLLS_MAX as usize] = [4, 7, 16, 32];
/// How often a provider is asked to stop a message, while it does not answer.
pub const RECALLS_MAX: u8 = 4;
/// How long a host may take for one inquiry: less than the time until the next.
pub const INQUIRY_TIMEOUT_MS: u64 = 4 * SECOND_MS;
const RECALL_AGAIN_MS: u64 = 5 * SECOND_MS;
/// Characters of a provider's status that are kept; the longest of those known has 14.
pub const STATUS_CHARS_MAX: usize = 24;

/// To be asked of a provider, and answered with [`Ask::Polled`](super::Ask::Polled) or
/// [`Ask::Recalled`](super::Ask::Recalled).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// What is asked.
    pub about: About,
    /// About which attempt.
    pub n: u32,
    /// How it went out.
    pub way: Way,
    /// The provider's name for the message.
    pub provider_id: String,
    /// Whose order it is, and of which service: as whom it went out may depend on it.
    pub of: (TenantId, ServiceId),
    /// Where to.
    pub country: Option<Country>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// That it be stopped.
    Recall,
    /// How it fares.
    Status,
}

/// What came of asking a provider to stop a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Recall {
    /// The provider is being asked.
    Asked,
    /// It had left already; the provider erased its text.
    Erased,
    /// The provider stopped it: it will not arrive.
    Stopped,
    /// It had left already.
    TooLate,
    /// The provider did not answer, or nobody knows whether it has the message.
    Unknown,
    /// The provider has no way to stop a message.
    Unsupported,
}

/// The provider's own word for how a message fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderStatus {
    /// Lower case, at most [`STATUS_CHARS_MAX`] characters.
    pub status: String,
    /// When it said so.
    pub at: UnixMs,
}

impl ProviderStatus {
    /// As much of it as is kept; nothing of what is no word.
    fn read(text: &str, at: UnixMs) -> Option<Self> {
        let is_word = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | ' ');
        let status: String = text.chars().filter(is_word).take(STATUS_CHARS_MAX).collect();
        (!status.is_empty()).then(|| Self { status: status.to_ascii_lowercase(), at })
    }
}

impl State {
    /// Begins to call back what has left, where the order was called off.
    pub(super) fn recall(&mut self, now: UnixMs) -> bool {
        if !self.recalls {
            return false;
        }
        let mut news = Vec::new();
        for record in self.attempts.iter_mut().filter(|record| record.attempt.recall.is_none()) {
            let n = record.attempt.n;
            let (recall, what) = match (record.attempt.state, &record.provider_id) {
                (AttemptState::Sent, Some(_)) => {
                    record.recall_at = Some(now);
                    (Recall::Asked, Happening::CancelAsked { n })
                }
                (AttemptState::Sent | AttemptState::Unknown, _) => {
                    (Recall::Unknown, Happening::Cancelled { n, outcome: Recall::Unknown })
                }
                (AttemptState::Delivered | AttemptState::Failed | AttemptState::Sending, _) => continue,
            };
            record.attempt.recall = Some(recall);
            news.push(what);
        }
        let is_news = !news.is_empty();
        news.into_iter().for_each(|what| self.story.add(now, what));
        is_news
    }

    /// Whether a provider is being asked to stop a message.
    pub(super) fn is_recalling(&self) -> bool {
        self.attempts.iter().any(|record| record.attempt.recall == Some(Recall::Asked))
    }

    /// When the next inquiry is due.
    pub(super) fn inquires_at(&self) -> Option<UnixMs> {
        if self.is_closed || self.header.is_none() {
            return None;
        }
        let polls = self.polls();
        let at = |record: &Record| match record.recall_at() {
            Some(at) => Some(at),
            None => self.poll_at(record, polls),
        };
        self.attempts.iter().filter_map(at).min()
    }

    fn polls(&self) -> u32 {
        self.attempts.iter().map(|record| u32::from(record.polls.done)).sum()
    }

    /// Nobody asks how the messages of an order fare that is over.
    fn poll_at(&self, record: &Record, polls: u32) -> Option<UnixMs> {
        let header = self.header.as_ref().filter(|_| !self.is_over() && polls < POLLS_PER_ORDER_MAX)?;
        record.poll_at().filter(|at| *at < header.expires_at)
    }

    /// The inquiries that are due, each begun by being here.
    pub(super) fn inquire(&mut self, now: UnixMs) -> Vec<Inquiry> {
        let Some(header) = self.header.as_ref().filter(|_| !self.is_closed) else { return Vec::new() };
        let of = (header.tenant.clone(), header.service.clone());
        let (country, mut polls) = (header.country, self.polls());
        let is_due = |at: Option<UnixMs>| at.is_some_and(|at| at <= now);
        let due: Vec<bool> = self.attempts.iter().map(|record| is_due(self.poll_at(record, polls))).collect();
        let mut inquiries = Vec::new();
        for (record, may_poll) in self.attempts.iter_mut().zip(due) {
            let about = if is_due(record.recall_at()) && record.recalls < RECALLS_MAX {
                record.recalls += 1;
                record.recall_at = Some(now.plus(RECALL_AGAIN_MS));
                About::Recall
            } else if may_poll && polls < POLLS_PER_ORDER_MAX {
                let before = record.polls.done;
                // Those that were missed are not made up for.
                while record.poll_at().is_some_and(|at| at <= now) {
                    record.polls.done += 1;
                }
                polls += u32::from(record.polls.done - before);
                About::Status
            } else {
                continue;
            };
            let Some(provider_id) = record.provider_id.clone() else { continue };
            let (n, way, of) = (record.attempt.n, record.way(), of.clone());
            inquiries.push(Inquiry { about, n, way, provider_id, of, country });
        }
        inquiries
    }

    /// Providers that were asked often enough without an answer are not asked again.
    pub(super) fn gives_up_recalls(&mut self, now: UnixMs) -> bool {
        let is_spent =
            |record: &Record| record.recalls >= RECALLS_MAX && record.recall_at().is_some_and(|at| at <= now);
        let spent: Vec<u32> = self.attempts.iter().filter(|it| is_spent(it)).map(|it| it.attempt.n).collect();
        spent.iter().for_each(|n| self.recalled(*n, Recall::Unknown, now));
        !spent.is_empty()
    }

    fn recalled(&mut self, n: u32, outcome: Recall, now: UnixMs) {
        let Some(record) = self.attempts.iter_mut().find(|record| record.attempt.n == n) else { return };
        record.attempt.recall = Some(outcome);
        record.recall_at = None;
        if outcome == Recall::Stopped && record.attempt.state == AttemptState::Sent {
            record.fail(Reason::CalledOff);
            record.attempt.at = now;
        }
        self.story.add(now, Happening::Cancelled { n, outcome });
    }
}

impl Record {
    fn recall_at(&self) -> Option<UnixMs> {
        self.recall_at.filter(|_| self.attempt.recall == Some(Recall::Asked))
    }

    fn poll_at(&self) -> Option<UnixMs> {
        let is_open = self.attempt.state == AttemptState::Sent && self.provider_id.is_some();
        let eighths = POLL_EIGHTHS.get(usize::from(self.polls.done)).filter(|_| is_open)?;
        self.polls.are_left().then(|| self.called_at().plus(self.window_ms.saturating_mul(*eighths) / 8))
    }

    /// The provider said so.
    pub(super) fn told(&mut self, status: &str, now: UnixMs) {
        if let Some(told) = ProviderStatus::read(status, now) {
            self.attempt.told = Some(told);
        }
    }
}

/// A provider's answer to how a message fares. What it says is as good as a receipt: it was our own call.
pub(super) fn polled(
    mut state: State,
    n: u32,
    (status, receipt): (&str, Option<Receipt>),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let Some(record) = state.attempts.iter_mut().find(|record| record.attempt.n == n) else {
        return Step::keep(Reply::of(Decision::Noted));
    };
    let Some(provider_id) = record.provider_id.clone().filter(|_| record.attempt.state == AttemptState::Sent)
    else {
        return Step::keep(Reply::of(Decision::Noted));
    };
    let before = record.attempt.told.as_ref().map(|told| told.status.clone());
    record.told(status, now);
    let is_news = record.attempt.told.as_ref().map(|told| &told.status) != before.as_ref();
    let gateway = record.attempt.gateway.clone();
    if is_news && let Some(told) = &record.attempt.told {
        let what = Happening::Polled { n, status: told.status.clone() };
        state.story.add(now, what);
    }
    match receipt {
        // It says no more than is known.
        None | Some(Receipt::Sent) if is_news => state.tell(Decision::Noted, command, now),
        None | Some(Receipt::Sent) => Step::keep(Reply::of(Decision::Noted)),
        Some(receipt) => receipt::step(state, (&gateway, n), &provider_id, (receipt, None), command, now),
    }
}

/// A provider's answer to being asked to stop a message; nothing where it gave none.
pub(super) fn recalled(
    mut state: State,
    (n, outcome): (u32, Option<Recall>),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let is_asked = |record: &Record| record.attempt.n == n && record.recall_at().is_some();
    let Some(outcome) = outcome.filter(|outcome| *outcome != Recall::Asked) else {
        return Step::keep(Reply::of(Decision::Noted));
    };
    if !state.attempts.iter().any(is_asked) {
        return Step::keep(Reply::of(Decision::Noted));
    }
    state.recalled(n, outcome, now);
    state.tell(Decision::Noted, command, now)
}
