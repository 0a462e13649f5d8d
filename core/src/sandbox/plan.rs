//! How a message fares after it was taken, and what its callbacks tell.

use std::time::Duration;

use crate::sandbox::faults::Mode;
use crate::sandbox::faults::Strike;
use crate::sandbox::inbox::Status;

/// The way of one message.
#[derive(Clone)]
pub(super) struct Plan {
    /// How long it waits in the provider's queue before the first step.
    pub(super) queued_for: Duration,
    /// Each status with the pause before it.
    pub(super) steps: &'static [(Status, Duration)],
    /// How often each callback is made.
    pub(super) callbacks: usize,
    /// What the callbacks wait for, beside their steps.
    pub(super) callbacks_after: Duration,
    /// The callbacks wait for the last step, and begin with it.
    pub(super) backwards: bool,
    /// The provider's code of the failure.
    pub(super) error_code: Option<String>,
    /// Whether the phone gets it.
    pub(super) arrives: bool,
    /// Whether the provider can be asked for it.
    pub(super) remembered: bool,
}

impl Plan {
    pub(super) fn of(strike: &Strike) -> Self {
        match strike.mode {
            Mode::AcceptNoReceipt => Self { steps: &LOST, callbacks: 0, arrives: false, ..USUAL },
            Mode::FailedReceipt => {
                Self { steps: &FAILED, error_code: Some(strike.code.clone()), arrives: false, ..USUAL }
            }
            Mode::Queued => Self { queued_for: QUEUED_FOR, ..USUAL },
            Mode::LateReceipt => {
                Self { callbacks_after: Duration::from_millis(strike.receipt_after_ms), ..USUAL }
            }
            Mode::DuplicateReceipt => Self { callbacks: 2, ..USUAL },
            Mode::OutOfOrder => Self { backwards: true, ..USUAL },
            Mode::ReceiptFirst => Self { steps: &AT_ONCE, ..USUAL },
            Mode::Null => Self { steps: &DELIVERED_AT_ONCE, remembered: false, ..USUAL },
            // The refusals and what is not taken never get here.
            Mode::Ok
            | Mode::Reject
            | Mode::Http500
            | Mode::Http429
            | Mode::Timeout
            | Mode::TimeoutTaken
            | Mode::Reset
            | Mode::ResetTaken => USUAL,
        }
    }
}

/// Past the usual time of any message, and within the life of most codes.
const QUEUED_FOR: Duration = Duration::from_secs(60);

const USUAL: Plan = Plan {
    queued_for: Duration::ZERO,
    steps: &[(Status::Sent, SENT_AFTER), (Status::Delivered, ARRIVED_AFTER)],
    callbacks: 1,
    callbacks_after: Duration::ZERO,
    backwards: false,
    error_code: None,
    arrives: true,
    remembered: true,
};
const LOST: [(Status, Duration); 1] = [(Status::Sent, SENT_AFTER)];
const FAILED: [(Status, Duration); 2] = [(Status::Sent, SENT_AFTER), (Status::Undelivered, ARRIVED_AFTER)];
const AT_ONCE: [(Status, Duration); 2] =
    [(Status::Sent, Duration::ZERO), (Status::Delivered, Duration::ZERO)];
const DELIVERED_AT_ONCE: [(Status, Duration); 1] = [(Status::Delivered, Duration::ZERO)];

/// Long enough to be seen on the page, short enough for tests to await.
const SENT_AFTER: Duration = Duration::from_millis(250);
const ARRIVED_AFTER: Duration = Duration::from_millis(450);
