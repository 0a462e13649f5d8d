//! Forgetting an address on its owner's request.
//!
//! Core is told which orders there are, forgets its own records of them, and then has them forgotten here: whoever dies in
//! between, what is left is still known to be left.
//!
//! Gone are the orders with their mask, metadata, digest and sealed code, the places they were verified from, and what core
//! had not heard. What stays says only when something was asked of this ledger, and how often in vain, and is gone in a
//! month: an erasure must not be a way to fresh guesses and messages.

use super::Outcome;
use super::Reply;
use super::state::State;
use crate::id::OrderId;
use crate::machine::Step;
use crate::risk::Places;
use crate::time::UnixMs;

pub(super) fn step(mut state: State, forget: &[OrderId], now: UnixMs) -> Step<State, Reply> {
    let before = state.clone();
    let mut left = Vec::new();
    for section in state.sections.values_mut() {
        section.orders.retain(|order| !forget.contains(&order.id));
        left.extend(section.orders.iter().map(|order| order.id.clone()));
        if !forget.is_empty() && section.orders.is_empty() {
            section.places = Places::default();
        }
    }
    state.outbox.retain(|pending| !forget.contains(&pending.id.order));
    let reply = Reply::of(Outcome::Erased { orders: left });
    if state == before { Step::keep(reply) } else { state.put(reply, now) }
}
