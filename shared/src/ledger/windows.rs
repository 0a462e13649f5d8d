//! The windows of an order: until when a message is waited for, and whether it can be called off.

use super::state::Order;
use crate::order::AttemptState;
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
        let closed = |window| Some(Cancel { window, until: None });
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
                Some(Cancel { window: CancelWindow::TooEarly, until })
            }
            None => Some(Cancel { window: CancelWindow::Open, until: Some(self.expires_at) }),
        }
    }

    /// As a reply shows it; nothing when no message is on its way.
    pub(super) fn waiting(&self, now: UnixMs) -> Option<api::Waiting> {
        let expected_by = self.expected_by().filter(|_| !self.state_at(now).is_final())?;
        Some(api::Waiting { expected_by: expected_by.rfc3339(), overdue: now >= expected_by })
    }
}

impl Cancel {
    pub(super) fn view(self) -> api::Cancel {
        api::Cancel { window: self.window, until: self.until.map(UnixMs::rfc3339) }
    }
}
