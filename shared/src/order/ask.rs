//! What is asked of a record, and what the edge and the providers say in it.

use super::Cost;
use super::Desk;
use super::Found;
use super::Hint;
use super::Reason;
use super::Recall;
use super::SimVerdict;
use super::Terms;
use crate::bytes::Bytes;
use crate::entropy::Entropy;
use crate::id::GatewayId;
use crate::id::TenantId;
use crate::money::Standing;
use crate::route::Offer;
use crate::time::UnixMs;
use crate::wire::job::Dispatch;
use crate::wire::job::Header;

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
        /// The ways that may carry it, best first; see [`route::rank`](crate::route::rank).
        offers: Vec<Offer>,
        /// What is agreed with the tenant now.
        terms: Terms,
        /// When core took the job from the edge, where that was noted.
        taken_at: Option<UnixMs>,
    },
    /// Support acts on the order, or erases what it says.
    Desk(Desk),
    /// Somebody who could not prove to be the provider told how a message fares.
    Hint {
        /// Through which gateway's door.
        gateway: GatewayId,
        /// Which attempt.
        n: u32,
        /// The provider's name for the message.
        provider_id: String,
        /// How it fares, they say.
        hint: Hint,
    },
    /// The provider was asked whether it has the message of attempt `n`.
    Looked {
        /// Which attempt.
        n: u32,
        /// Which look at it.
        look: u8,
        /// What it said.
        found: Found,
    },
    /// The provider was asked how a message fares.
    Polled {
        /// Which attempt.
        n: u32,
        /// Its own word for it; empty where it gave none.
        status: String,
        /// What that comes to; nothing where it is no news.
        receipt: Option<Receipt>,
    },
    /// The provider was asked to stop a message.
    Recalled {
        /// Which attempt.
        n: u32,
        /// What it said; nothing where it gave no answer.
        outcome: Option<Recall>,
    },
    /// The tenant's account has answered a posting.
    Posted {
        /// Which.
        n: u32,
        /// What it knows of the order.
        standing: Standing,
    },
    /// The provider told how a message fares.
    Receipt {
        /// Whose provider told it: nobody speaks of another's messages.
        gateway: GatewayId,
        /// Which attempt.
        n: u32,
        /// The provider's name for the message.
        provider_id: String,
        /// How it fares.
        receipt: Receipt,
        /// What it cost, where the provider tells.
        cost: Option<Cost>,
    },
    /// The edge has taken the event with this number.
    Reported(u64),
    /// An errand was run.
    Ran {
        /// [`Errand::token`].
        token: Bytes<8>,
    },
    /// The provider's answer to attempt `n`.
    Result {
        /// Which attempt.
        n: u32,
        /// How the call ended.
        outcome: CallOutcome,
    },
    /// The number's network was asked whether its SIM changed lately.
    SimChecked {
        /// Which check.
        n: u8,
        /// What it said.
        verdict: SimVerdict,
    },
    /// The edge says that nothing more need, or may, be sent.
    Stop {
        /// Why.
        cause: Cause,
        /// Whose order it is.
        tenant: TenantId,
        /// What is agreed with the tenant now.
        terms: Terms,
    },
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
    /// The provider did not take it.
    Failed(Reason),
    /// The provider took it.
    Taken {
        /// The provider's name for the message.
        provider_id: String,
    },
    /// The provider did not take it, and asks us to slow down.
    Throttled {
        /// For how long, where it says so, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The request went out and no answer came: the provider may have it.
    Unknown,
}

impl CallOutcome {
    /// Whether it speaks against the gateway.
    pub fn blames_gateway(&self) -> bool {
        match self {
            Self::Failed(reason) => reason.blames_gateway(),
            Self::Unknown => true,
            Self::Taken { .. } | Self::Throttled { .. } => false,
        }
    }
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
