//! The checks of an order, as they are made: the same ones inside every order and in `POST /v1/preflight`.

use crate::directory::KeyKind;
use crate::problem::Problem;
use crate::wire::api::Check;
use crate::wire::api::CheckName;
use crate::wire::api::CheckResult;
use crate::wire::api::Preflight;

/// What was looked at so far.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    kind: KeyKind,
    checks: Vec<Check>,
    /// What an order is refused with though everything is known of it. One that was accepted before is answered all the same.
    pub(super) refusal: Option<Problem>,
}

/// An order that cannot even be made up.
pub(super) struct Refused {
    pub(super) problem: Problem,
    /// What a preflight answers; nothing where the request itself is no good.
    pub(super) report: Option<Box<Preflight>>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, report: None }
    }
}

impl CheckName {
    /// Whether a publishable key is told. Routes, money and limits are the tenant's business, and the operator's.
    fn is_public(self) -> bool {
        match self {
            Self::Country | Self::IdempotencyKey | Self::Inventory | Self::Number | Self::Service => true,
            Self::Balance
            | Self::Breaker
            | Self::Limits
            | Self::Price
            | Self::Quota
            | Self::Registration
            | Self::Sender => false,
        }
    }
}

impl Findings {
    pub(super) fn new(kind: KeyKind) -> Self {
        Self { kind, checks: Vec::new(), refusal: None }
    }

    pub(super) fn pass(&mut self, name: CheckName, detail: impl Into<String>) {
        self.add(name, CheckResult::Pass, detail.into());
    }

    pub(super) fn warn(&mut self, name: CheckName, detail: impl Into<String>) {
        self.add(name, CheckResult::Warn, detail.into());
    }

    /// Fails, and goes on: what comes after it can be looked at as well. The first such problem is the order's.
    pub(super) fn fail(&mut self, name: CheckName, problem: Problem) {
        self.add(name, CheckResult::Fail, problem.detail.clone());
        self.refusal.get_or_insert(problem);
    }

    /// Fails, and ends: nothing more is known of such an order.
    pub(super) fn refuse(&mut self, name: CheckName, problem: Problem) -> Refused {
        self.add(name, CheckResult::Fail, problem.detail.clone());
        let checks = std::mem::take(&mut self.checks);
        let report = Preflight { ok: false, checks, quote: None, predicted: None };
        Refused { problem, report: Some(Box::new(report)) }
    }

    /// All of them; the price last, whenever it was looked at.
    pub(super) fn into_checks(self) -> Vec<Check> {
        let (prices, mut checks): (Vec<_>, Vec<_>) =
            self.checks.into_iter().partition(|check| check.name == CheckName::Price);
        checks.extend(prices);
        checks
    }

    fn add(&mut self, name: CheckName, result: CheckResult, detail: String) {
        let check = match (self.kind, result) {
            (KeyKind::Secret, _) => Check { name, result, detail },
            (KeyKind::Publishable, CheckResult::Fail) if !name.is_public() => {
                let detail = "Nothing can be sent there just now.".to_owned();
                Check { name: CheckName::Inventory, result, detail }
            }
            (KeyKind::Publishable, _) if !name.is_public() => return,
            // How many routes there are, and how they fare, is not told either.
            (KeyKind::Publishable, CheckResult::Pass | CheckResult::Warn) if name == CheckName::Inventory => {
                Check { name, result: CheckResult::Pass, detail: "a route leads there".to_owned() }
            }
            (KeyKind::Publishable, _) => Check { name, result, detail },
        };
        self.checks.retain(|other| other.name != check.name);
        self.checks.push(check);
    }
}
