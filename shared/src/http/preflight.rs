//! `POST /v1/preflight`: what an order would come to, check by check. Nothing is sent, and nothing is spent.

use super::create::Draft;
use super::day::Day;
use crate::directory::KeyKind;
use crate::ledger::Outcome;
use crate::problem::Problem;
use crate::wire::api::Check;
use crate::wire::api::CheckName;
use crate::wire::api::CheckResult;
use crate::wire::api::Predicted;
use crate::wire::api::Preflight;

/// What is known before a ledger is asked.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    checks: Vec<Check>,
    predicted: Predicted,
}

impl Check {
    fn pass(name: CheckName, detail: impl Into<String>) -> Self {
        Self { name, result: CheckResult::Pass, detail: detail.into() }
    }

    fn of(name: CheckName, problem: &Problem) -> Self {
        Self { name, result: CheckResult::Fail, detail: problem.detail.clone() }
    }
}

/// Which check a refusal belongs to, when the order got no further.
fn failed(problem: &Problem) -> Option<Check> {
    use crate::problem::Code;
    let name = match problem.code {
        Code::UnknownService => CheckName::Service,
        Code::InvalidPhone => CheckName::Number,
        Code::DestinationNotAllowed | Code::Blocked => CheckName::Country,
        Code::NoRoute => CheckName::Route,
        Code::InsufficientBalance => CheckName::Balance,
        Code::BindingRequired
        | Code::BodyTooLarge
        | Code::CancelTooEarly
        | Code::CancelTooLate
        | Code::ChallengeRequired
        | Code::Forbidden
        | Code::IdempotencyInFlight
        | Code::IdempotencyKeyMissing
        | Code::IdempotencyMismatch
        | Code::InvalidRequest
        | Code::ManagedByFile
        | Code::NotFound
        | Code::NothingChanged
        | Code::RateLimited
        | Code::PreconditionFailed
        | Code::Unauthenticated
        | Code::Unavailable => return None,
    };
    Some(Check::of(name, problem))
}

/// The report where a check before the ledger fails; nothing when the request itself is no good.
pub(super) fn refused(problem: &Problem) -> Option<Preflight> {
    Some(Preflight { ok: false, checks: vec![failed(problem)?], quote: None, predicted: None })
}

impl Facts {
    pub(super) fn of(Draft { create, address, .. }: &Draft) -> Self {
        let country = create.country.map_or_else(|| "the address".to_owned(), |country| country.to_string());
        let checks = vec![
            Check::pass(CheckName::Service, format!("{} is open to this key", create.service)),
            Check::pass(CheckName::Number, address.clone()),
            Check::pass(CheckName::Country, format!("{country} is open")),
            Check::pass(CheckName::Balance, "the tenant can pay"),
            Check::pass(CheckName::Route, format!("{} has a live route", create.channel.as_str())),
        ];
        let predicted = Predicted { channel: create.channel, waiting_ms: create.waiting_ms };
        Self { checks, predicted }
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
        Some(Preflight { ok, checks, quote: None, predicted: Some(self.predicted.clone()) })
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
