//! A tenant's orders of the day, as one request meets them.
//!
//! A quarter is kept for the tenant's own server: whoever has the key of its app could spend all of it otherwise, and nobody
//! would be sent anything until midnight.

use super::Visit;
use crate::directory::Caller;
use crate::directory::KeyKind;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::ledger::Standing;
use crate::problem::Problem;
use crate::quota::Quota;
use crate::time::DAY_MS;
use crate::time::SECOND_MS;
use crate::wire::api::Check;
use crate::wire::api::CheckName;
use crate::wire::api::CheckResult;

const NAME: &str = "tenant-day";

/// The quota of a tenant that has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    quota: Quota,
    /// Milliseconds until the day is over.
    ends_in_ms: u64,
    kind: KeyKind,
    /// What is left is kept for the tenant's server.
    is_kept: bool,
}

/// How much of a quota is open to somebody. A solved challenge opens no more of it: it is bought for less than a message.
fn open_to(standing: Standing, quota: u64) -> u64 {
    match standing {
        Standing::Stranger | Standing::Solved => (quota - quota.div_ceil(4)).max(1),
        Standing::Server => quota,
    }
}

impl Day {
    /// Of what orders, or asks what an order would come to.
    pub(super) fn asked(visit: &Visit<'_>, caller: &Caller<'_>, ask: &Ask) -> Option<Self> {
        let (Ask::Create(create) | Ask::Preflight(create)) = ask else { return None };
        Self::of(visit, caller, create.standing)
    }

    pub(super) fn of(visit: &Visit<'_>, caller: &Caller<'_>, standing: Standing) -> Option<Self> {
        let quota = caller.tenant.orders_per_day?;
        let used = visit.directory.ordered_today(caller.id, visit.now);
        let ends_in_ms = visit.now.day_ends_at().since(visit.now);
        let is_kept = used < quota && standing < Standing::Server;
        let quota = Quota {
            name: NAME,
            quota,
            window_s: DAY_MS / SECOND_MS,
            remaining: open_to(standing, quota).saturating_sub(used),
            reset_s: if used == 0 { 0 } else { ends_in_ms.div_ceil(SECOND_MS) },
        };
        Some(Self { quota: quota.jittered(visit.entropy), ends_in_ms, kind: caller.key.kind, is_kept })
    }

    pub(super) fn is_spent(&self) -> bool {
        self.quota.remaining == 0
    }

    /// What a caller is told of it. How much a tenant sells is no stranger's business.
    pub(super) fn told(&self) -> Option<Quota> {
        (self.kind == KeyKind::Secret).then_some(self.quota)
    }

    /// The refusal of one more order. To a stranger it is the one of an address's own limits.
    pub(super) fn problem(&self) -> Problem {
        let uniform = match self.kind {
            KeyKind::Publishable => Outcome::RateLimited { retry_after_ms: self.ends_in_ms }.problem(),
            KeyKind::Secret => None,
        };
        // Never before the time in `RateLimit`, which is jittered.
        let wait_ms = self.quota.reset_s.saturating_mul(SECOND_MS);
        uniform.unwrap_or_else(|| Problem::rate_limited(self.detail(), wait_ms))
    }

    /// What a preflight has to say of it.
    pub(super) fn check(&self) -> Option<Check> {
        self.told()?;
        let result = if self.is_spent() { CheckResult::Fail } else { CheckResult::Pass };
        let detail =
            if self.is_spent() { self.detail() } else { "within the tenant's orders of the day".into() };
        Some(Check { name: CheckName::Quota, result, detail })
    }

    fn detail(&self) -> String {
        let quota = self.quota.quota;
        if self.is_kept {
            return format!(
                "What is left of the tenant's {quota} orders of the day is kept for its server's own, without `client`. The next \
                 day begins at midnight, UTC."
            );
        }
        format!("The tenant's {quota} orders of the day are spent. The next day begins at midnight, UTC.")
    }
}
