//! `POST /v1/preflight`: what an order would come to, check by check. Nothing is sent, and nothing is spent.

use super::day::Day;
use crate::directory::KeyKind;
use crate::ledger::Outcome;
use crate::wire::api::Check;
use crate::wire::api::CheckName;
use crate::wire::api::CheckResult;
use crate::wire::api::Predicted;
use crate::wire::api::Preflight;
use crate::wire::api::Quote;

/// What is known before a ledger is asked.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    checks: Vec<Check>,
    quote: Option<Quote>,
    predicted: Predicted,
}

impl Facts {
    pub(super) fn new(checks: Vec<Check>, quote: Option<Quote>, predicted: Predicted) -> Self {
        Self { checks, quote, predicted }
    }

    /// The whole report; nothing when the ledger did not answer.
    pub(super) fn report(&self, outcome: &Outcome, kind: KeyKind, day: Option<Day>) -> Option<Preflight> {
        let key =
            |result, detail: &str| Check { name: CheckName::IdempotencyKey, result, detail: detail.into() };
        let limit = |result, detail: &str| Check { name: CheckName::Limits, result, detail: detail.into() };
        let mut checks = self.checks.clone();
        match (outcome, kind) {
            // What is left of an address's limits tells a stranger that somebody just asked for a code.
            (
                Outcome::Clear | Outcome::ChallengeRequired { .. } | Outcome::RateLimited { .. },
                KeyKind::Publishable,
            ) => {
                checks.push(key(CheckResult::Pass, "unused"));
            }
            (outcome, _) => checks.extend(told(outcome, key, limit)?),
        }
        // An order that was made is answered whatever the quota.
        if !matches!(outcome, Outcome::Created { .. }) {
            checks.extend(day.and_then(|day| day.check()));
        }
        let ok = checks.iter().all(|check| check.result != CheckResult::Fail);
        let (quote, predicted) = (self.quote.clone(), Some(self.predicted.clone()));
        Some(Preflight { ok, checks, quote, predicted })
    }
}

/// The checks that a ledger's answer comes to; nothing when it did not answer.
fn told(
    outcome: &Outcome,
    key: impl Fn(CheckResult, &str) -> Check,
    limit: impl Fn(CheckResult, &str) -> Check,
) -> Option<Vec<Check>> {
    let unused = key(CheckResult::Pass, "unused");
    Some(match outcome {
        Outcome::Clear => vec![unused, limit(CheckResult::Pass, "within the limits of this address")],
        Outcome::Created { .. } => {
            vec![key(CheckResult::Warn, "used: an order with this key answers with the earlier one")]
        }
        Outcome::IdempotencyMismatch => {
            vec![key(CheckResult::Fail, "used with another body: take a new key")]
        }
        Outcome::ChallengeRequired { .. } => {
            vec![unused, limit(CheckResult::Warn, "a challenge will have to be solved")]
        }
        Outcome::RateLimited { .. } => {
            vec![unused, limit(CheckResult::Fail, "too many orders for this address: wait")]
        }
        Outcome::BindingRequired
        | Outcome::Blocked
        | Outcome::Cancelled(_)
        | Outcome::CancelTooEarly { .. }
        | Outcome::CancelTooLate { .. }
        | Outcome::Erased { .. }
        | Outcome::Unlocked { .. }
        | Outcome::Found(_)
        | Outcome::NoRoute
        | Outcome::NotFound
        | Outcome::Noted
        | Outcome::NothingChanged { .. }
        | Outcome::ResendTooEarly { .. }
        | Outcome::Resent { .. }
        | Outcome::Unavailable
        | Outcome::Verified { .. } => return None,
    })
}
