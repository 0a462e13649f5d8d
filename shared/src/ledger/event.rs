//! Taking core's word on how delivery goes: in order, once, and never past a final state.

use super::Outcome;
use super::Reply;
use super::state::State;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::event::OrderEvent;

pub(super) fn step(mut state: State, event: &OrderEvent, now: UnixMs) -> Step<State, Reply> {
    let noted = Reply::of(Outcome::Noted);
    let Some(order) = state.order_mut(&event.order).filter(|order| order.seq < event.seq) else {
        return Step::keep(noted);
    };
    order.seq = event.seq;
    order.attempts.clone_from(&event.attempts);
    order.next.clone_from(&event.next);
    order.cost = event.cost;
    // Another sending is on its way to core: the order has not failed before that one has.
    let is_outrun = event.state == OrderState::Failed && usize::from(event.dispatch) < order.resends.len();
    if !order.state_at(now).is_final() && from_core(event.state) && !is_outrun {
        order.state = event.state;
        order.reason = event.reason;
    }
    // Core has the job, whether or not its confirmation reached us.
    state.withdraw_first(&event.order);
    state.put(noted, now)
}

/// The states that are core's to tell. The others are decided here.
fn from_core(state: OrderState) -> bool {
    match state {
        OrderState::Queued
        | OrderState::Sending
        | OrderState::Sent
        | OrderState::Delivered
        | OrderState::Failed => true,
        OrderState::Accepted | OrderState::Cancelled | OrderState::Expired | OrderState::Verified => false,
    }
}
