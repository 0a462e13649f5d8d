//! What a tenant with a daily quota has ordered, as the directory carries it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::id::TenantId;
use crate::time::UnixMs;

/// Steps of the quota in which the directory tells what is spent: each change of it is a write at the edge.
const STEPS: u64 = 100;

/// Orders of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ordered {
    /// As [`UnixMs::day`].
    pub day: u64,
    /// At least so many; exactly, once the quota is spent.
    pub orders: u64,
}

impl Ordered {
    /// Rounded down to whole hundredths of the quota, so that orders alone do not make every directory a new one. Nothing
    /// where that is nothing.
    pub fn coarse(day: u64, orders: u64, quota: u64) -> Option<Self> {
        let step = (quota / STEPS).max(1);
        let orders = if orders >= quota { quota } else { orders - orders % step };
        (orders > 0).then_some(Self { day, orders })
    }
}

/// By tenant.
pub type OrderedToday = BTreeMap<TenantId, Ordered>;

/// Orders of the day that `now` is on. Figures of another day say nothing of this one.
pub(super) fn today(ordered: &OrderedToday, tenant: &TenantId, now: UnixMs) -> u64 {
    ordered.get(tenant).filter(|ordered| ordered.day == now.day()).map_or(0, |ordered| ordered.orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_quota_is_told_in_hundredths_and_its_end_exactly() {
        let told = |orders, quota| Ordered::coarse(7, orders, quota).map(|ordered| ordered.orders);
        for (orders, quota, expected) in [
            (0, 5, None),
            (1, 5, Some(1)),
            (4, 5, Some(4)),
            (9, 5, Some(5)),
            (9, 1_000, None),
            (10, 1_000, Some(10)),
            (999, 1_000, Some(990)),
            (1_000, 1_000, Some(1_000)),
            (1_049, 1_050, Some(1_040)),
            (1_050, 1_050, Some(1_050)),
            (u64::MAX, u64::MAX, Some(u64::MAX)),
        ] {
            assert_eq!(told(orders, quota), expected, "{orders} of {quota}");
        }
    }
}
