//! Counts that wait for the store, by subject and half minute.

use std::collections::BTreeMap;

use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::guard::BATCH_COUNTS_MAX;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::counts::SLOT_MS;
use tiffin_shared::time::UnixMs;

use super::watched::Watched;

/// Counts kept while the store is away: about ten megabytes.
const COUNTS_MAX: usize = 50_000;

/// What waits.
#[derive(Debug, Default)]
pub struct Pending(BTreeMap<(Watched, u64), Count>);

/// Counts of one subject under an id, so that the guard counts them once however often they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whose.
    pub watched: Watched,
    /// Drawn once.
    pub id: Bytes<16>,
    /// At most [`BATCH_COUNTS_MAX`].
    pub counts: Vec<Count>,
}

impl Pending {
    /// Adds to what waits. False when there is no room for another subject or time.
    #[must_use]
    pub fn add(&mut self, watched: Watched, count: Count) -> bool {
        let slot = count.at.0 / SLOT_MS;
        let key = (watched, slot);
        if self.0.len() >= COUNTS_MAX && !self.0.contains_key(&key) {
            return false;
        }
        let sum = self.0.entry(key).or_default();
        sum.at = UnixMs(slot.saturating_mul(SLOT_MS));
        sum.sends = sum.sends.saturating_add(count.sends);
        sum.verified = sum.verified.saturating_add(count.verified);
        sum.failed_guesses = sum.failed_guesses.saturating_add(count.failed_guesses);
        sum.refused = sum.refused.saturating_add(count.refused);
        true
    }

    /// Takes everything out, as batches with ids made of `random`.
    pub fn seal(&mut self, random: [u8; 16]) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for ((watched, _), count) in std::mem::take(&mut self.0) {
            match batches.last_mut() {
                Some(last) if last.watched == watched && last.counts.len() < BATCH_COUNTS_MAX => {
                    last.counts.push(count);
                }
                _ => {
                    let number = u64::try_from(batches.len()).unwrap_or(u64::MAX).to_be_bytes();
                    let id = Bytes(bytes::truncate(bytes::sha256(&bytes::prefixed(&[&random, &number]))));
                    batches.push(Batch { watched, id, counts: vec![count] });
                }
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use tiffin_shared::country::Country;
    use tiffin_shared::id::TenantId;

    use super::*;
    use crate::guard::watched::What;

    fn prefix(n: u64) -> Watched {
        let what = What::Prefix(Country::parse("IN").unwrap(), Bytes(n.to_be_bytes()));
        Watched { tenant: TenantId::parse("shop").unwrap(), what }
    }

    fn sent(at: u64) -> Count {
        Count { at: UnixMs(at), sends: 1, ..Count::default() }
    }

    #[test]
    fn what_is_added_comes_out_once_by_subject_and_half_minute() {
        let mut pending = Pending::default();
        for (n, at) in [(1, 60_000), (2, 60_000), (1, 89_999), (1, 90_000)] {
            assert!(pending.add(prefix(n), sent(at)));
        }
        assert!(pending.add(prefix(1), Count { at: UnixMs(61_000), verified: 1, ..Count::default() }));
        let batches = pending.seal([1; 16]);
        let count = |at, sends, verified| Count { at: UnixMs(at), sends, verified, ..Count::default() };
        let found: Vec<_> = batches.iter().map(|batch| (&batch.watched, batch.counts.clone())).collect();
        let (one, two) = (prefix(1), prefix(2));
        assert_eq!(
            found,
            [(&one, vec![count(60_000, 2, 1), count(90_000, 1, 0)]), (&two, vec![count(60_000, 1, 0)])]
        );
        assert!(batches.iter().all(|batch| batches.iter().filter(|other| other.id == batch.id).count() == 1));
        assert!(pending.seal([2; 16]).is_empty());
    }

    #[test]
    fn it_is_bounded_and_what_it_already_holds_still_counts() {
        let mut pending = Pending::default();
        let taken = (0..60_000).filter(|n| pending.add(prefix(*n), sent(0))).count();
        assert_eq!(taken, COUNTS_MAX);
        assert!(pending.add(prefix(0), sent(1)));
        assert!(!pending.add(prefix(0), sent(SLOT_MS)));
        let batches = pending.seal([1; 16]);
        assert_eq!(batches.len(), COUNTS_MAX);
        assert_eq!(batches[0].counts[0].sends, 2);
        assert!(pending.add(prefix(60_000), sent(0)), "sealing makes room");
    }

    #[test]
    fn no_batch_holds_more_than_a_guard_counts() {
        let mut pending = Pending::default();
        for slot in 0..300 {
            assert!(pending.add(prefix(1), sent(slot * SLOT_MS)));
        }
        let lengths: Vec<_> = pending.seal([1; 16]).iter().map(|batch| batch.counts.len()).collect();
        assert_eq!(lengths, [128, 128, 44]);
    }
}
