//! An order's record as operators read it: every attempt with its route and reason, and why at other moments nothing was
//! sent. No code, no number.

use serde::Serialize;

use super::Attempt;
use super::Billed;
use super::Reason;
use super::Record;
use super::State;
use super::Story;
use crate::machine::Machine;
use crate::machine::Step;
use crate::route::Sender;
use crate::time::UnixMs;
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
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Tried>,
    /// What it costs, where its tenant pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill: Option<Billed>,
    /// Whether nothing more is waited for.
    pub is_closed: bool,
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

impl State {
    pub(super) fn timeline(self) -> Timeline {
        Timeline {
            state: self.state,
            reason: self.reason,
            job: self.header,
            resends: self.dispatch,
            waits: self.waits,
            attempts: self.attempts.into_iter().map(Record::tried).collect(),
            bill: self.bill.as_ref().map(|bill| bill.billed()),
            is_closed: self.is_closed,
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
            looks: self.looks.done,
        }
    }
}
