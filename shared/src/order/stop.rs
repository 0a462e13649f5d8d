//! What the edge ends; and what becomes known of an order once, for who counts how many of the orders sent are verified.

use super::AttemptState;
use super::Cause;
use super::Command;
use super::Decision;
use super::Happening;
use super::Learnt;
use super::Record;
use super::Reply;
use super::State;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Header;

/// What became known of an order. Each of the two comes once, whatever is redelivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The order; `None` where the record is not the one that it was sent by.
    pub header: Option<Box<Header>>,
    /// When a provider was called that took it, for the first time; `None` where the record does not know.
    pub sent_at: Option<UnixMs>,
    /// A provider has taken it. Not a resend.
    pub is_sent: bool,
    /// The user has verified it.
    pub is_verified: bool,
}

/// **never-stale**: what the edge ended is not sent from here on. What is on its way when an order is called off is called
/// back, where its provider can do that.
pub(super) fn step(mut state: State, cause: Cause, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let ended = match cause {
        Cause::Cancelled | Cause::Superseded => OrderState::Cancelled,
        Cause::Verified => OrderState::Verified,
    };
    if state.state == ended || state.state == OrderState::Verified {
        return Step::keep(Reply::of(Decision::Noted));
    }
    state.state = ended;
    if let Some(bill) = &mut state.bill {
        bill.called_off |= cause == Cause::Cancelled;
    }
    state.story.add(now, Happening::Ended { state: ended, why: cause.as_str().into() });
    state.recalls |= cause == Cause::Cancelled;
    if state.recall(now) {
        return state.tell(Decision::Noted, command, now);
    }
    if cause != Cause::Verified {
        return state.put(Reply::of(Decision::Noted), command, now);
    }
    let news = Some(state.verified());
    let way = state.arrived().map(Record::way);
    let lesson = way.map(|way| state.lesson(way, Learnt::Verified));
    state.put(Reply { news, lesson, ..Reply::of(Decision::Noted) }, command, now)
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "called off",
            Self::Superseded => "a newer order took its place",
            Self::Verified => "the user proved to have the code",
        }
    }
}

impl State {
    /// A provider that was called `at` has taken it.
    pub(super) fn sent(&mut self, at: UnixMs) -> Option<News> {
        if self.sent_at.is_some() {
            return None;
        }
        self.sent_at = Some(at);
        Some(News { is_sent: true, ..self.news() })
    }

    /// Who has the code was sent it, though the provider's answer or receipt is still to come, or was lost.
    fn verified(&mut self) -> News {
        let called_at = self.arrived().or(self.attempts.last()).map(Record::called_at);
        let sent = called_at.and_then(|at| self.sent(at));
        News { is_sent: sent.is_some(), is_verified: true, ..self.news() }
    }

    /// The attempt that most likely brought the code.
    pub(super) fn arrived(&self) -> Option<&Record> {
        let by = |state| self.attempts.iter().find(move |record| record.attempt.state == state);
        by(AttemptState::Delivered)
            .or_else(|| by(AttemptState::Sent))
            .or_else(|| self.attempts.iter().find(|record| record.attempt.state != AttemptState::Failed))
    }

    fn news(&self) -> News {
        News {
            header: self.header.clone().map(Box::new),
            sent_at: self.sent_at,
            is_sent: false,
            is_verified: false,
        }
    }
}
