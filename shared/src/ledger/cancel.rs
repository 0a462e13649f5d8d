//! Calling an order off, inside its cancellation window.

use super::Command;
use super::Outcome;
use super::Reply;
use super::Whose;
use super::state::State;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::CancelWindow;
use crate::wire::api::OrderState;
use crate::wire::notice::What;

pub(super) fn step(mut state: State, whose: &Whose, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let Some((section, order)) = state.find(whose) else {
        return Step::keep(Reply::of(Outcome::NotFound));
    };
    let view = |order| section.view(order, whose.seen(), now);
    if order.state == OrderState::Cancelled {
        return Step::keep(Reply::of(Outcome::Cancelled(view(order))));
    }
    match order.cancel(now) {
        Some(cancel) if cancel.window == CancelWindow::Open => {}
        Some(cancel) if cancel.window == CancelWindow::TooEarly => {
            let retry_after_ms = cancel.until.map_or(0, |until| until.since(now));
            let cancel = cancel.view();
            return Step::keep(Reply::of(Outcome::CancelTooEarly { cancel, retry_after_ms }));
        }
        closed => {
            let cancel = closed.map(super::windows::Cancel::view);
            return Step::keep(Reply::of(Outcome::CancelTooLate { cancel }));
        }
    }
    if let Some(order) = state.order_mut(&whose.order) {
        order.state = OrderState::Cancelled;
        order.job = None;
    }
    let had_job = state.withdraw(&whose.order);
    let mut due = state.notify(&whose.tenant, &whose.order, What::Cancelled, &command.entropy, now);
    // Its job would have told core whose place it took.
    let told = state.find(whose).filter(|_| had_job);
    for older in told.map(|(section, order)| section.stale(&order.service, now)).unwrap_or_default() {
        due.extend(state.notify(&whose.tenant, &older, What::Superseded, &command.entropy, now));
    }
    let outcome = match state.find(whose) {
        Some((section, order)) => Outcome::Cancelled(section.view(order, whose.seen(), now)),
        None => Outcome::NotFound,
    };
    state.put(Reply { outcome, due }, now)
}
