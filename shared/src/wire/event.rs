//! What core tells the edge of an order.

use serde::Deserialize;
use serde::Serialize;

use crate::id::OrderId;
use crate::order::Attempt;
use crate::order::Reason;
use crate::wire::api::OrderState;

/// The largest event on the wire, in bytes: an order with every attempt it may have.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;

/// The order as core has it. Whole, so that a lost event is made good by the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderEvent {
    /// Which order.
    pub order: OrderId,
    /// Counts up with each change; the edge takes a number once, and never an older one.
    pub seq: u64,
    /// Where delivery stands.
    pub state: OrderState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Attempt>,
}
