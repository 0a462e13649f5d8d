//! The refusal in an outcome, in words.

use super::Outcome;
use crate::problem::Code;
use crate::problem::Problem;
use crate::wire::api::Channel;

impl Outcome {
    /// The refusal in it, if it is one.
    pub fn problem(&self) -> Option<Problem> {
        Some(match self {
            Self::Cancelled(_)
            | Self::Clear
            | Self::Created { .. }
            | Self::Erased { .. }
            | Self::Found(_)
            | Self::Noted
            | Self::Resent { .. }
            | Self::Unlocked { .. }
            | Self::Verified { .. } => return None,
            Self::Blocked => Problem::new(
                Code::Blocked,
                "Numbers like this one are blocked for now: none of their codes was ever used.",
            ),
            Self::BindingRequired => Problem::new(
                Code::BindingRequired,
                "binding: this order approves a payment. Repeat its amount, currency and payee.",
            ),
            Self::CancelTooEarly { cancel, retry_after_ms } => {
                let detail = "A message is on its way. The order can be cancelled when it is overdue.";
                Problem::new(Code::CancelTooEarly, detail).after(*retry_after_ms).with_cancel(Some(cancel))
            }
            Self::CancelTooLate { cancel } => {
                let detail = "The message arrived, the code was checked, or the order is over.";
                Problem::new(Code::CancelTooLate, detail).with_cancel(cancel.as_ref())
            }
            Self::ChallengeRequired { .. } => Problem::new(
                Code::ChallengeRequired,
                "Solve the challenge, and order again with its solution.",
            ),
            Self::IdempotencyMismatch => Problem::new(
                Code::IdempotencyMismatch,
                "This Idempotency-Key came before with another body. Use a new key for a new order.",
            ),
            Self::NoRoute => Problem::new(Code::NoRoute, "The order has no route for this channel."),
            Self::NotFound => Problem::new(Code::NotFound, "No order has this id."),
            Self::NothingChanged { may_change } => nothing_changed(may_change),
            Self::RateLimited { retry_after_ms } => Problem::rate_limited(
                "Too many orders for this address. Retry after the time given, with the same Idempotency-Key.",
                *retry_after_ms,
            ),
            Self::ResendTooEarly { from, retry_after_ms } => Problem::rate_limited(
                format!("A resend is possible from {} on.", from.rfc3339()),
                *retry_after_ms,
            ),
            Self::Unavailable => {
                Problem::unavailable("The order could not be decided. Retry with the same key.")
            }
        })
    }
}

fn nothing_changed(may_change: &[Channel]) -> Problem {
    let names: Vec<_> = may_change.iter().map(|channel| channel.as_str()).collect();
    let detail = if names.is_empty() {
        "The order is over, or every way was tried. Order again for a new code.".to_owned()
    } else {
        format!("That way was tried. What would be another: {}.", names.join(", "))
    };
    Problem { may_change: may_change.to_vec(), ..Problem::new(Code::NothingChanged, detail) }
}
