//! The ledger of one address: everything decided in one step per order, with a section per tenant inside.
//!
//! Key: [`LedgerId`](crate::id::LedgerId). Holds buckets, idempotency records, code digests, guess counters and
//! the outbox. Of the address it holds the mask; of a code, the digest and the sealed job.
//!
//! A missing state means an address nobody ordered for: orders are admitted, verification finds nothing.

mod cancel;
mod create;
mod erase;
mod event;
mod kept;
mod limits;
mod outbox;
mod payment;
mod refusal;
mod resend;
mod spent;
mod state;
mod unlock;
mod verify;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

pub use self::limits::Ceilings;
pub use self::limits::Standing;
pub use self::outbox::Content;
pub use self::outbox::HANDOVER_TIMEOUT_MS;
pub use self::outbox::Parcel;
pub use self::outbox::ParcelId;
pub use self::outbox::Part;
pub use self::resend::Resend;
pub use self::resend::ServiceRoutes;
pub use self::resend::Way;
pub use self::resend::may_change;
pub use self::state::State;
pub use self::unlock::UNLOCKS;
pub use self::unlock::Unlock;
pub use self::verify::Verify;

use crate::binding::Binding;
use crate::bytes::Bytes;
use crate::challenge::Proof;
use crate::challenge::altcha::Cost;
use crate::code::Code;
use crate::country::Country;
use crate::directory::Limits;
use crate::directory::Risk;
use crate::entropy::Entropy;
use crate::id::LedgerId;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::keys::Pepper;
use crate::keys::Ring;
use crate::machine::Machine;
use crate::machine::Step;
use crate::phone::Phone;
use crate::risk::Factors;
use crate::risk::GeoPolicy;
use crate::risk::Origin;
use crate::seal::Sealer;
use crate::time::UnixMs;
use crate::trace::Trace;
use crate::wire::api;
use crate::wire::api::Channel;
use crate::wire::api::VerifyResult;
use crate::wire::event::OrderEvent;

/// The machine.
pub enum Ledger {}

/// The keys a ledger decides with.
pub struct Keys {
    /// For code digests.
    pub peppers: Ring<Pepper>,
    /// For jobs.
    pub sealer: Sealer,
}

/// One event with everything its step may use.
pub struct Command {
    /// The host's keys.
    pub keys: Arc<Keys>,
    /// Drawn for this event.
    pub entropy: Entropy,
    /// What is asked.
    pub ask: Ask,
}

/// A question on its way from the worker to the Durable Object, stamped and with its entropy drawn where it came in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub now: UnixMs,
    /// Drawn for this event.
    pub entropy: Entropy,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a ledger. Travels from worker to Durable Object, and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Call an order off.
    Cancel(Whose),
    /// Order a code.
    Create(Box<Create>),
    /// Core has taken the parcel.
    Done(ParcelId),
    /// Forget these orders, and tell which others there are.
    Erase(Vec<OrderId>),
    /// Core tells how delivery goes.
    Event(OrderEvent),
    /// Show an order.
    Fetch(Whose),
    /// Say what an order would come to, without ordering.
    Preflight(Box<Create>),
    /// Send an order's code once more.
    Resend(Box<Resend>),
    /// The alarm rang.
    Tick,
    /// Let the phone's owner guess again.
    Unlock(Unlock),
    /// Check a guess.
    Verify(Verify),
}

/// An order and who asks for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whose {
    /// Orders of other tenants do not exist.
    pub tenant: TenantId,
    /// Which.
    pub order: OrderId,
    /// The tenant's limits at this moment.
    pub limits: Limits,
    /// The services the key is for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ServiceId>,
    /// Ways with a live route, by service, best first: what the advice goes by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRoutes>,
}

/// An order for a code, parsed and allowed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Create {
    /// Names this ledger inside the order's id.
    pub ledger: LedgerId,
    /// Who orders.
    pub tenant: TenantId,
    /// What for.
    pub service: ServiceId,
    /// The tenant's limits.
    pub limits: Limits,
    /// The limits over all tenants.
    pub ceilings: Ceilings,
    /// How much of them is open to it.
    pub standing: Standing,
    /// A solved challenge, to be used once.
    pub solved: Option<Proof>,
    /// A challenge is due, whoever asks.
    pub is_suspect: bool,
    /// Where the request comes from.
    pub origin: Option<Origin>,
    /// What follows from that.
    pub geo: GeoPolicy,
    /// What made it suspicious before the ledger was asked.
    pub factors: Factors,
    /// How it goes out when it is too suspicious for SMS.
    pub safer_channel: Option<Channel>,
    /// The service's ways with a live route: what the advice goes by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRoutes>,
    /// Every channel that leads to the user, best first; none where the caller chose one.
    pub channels: Vec<Channel>,
    /// High risk never goes by SMS, now or on a resend.
    pub risk: Risk,
    /// How long a message usually takes.
    pub waiting_ms: u64,
    /// Where the number belongs.
    pub country: Option<Country>,
    /// Keyed hash of the number without its last four digits.
    pub prefix: Option<Bytes<8>>,
    /// The caller's own code; one is made where there is none.
    pub code: Option<Code>,
    /// Digits of the code.
    pub digits: u8,
    /// Life of the code.
    pub ttl_ms: u64,
    /// How it goes out.
    pub channel: Channel,
    /// What it may cost at most, in millionths of the tenant's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price_micros: Option<u64>,
    /// Segments that it takes as a text message, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_segments: Option<u8>,
    /// The trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// Keyed hash of the idempotency key.
    pub idempotency_key: Bytes<16>,
    /// Keyed hash of the request.
    pub fingerprint: Bytes<16>,
    /// Where to.
    pub phone: Option<Phone>,
    /// Where to.
    pub email: Option<String>,
    /// Masked address.
    pub to: String,
    /// Language of the message.
    pub locale: String,
    /// Transaction the code approves.
    pub binding: Option<Binding>,
    /// Echoed.
    pub client_ref: Option<String>,
    /// Echoed.
    pub metadata: BTreeMap<String, String>,
}

/// The answer, and what to hand over to core now.
pub struct Reply {
    /// For whoever asked.
    pub outcome: Outcome,
    /// Hand these to core, then ask [`Ask::Done`] for each that core confirmed. One that fails comes again
    /// with a later `Tick`.
    pub due: Vec<Parcel>,
}

/// For whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Numbers like this one are blocked by now.
    Blocked,
    /// The order approves a payment, and the guess did not say which: it was not evaluated.
    BindingRequired,
    /// The order, called off now or before.
    Cancelled(api::Order),
    /// A message is on its way, and inside its usual time.
    CancelTooEarly {
        /// The window.
        cancel: api::Cancel,
        /// When it opens.
        retry_after_ms: u64,
    },
    /// The message arrived, or the order is over.
    CancelTooLate {
        /// The window; none for an order that is over.
        cancel: Option<api::Cancel>,
    },
    /// What is left of the limits is kept for who solves a challenge, of at least this cost.
    ChallengeRequired {
        /// How much work.
        cost: Cost,
    },
    /// An order like this would be admitted.
    Clear,
    /// The order, made now or by the first request with this key.
    Created {
        /// As it stands.
        order: api::Order,
        /// An earlier request with the same key and content made it.
        replayed: bool,
    },
    /// Of every other order nothing is left.
    Erased {
        /// Those that there are, of every tenant.
        orders: Vec<OrderId>,
    },
    /// The order as it stands.
    Found(api::Order),
    /// Another request came with this idempotency key.
    IdempotencyMismatch,
    /// No live route has this channel.
    NoRoute,
    /// Nothing to tell: done, event and tick.
    Noted,
    /// A resend would repeat what was tried.
    NothingChanged {
        /// Channels that would be another way.
        may_change: Vec<Channel>,
    },
    /// No such order of this tenant.
    NotFound,
    /// Come back later.
    RateLimited {
        /// When a like request may pass, if nobody else comes first.
        retry_after_ms: u64,
    },
    /// Too early for another message of this order.
    ResendTooEarly {
        /// From when on it is taken.
        from: UnixMs,
        /// How long that is.
        retry_after_ms: u64,
    },
    /// The order, whose code is sent once more.
    Resent {
        /// As it stands.
        order: api::Order,
        /// An earlier request with the same key and content asked for it.
        replayed: bool,
        /// How.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// Channels that would have been another way, that one among them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        may_change: Vec<Channel>,
    },
    /// Wrong guesses are forgotten; those of each code stay.
    Unlocked {
        /// Wrong guesses in a row until then.
        wrong_in_a_row: u32,
        /// Wrong guesses of the last day until then.
        wrong_today: u32,
    },
    /// What the guess came to.
    Verified {
        /// The verdict.
        result: VerifyResult,
        /// The order after it.
        order: api::Order,
    },
    /// The host's randomness or keys cannot be used: nothing was decided.
    Unavailable,
}

impl Machine for Ledger {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let mut state = state.filter(|state| now < state.expires_at()).unwrap_or_default();
        let now = state.clock(now);
        let forgot_code = state.forget(now);
        match &command.ask {
            Ask::Cancel(whose) => cancel::step(state, whose, command, now),
            Ask::Create(create) => create::step(state, create, command, now),
            Ask::Done(parcel) => outbox::done(state, parcel, now),
            Ask::Erase(forget) => erase::step(state, forget, now),
            Ask::Event(event) => event::step(state, event, now),
            Ask::Fetch(whose) => Step::keep(Reply::of(state.fetch(whose, now))),
            Ask::Preflight(create) => create::preflight(state, create, now),
            Ask::Resend(resend) => resend::step(state, resend, command, now),
            Ask::Tick => outbox::tick(state, forgot_code, &command.entropy, now),
            Ask::Unlock(unlock) => unlock::step(state, unlock, now),
            Ask::Verify(verify) => verify::step(state, verify, command, now),
        }
    }
}

impl Ask {
    /// Whether an order may look different after it.
    pub fn changes(&self) -> bool {
        match self {
            Self::Cancel(_)
            | Self::Create(_)
            | Self::Done(_)
            | Self::Erase(_)
            | Self::Event(_)
            | Self::Resend(_)
            | Self::Unlock(_)
            | Self::Verify(_) => true,
            Self::Fetch(_) | Self::Preflight(_) | Self::Tick => false,
        }
    }
}

impl Whose {
    fn seen(&self) -> state::Seen<'_> {
        (&self.limits, &self.services)
    }
}

impl Reply {
    fn of(outcome: Outcome) -> Self {
        Self { outcome, due: Vec::new() }
    }
}
