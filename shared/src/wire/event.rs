//! What core tells the edge of an order.

use serde::Deserialize;
use serde::Serialize;

use crate::id::OrderId;
use crate::order::Attempt;
use crate::order::Costs;
use crate::order::Next;
use crate::order::Reason;
use crate::wire::api::OrderState;

/// Events in one request, at most. The edge asks one ledger for each, and the platform's free plan allows a request
/// 50 calls.
pub const EVENTS_MAX: usize = 32;

/// The largest request of events, in bytes: three orders with every attempt they may have, or [`EVENTS_MAX`] of the
/// ordinary ones, which have some 600 bytes.
pub const EVENTS_BYTES_MAX: usize = 64 * 1024;

/// The body of core's word on orders: at least one event, and at most [`EVENTS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderEvents {
    /// Of an order no more than one: the newest tells everything.
    pub events: Vec<OrderEvent>,
}

/// The answer to it: the others were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Orders whose ledgers did not answer; core tells them again.
    pub missed: Vec<OrderId>,
}

/// The order as core has it. Whole, so that a lost event is made good by the next. What a newer core tells besides is left
/// out: core is upgraded first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Which order.
    pub order: OrderId,
    /// Counts up with each change; the edge takes a number once, and never an older one.
    pub seq: u64,
    /// The latest sending that core has heard of; 0 before any resend. What failed is what was sent up to it.
    #[serde(default, skip_serializing_if = "crate::order::is_first")]
    pub dispatch: u8,
    /// Where delivery stands.
    pub state: OrderState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Attempt>,
    /// What comes by itself, unless something happens before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// What it costs, where its tenant pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Costs>,
}
