//! Postings, and tenants whose balance runs low.

use prometheus_client::registry::Registry;
use tiffin_shared::directory::Billing;
use tiffin_shared::directory::Directory;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Answer;

use super::Metrics;
use super::family::Counters;
use super::family::Gauges;
use super::limits::count;
use super::tenants::TENANTS_MAX;

/// Of the tenants' accounts.
pub struct Moneys {
    postings: Counters<1>,
    low: Gauges<0>,
    ratio: Gauges<1>,
}

impl Moneys {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let it = Self {
            postings: Counters::new(
                registry,
                "tiffin_postings",
                "Postings to accounts by outcome",
                ["outcome"],
            ),
            low: Gauges::new(
                registry,
                "tiffin_balances_low",
                "Tenants with less left than their mark (low_balance_micros)",
                [],
            ),
            ratio: Gauges::new(
                registry,
                "tiffin_balance_ratio",
                "What is left on an account, as a multiple of its tenant's mark; the lowest ones",
                ["tenant"],
            ),
        };
        it.low.set([], 0.0);
        for outcome in ["busy", "failed", "late", "posted"] {
            it.postings.begin([outcome]);
        }
        it
    }
}

impl Metrics {
    /// An account was asked to post.
    pub fn posted<E>(&self, answer: &Result<Answer, E>) {
        let outcome = match answer {
            Ok(Answer::Busy) => "busy",
            Ok(Answer::Late) => "late",
            Ok(Answer::Posted(_)) => "posted",
            Err(_) => "failed",
        };
        self.money.postings.inc([outcome]);
    }

    /// Accounts were read: what is left on each of those with a mark.
    pub fn balances(&self, directory: &Directory, left: &[(TenantId, i64)]) {
        let ratio = |(tenant, left_micros): &(TenantId, i64)| {
            let billing = directory.tenants.get(tenant).and_then(|it| it.billing.as_ref());
            let mark_micros = billing.and_then(|Billing { low_balance_micros, .. }| *low_balance_micros)?;
            Some((tenant.clone(), of(*left_micros, mark_micros)?))
        };
        let mut ratios: Vec<_> = left.iter().filter_map(ratio).collect();
        ratios.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        self.money.low.set([], count(ratios.iter().filter(|(_, ratio)| *ratio < 1.0).count()));
        let lowest = ratios.iter().take(TENANTS_MAX).map(|(tenant, ratio)| ([tenant.as_str()], *ratio));
        self.money.ratio.replace(lowest);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio that is looked at by people")]
fn of(left_micros: i64, mark_micros: u64) -> Option<f64> {
    (mark_micros > 0).then(|| left_micros as f64 / mark_micros as f64)
}
