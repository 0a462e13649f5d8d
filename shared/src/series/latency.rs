//! How long things took, counted in slots whose width grows with the time: eight to each doubling, so that sums of many
//! processes and minutes stay small and add up.
//!
//! A quantile is the middle of its slot: at most a sixteenth (6.25 %) away from the time that was counted. Below 16 ms it
//! is exact.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::time::DAY_MS;

/// The longest time that is told from longer ones: a record is kept no longer.
const MS_MAX: u64 = DAY_MS;
/// Slots of a doubling, as a power of two.
const BITS: u32 = 3;
/// Times below this have a slot each.
const EXACT: u64 = 1 << (BITS + 1);

/// Counts by slot: at most 195 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latencies(BTreeMap<u16, u64>);

impl Latencies {
    /// Counts one.
    pub fn add(&mut self, took_ms: u64) {
        let count = self.0.entry(slot(took_ms.min(MS_MAX))).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds all that were counted elsewhere.
    pub fn merge(&mut self, others: &Self) {
        for (slot, more) in &others.0 {
            let count = self.0.entry(*slot).or_default();
            *count = count.saturating_add(*more);
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time within which so many thousandths of them were done; nothing where nothing was counted.
    pub fn quantile_ms(&self, permille: u64) -> Option<u64> {
        let total = self.0.values().fold(0, |sum: u128, count| sum + u128::from(*count));
        let rank = (total * u128::from(permille)).div_ceil(1_000).max(1);
        let mut below = 0;
        self.0.iter().find_map(|(slot, count)| {
            below += u128::from(*count);
            (rank <= below).then(|| middle(*slot))
        })
    }
}

fn slot(ms: u64) -> u16 {
    if ms < EXACT {
        return u16::try_from(ms).unwrap_or(u16::MAX);
    }
    let shift = ms.ilog2() - BITS;
    // The first of the shifted values is half of EXACT.
    let slot = EXACT + (u64::from(shift) - 1) * (EXACT / 2) + (ms >> shift) - EXACT / 2;
    u16::try_from(slot).unwrap_or(u16::MAX)
}

fn middle(slot: u16) -> u64 {
    let slot = u64::from(slot);
    let Some(above) = slot.checked_sub(EXACT) else { return slot };
    let (shift, nth) = (above / (EXACT / 2) + 1, above % (EXACT / 2));
    // A stored slot is one of ours; another one must not overflow.
    let shift = u32::try_from(shift).unwrap_or(u32::MAX).min(48);
    ((EXACT / 2 + nth) << shift) + (1 << (shift - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_found_again_within_a_sixteenth() {
        let times = (0..5_000).chain((0..100_000).map(|n| n * 863 + n % 7)).chain([MS_MAX]);
        for took_ms in times {
            let mut one = Latencies::default();
            one.add(took_ms);
            let found = one.quantile_ms(500).unwrap();
            assert!(found.abs_diff(took_ms) * 16 <= took_ms, "{took_ms} was found as {found}");
        }
    }

    #[test]
    fn slots_are_in_order_and_few() {
        let slots: Vec<u16> = (0..=MS_MAX / 1_000).map(|n| slot(n * 1_000)).collect();
        assert!(slots.is_sorted());
        assert_eq!((slot(EXACT - 1), slot(EXACT), slot(MS_MAX)), (15, 16, 194));
    }

    #[test]
    fn quantiles_of_sums_are_those_of_all_of_them() {
        let (mut all, mut sums) = (Latencies::default(), Latencies::default());
        for n in 1..=1_000_u64 {
            all.add(n * 10);
            let mut one = Latencies::default();
            one.add(n * 10);
            sums.merge(&one);
        }
        assert_eq!(sums, all);
        for (permille, exact) in [(500, 5_000_u64), (950, 9_500), (990, 9_900), (1_000, 10_000)] {
            let found = all.quantile_ms(permille).unwrap();
            assert!(found.abs_diff(exact) * 16 <= exact, "{permille}: {found}");
        }
        assert_eq!(Latencies::default().quantile_ms(500), None);
    }

    #[test]
    fn a_slot_that_is_none_of_ours_does_no_harm() {
        let odd: Latencies = serde_json::from_str(r#"{"65535":18446744073709551615,"3":1}"#).unwrap();
        assert!(odd.quantile_ms(999).is_some());
    }
}
