//! What a factor answers.

use serde::Deserialize;
use serde::Serialize;

use super::totp::Seed;
use crate::problem::Code;
use crate::problem::Problem;
use crate::wire::factor::FactorResult;

/// For whoever asked. No `Debug`: it may hold the secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made now, or by the first request with this key.
    Enrolled {
        /// For the user's app. Shown until the factor is confirmed.
        seed: Seed,
        /// An earlier request with the same key and content made it.
        replayed: bool,
    },
    /// Another request came with this idempotency key.
    IdempotencyMismatch,
    /// No such factor of this tenant.
    NotFound,
    /// Nothing was evaluated: come back later.
    RateLimited {
        /// When the next guess will be evaluated.
        retry_after_ms: u64,
    },
    /// It is gone, now or already.
    Removed,
    /// The factor that this idempotency key made is confirmed or removed: its secret is shown no more.
    Spent,
    /// The secret does not open: nothing was decided, and no guess is spent.
    Unavailable,
    /// What the guess came to.
    Verified(FactorResult),
}

impl Outcome {
    /// The refusal in it, if it is one.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Enrolled { .. } | Self::Removed | Self::Verified(_) => None,
            Self::IdempotencyMismatch => Some(Problem::new(
                Code::IdempotencyMismatch,
                "This Idempotency-Key came before with another body. Use a new key for a new factor.",
            )),
            Self::NotFound => Some(Problem::new(
                Code::NotFound,
                "No factor has this id. One that is not confirmed within 15 minutes ends.",
            )),
            Self::RateLimited { retry_after_ms } => Some(Problem::rate_limited(
                "Too many wrong codes for this factor. This one was not looked at; retry after the time given.",
                *retry_after_ms,
            )),
            Self::Spent => Some(Problem::new(
                Code::NothingChanged,
                "The factor of this Idempotency-Key is confirmed or removed, and its secret is shown no more. \
                 Use a new key for a new factor.",
            )),
            Self::Unavailable => {
                Some(Problem::unavailable("The factor could not be read. No guess was spent."))
            }
        }
    }
}
