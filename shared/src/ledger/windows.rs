//! The windows of an order: until when a message is waited for, and whether it can be called off.

use super::state::Order;
use super::state::Section;
use super::state::Seen;
use crate::order::Attempt;
use crate::order::AttemptState;
use crate::order::advice;
use crate::order::advice::Advice;
use crate::order::advice::NEXT_GRACE_MS;
use crate::order::advice::Situation;
use crate::time::UnixMs;
use crate::wire::api;
use crate::wire::api::CancelWindow;
use crate::wire::api::OrderState;

/// Whether the order can be called off, and until when that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cancel {
    pub(super) window: CancelWindow,
    /// The next boundary; none once the window is closed.
    pub(super) until: Option<UnixMs>,
    /// A message is on its way.
    has_left: bool,
}

impl Order {
    /// When a message that is on its way should have arrived.
    pub(super) fn expected_by(&self) -> Option<UnixMs> {
        let last = self.attempts.last()?;
        match last.state {
            AttemptState::Sending | AttemptState::Sent | AttemptState::Unknown => {
                // What the route's receipts have taught core, or else the service's own time.
                Some(last.expected_by.unwrap_or_else(|| last.at.plus(self.waiting_ms)))
            }
            AttemptState::Delivered | AttemptState::Failed => None,
        }
    }

    /// Open while nothing has left, or when what left is overdue; nothing for an order that is over.
    pub(super) fn cancel(&self, now: UnixMs) -> Option<Cancel> {
        let has_left = self.expected_by().is_some();
        let closed = |window| Some(Cancel { window, until: None, has_left });
        match self.state_at(now) {
            OrderState::Verified => return closed(CancelWindow::ClosedChecked),
            OrderState::Cancelled | OrderState::Expired | OrderState::Failed => return None,
            OrderState::Accepted
            | OrderState::Delivered
            | OrderState::Queued
            | OrderState::Sending
            | OrderState::Sent => {}
        }
        // Who guesses has a message in hand.
        if self.guesses > 0 {
            return closed(CancelWindow::ClosedChecked);
        }
        if self.attempts.iter().any(|attempt| attempt.state == AttemptState::Delivered) {
            return closed(CancelWindow::ClosedDelivered);
        }
        match self.expected_by().filter(|expected_by| now < *expected_by) {
            Some(expected_by) => {
                let until = Some(expected_by.min(self.expires_at));
                Some(Cancel { window: CancelWindow::TooEarly, until, has_left })
            }
            None => Some(Cancel { window: CancelWindow::Open, until: Some(self.expires_at), has_left }),
        }
    }

    /// As a reply shows it; nothing when no message is on its way.
    pub(super) fn waiting(&self, now: UnixMs) -> Option<api::Waiting> {
        let expected_by = self.expected_by().filter(|_| !self.state_at(now).is_final())?;
        // What should have come by now is no longer announced.
        let next = self.next.as_ref().filter(|next| now < next.at.plus(NEXT_GRACE_MS));
        let next = next.filter(|_| self.state != OrderState::Delivered);
        Some(api::Waiting {
            expected_by: expected_by.rfc3339(),
            overdue: now >= expected_by,
            next: next.map(|next| next.channel),
            next_at: next.map(|next| next.at.rfc3339()),
            next_gateway: next.map(|next| next.gateway.to_string()),
        })
    }
}

impl Section {
    /// What to do about the order.
    pub(super) fn advice(&self, order: &Order, (limits, services): Seen<'_>, now: UnixMs) -> Advice {
        let state = order.state_at(now);
        let expected_by = order.expected_by();
        let last = order.attempts.last();
        let is_overdue = expected_by.is_none_or(|at| at <= now) && !state.is_final();
        // The ways are looked at only where it matters.
        let may_change = match is_overdue && order.job.is_some() {
            true => order.may_change(&order.ways(services), now),
            false => Vec::new(),
        };
        let begun_at = last.map(|last| last.at).max(order.resends.last().map(|resend| resend.at));
        let is_unknown = |attempt: &Attempt| attempt.state == AttemptState::Unknown;
        advice::advise(
            &Situation {
                state,
                reason: order.reason,
                expected_by,
                window_ms: expected_by.zip(last).map_or(0, |(by, last)| by.since(last.at)),
                begun_by: begun_at.unwrap_or(order.created_at).plus(order.waiting_ms),
                next_at: order.next.as_ref().map(|next| next.at),
                is_all_unknown: last.is_some() && order.attempts.iter().all(is_unknown),
                is_checked: order.guesses > 0,
                is_locked: !state.is_final() && self.guesses_left(order, limits, now) == 0,
                may_change: &may_change,
                resend_at: (order.sends_left(limits) > 0).then(|| order.resend_at(limits)),
                can_cancel: order.cancel(now).is_some_and(|cancel| cancel.window == CancelWindow::Open),
                expires_at: order.expires_at,
            },
            now,
        )
    }
}

impl Cancel {
    pub(super) fn view(self) -> api::Cancel {
        let because = match self.window {
            CancelWindow::ClosedChecked => "somebody entered a code, so a message is in hand",
            CancelWindow::ClosedDelivered => "the message arrived",
            CancelWindow::Open if self.has_left => "what has left is overdue",
            CancelWindow::Open => "nothing has left that could still arrive",
            CancelWindow::TooEarly => "a message is on its way, and inside its usual time",
        };
        let until = self.until.map(UnixMs::rfc3339);
        api::Cancel { window: self.window, until, because: because.into() }
    }
}
