//! The ways in which a gateway can misbehave.

use serde::Deserialize;
use serde::Serialize;

use super::Usual;

/// What a faulty request gets: a refusal, no answer, or an acceptance whose receipts go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Mode {
    #[default]
    Ok,

    /// The provider's refusal with `code`.
    Reject,
    #[serde(rename = "http_500")]
    Http500,
    /// Too many requests, with `retry_after_s`.
    #[serde(rename = "http_429")]
    Http429,

    /// No answer, and the message is not taken.
    Timeout,
    /// No answer, but the message is taken.
    TimeoutTaken,
    /// The connection is cut, and the message is not taken.
    Reset,
    /// The connection is cut, but the message is taken.
    ResetTaken,

    /// Accepted, and in the provider's queue for a minute: only there can it be stopped. Then as usual.
    Queued,
    /// Accepted and sent, and nothing more is ever heard of it.
    AcceptNoReceipt,
    /// Accepted, then undelivered with `code`.
    FailedReceipt,
    /// Arrives as usual, but its callbacks wait for `receipt_after_ms`.
    LateReceipt,
    /// Every callback comes twice.
    DuplicateReceipt,
    /// The callback of `delivered` comes before the one of `sent`.
    OutOfOrder,
    /// The callbacks are through before the request is answered.
    ReceiptFirst,

    /// For benchmarks: accepted and delivered at once, and not remembered.
    Null,
}

impl Mode {
    /// As it is written in a script.
    pub(in crate::sandbox) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Reject => "reject",
            Self::Http500 => "http_500",
            Self::Http429 => "http_429",
            Self::Timeout => "timeout",
            Self::TimeoutTaken => "timeout_taken",
            Self::Reset => "reset",
            Self::ResetTaken => "reset_taken",
            Self::Queued => "queued",
            Self::AcceptNoReceipt => "accept_no_receipt",
            Self::FailedReceipt => "failed_receipt",
            Self::LateReceipt => "late_receipt",
            Self::DuplicateReceipt => "duplicate_receipt",
            Self::OutOfOrder => "out_of_order",
            Self::ReceiptFirst => "receipt_first",
            Self::Null => "null",
        }
    }

    /// Whether a script may name a code.
    pub(super) fn has_code(self) -> bool {
        matches!(self, Self::Reject | Self::FailedReceipt)
    }

    /// The code of a script that names none.
    pub(super) fn code(self, usual: Usual) -> Option<&'static str> {
        match self {
            Self::Reject => Some(usual.reject),
            Self::FailedReceipt => Some(usual.failed_receipt),
            _ => None,
        }
    }
}
