//! Forgetting an address on its owner's request.
//!
//! Gone: every order with its mask, its metadata, its digest and its sealed code, the places it was verified from, and what
//! core had not heard. What stays says only when something was asked of this ledger, and how often in vain, and is gone in a
//! month: an erasure must not be a way to fresh guesses and messages.

use serde::Deserialize;
use serde::Serialize;

use super::Outcome;
use super::Reply;
use super::state::State;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::machine::Step;
use crate::risk::Places;
use crate::time::UnixMs;

/// An order of which nothing is left here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// Whose.
    pub tenant: TenantId,
    /// Which: core has a record of it.
    pub order: OrderId,
}

pub(super) fn step(mut state: State, now: UnixMs) -> Step<State, Reply> {
    let mut orders = Vec::new();
    for (tenant, section) in &mut state.sections {
        for order in section.orders.drain(..) {
            orders.push(Erased { tenant: tenant.clone(), order: order.id });
        }
        section.places = Places::default();
    }
    if orders.is_empty() && state.outbox.is_empty() {
        return Step::keep(Reply::of(Outcome::Erased { orders }));
    }
    state.outbox.clear();
    state.put(Reply::of(Outcome::Erased { orders }), now)
}
