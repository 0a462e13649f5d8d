//! What is counted of orders, in one step of time or in many together.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Latencies;
use crate::price::Currency;

/// Sums. Each names what became of orders within the step: one order is accepted in one step and verified in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Orders, by when the edge took them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub accepted: u64,
    /// Of them, those whose code their caller checks: nobody here hears whether it was verified.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unchecked: u64,
    /// A provider proved that a message arrived, for the first time.
    #[serde(default, skip_serializing_if = "is_none")]
    pub delivered: u64,
    /// No way was left, for the first time: a resend may still bring it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub failed: u64,
    /// The code's life was over, and nothing had arrived.
    #[serde(default, skip_serializing_if = "is_none")]
    pub expired: u64,
    /// Called off, or superseded by a newer order.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u64,
    /// The user proved to have the code.
    #[serde(default, skip_serializing_if = "is_none")]
    pub verified: u64,
    /// From acceptance to proven delivery.
    #[serde(default, skip_serializing_if = "Latencies::is_empty")]
    pub latencies: Latencies,
    /// What messages cost, less what was given back, in millionths by currency: as many as tenants pay in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spend: BTreeMap<Currency, i64>,
}

impl Counts {
    /// Adds all that was counted elsewhere.
    pub fn merge(&mut self, more: &Self) {
        let sums = [
            (&mut self.accepted, more.accepted),
            (&mut self.unchecked, more.unchecked),
            (&mut self.delivered, more.delivered),
            (&mut self.failed, more.failed),
            (&mut self.expired, more.expired),
            (&mut self.cancelled, more.cancelled),
            (&mut self.verified, more.verified),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        self.latencies.merge(&more.latencies);
        for (currency, micros) in &more.spend {
            self.spend(*currency, *micros);
        }
    }

    /// Adds to what was spent.
    pub fn spend(&mut self, currency: Currency, micros: i64) {
        let sum = self.spend.entry(currency).or_default();
        *sum = sum.saturating_add(micros);
    }

    /// Delivered, of those of which it is known whether they were, in thousandths.
    pub fn delivery_permille(&self) -> Option<u64> {
        let known = self.delivered.saturating_add(self.failed).saturating_add(self.expired);
        permille(self.delivered, known)
    }

    /// Verified, of those that were accepted to be verified here, in thousandths.
    pub fn verification_permille(&self) -> Option<u64> {
        permille(self.verified, self.accepted.saturating_sub(self.unchecked))
    }
}

/// At most 1000: what was accepted before the time that is looked at may end inside it.
fn permille(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| (part.saturating_mul(1_000) / whole).min(1_000))
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")
)]
fn is_none(count: &u64) -> bool {
    *count == 0
}
