//! Core's record of one order: attempts, receipts, and what the edge has been told of them.
//!
//! Key: the order id. A missing state means an order this core has not begun: the queued job holds all that is
//! needed to make the record again. Losing a record while its job is queued can therefore send twice, never not
//! at all.

mod claim;
mod outcome;
mod report;
mod stop;

use serde::Deserialize;
use serde::Serialize;

pub use self::claim::ATTEMPTS_MAX;
pub use self::claim::CLAIM_MS;
use self::claim::Claim;
pub use self::report::REPORT_TIMEOUT_MS;
pub use self::stop::News;

use crate::bytes::Bytes;
use crate::entropy::Entropy;
use crate::id::GatewayId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;
use crate::wire::api;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;
use crate::wire::event::OrderEvent;
use crate::wire::job::Dispatch;
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
}

/// An attempt and what only core knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    attempt: Attempt,
    /// Who claimed it.
    claim: Bytes<16>,
    /// Until when the worker that claimed it may still be calling.
    claimed_until: UnixMs,
    /// Before this a further attempt would come too soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_at: Option<UnixMs>,
    /// The provider's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
}

/// A try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Counts from 1.
    pub n: u32,
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: GatewayId,
    /// How it goes.
    pub state: AttemptState,
    /// When it came into this state.
    pub at: UnixMs,
    /// **something-changes**: what differs from the attempt before.
    pub changed: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// How an attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// The provider says that it arrived.
    Delivered,
    /// The provider refused it, or says that it did not arrive.
    Failed,
    /// The provider is being called.
    Sending,
    /// The provider took it.
    Sent,
    /// The provider was called and may have it; a receipt will tell.
    Unknown,
}

/// Why an attempt failed, in one vocabulary for all providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The handset is off or out of reach.
    AbsentTemporary,
    /// The provider does not accept our credentials.
    AuthFailed,
    /// The carrier filtered the text.
    ContentFiltered,
    /// The provider account may not send to this country.
    CountryDisabled,
    /// Our account with the provider is empty.
    InsufficientBalance,
    /// No such subscriber.
    InvalidNumber,
    /// A number that takes no text messages.
    Landline,
    /// The user has opted out.
    OptedOut,
    /// The provider failed or could not be reached.
    ProviderDown,
    /// Refused for another reason.
    Rejected,
    /// The sender is not approved.
    SenderUnapproved,
    /// The provider asks us to slow down.
    Throttled,
    /// The message's life ended on the way.
    TtlExpired,
    /// The provider was called and did not answer.
    UnknownOutcome,
}

impl Reason {
    /// Whether the same way may do better after a while.
    pub fn passes(self) -> bool {
        match self {
            Self::AbsentTemporary | Self::ProviderDown | Self::Throttled | Self::TtlExpired => true,
            Self::AuthFailed
            | Self::ContentFiltered
            | Self::CountryDisabled
            | Self::InsufficientBalance
            | Self::InvalidNumber
            | Self::Landline
            | Self::OptedOut
            | Self::Rejected
            | Self::SenderUnapproved
            | Self::UnknownOutcome => false,
        }
    }
}

/// One event with what its step may use.
pub struct Command {
    /// Drawn for this event.
    pub entropy: Entropy,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a record.
#[derive(Clone)]
pub enum Ask {
    /// A worker holds the job and would send it through `gateway`.
    Claim {
        /// Names this claim: a worker that did not hear the answer asks again with it.
        token: Bytes<16>,
        /// The job's header, from which a missing record is made.
        header: Box<Header>,
        /// Where the job is a resend.
        dispatch: Option<Dispatch>,
        /// The gateways that carry the channel, best first.
        gateways: Vec<GatewayId>,
    },
    /// The provider told how a message fares.
    Receipt {
        /// Which attempt.
        n: u32,
        /// The provider's name for the message.
        provider_id: String,
        /// How it fares.
        receipt: Receipt,
    },
    /// The edge has taken the event with this number.
    Reported(u64),
    /// The provider's answer to attempt `n`.
    Result {
        /// Which attempt.
        n: u32,
        /// How the call ended.
        outcome: CallOutcome,
    },
    /// The edge says that nothing more need, or may, be sent.
    Stop(Cause),
    /// The alarm rang.
    Tick,
}

/// Why nothing more is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Called off.
    Cancelled,
    /// A newer order took its place.
    Superseded,
    /// The user has the code.
    Verified,
}

/// How a call to a provider ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It will not do better another time.
    Permanent(Reason),
    /// The provider took it.
    Taken {
        /// The provider's name for the message.
        provider_id: String,
    },
    /// It may do better after a while. The provider did not take it.
    Transient(Reason),
    /// The request went out and no answer came: the provider may have it.
    Unknown,
}

/// How a message fares, in the provider's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Failed(Reason),
    /// It is on its way.
    Sent,
}

/// What to do, and what to tell the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For the worker.
    pub decision: Decision,
    /// Tell the edge, then ask [`Ask::Reported`]. One that fails comes again with a later `Tick`.
    pub event: Option<OrderEvent>,
    /// To be counted, once.
    pub news: Option<News>,
}

/// For the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing to do.
    Noted,
    /// Put the job back into the queue until then.
    RetryAt(UnixMs),
    /// Call the provider now, as this attempt.
    Send {
        /// Its number.
        n: u32,
        /// Through whom.
        gateway: GatewayId,
    },
    /// The job is done with; take it off the queue.
    Stop,
}

impl Machine for Order {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.keep_until());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        match (&command.ask, state) {
            (Ask::Claim { token, header, dispatch, gateways }, state) => {
                let state = state.unwrap_or_else(|| State::new(Some(header), now));
                let (dispatch, token) = (dispatch.as_ref(), *token);
                claim::step(state, Claim { token, header, dispatch, gateways }, command, now)
            }
            (Ask::Stop(cause), state) => {
                stop::step(state.unwrap_or_else(|| State::new(None, now)), *cause, now)
            }
            (Ask::Receipt { n, provider_id, receipt }, Some(state)) => {
                outcome::receipt(state, *n, provider_id, *receipt, command, now)
            }
            (Ask::Reported(seq), Some(state)) => report::reported(state, *seq, now),
            (Ask::Result { n, outcome }, Some(state)) => outcome::result(state, *n, outcome, command, now),
            (Ask::Tick, Some(state)) => report::tick(state, command, now),
            (Ask::Receipt { .. } | Ask::Reported(_) | Ask::Result { .. } | Ask::Tick, None) => {
                Step::keep(Reply::of(Decision::Stop))
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_first(dispatch: &u8) -> bool {
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
            sent_at: None,
            dispatch: 0,
            before: 0,
            // From the time, so that a record made anew after a loss goes on above the numbers the edge has seen.
            seq: now.0,
            reported: now.0,
            report_tries: 0,
            report_at: now,
        }
    }

    fn keep_until(&self) -> UnixMs {
        self.header.as_ref().map_or(self.clock, |header| header.created_at).plus(KEEP_MS)
    }

    /// What the edge ended: nothing opens it again, not even a resend.
    fn is_ended(&self) -> bool {
        matches!(self.state, OrderState::Cancelled | OrderState::Expired | OrderState::Verified)
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

    fn put(mut self, reply: Reply, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let expires_at = self.keep_until();
        let wake_at = (self.reported < self.seq).then_some(self.report_at);
        Step { reply, write: Write::Put { state: self, expires_at, wake_at } }
    }
}

impl Reply {
    fn of(decision: Decision) -> Self {
        Self { decision, event: None, news: None }
    }
}

impl Attempt {
    /// As the public API shows it.
    pub fn view(&self) -> api::Attempt {
        api::Attempt {
            n: self.n,
            channel: self.channel,
            gateway: self.gateway.to_string(),
            state: self.state,
            at: self.at.rfc3339(),
            changed: self.changed.clone(),
            reason: self.reason,
        }
    }
}
