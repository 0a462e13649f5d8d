//! Token bucket as one timestamp: the generic cell rate algorithm (ITU-T I.371), exact to the millisecond.

use serde::Deserialize;
use serde::Serialize;

use crate::time::UnixMs;

/// A bucket's size and speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Tokens in a full bucket, at least 1.
    pub capacity: u32,
    /// Milliseconds for one token to return.
    pub refill_ms: u64,
}

/// The moment at which the bucket is full again. The default is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(UnixMs);

impl Bucket {
    /// Takes one token, or tells in how many milliseconds there will be one.
    pub fn take(&mut self, rate: Rate, now: UnixMs) -> Result<(), u64> {
        let wait_ms = self.wait_ms(rate, now);
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        self.0 = self.0.max(now).plus(rate.refill_ms);
        Ok(())
    }

    /// Milliseconds until a token is there; 0 when one is.
    pub fn wait_ms(&self, rate: Rate, now: UnixMs) -> u64 {
        let burst_ms = rate.refill_ms.saturating_mul(u64::from(rate.capacity.saturating_sub(1)));
        self.0.since(now.plus(burst_ms))
    }

    /// Tokens that are there.
    pub fn remaining(&self, rate: Rate, now: UnixMs) -> u32 {
        let missing = self.0.since(now).div_ceil(rate.refill_ms.max(1));
        rate.capacity.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// Milliseconds until one more token is there; 0 when the bucket is full.
    pub fn next_ms(&self, rate: Rate, now: UnixMs) -> u64 {
        let refill_ms = rate.refill_ms.max(1);
        let missing_ms = self.0.since(now);
        // After a change of rate more may be missing than the bucket holds: the surplus returns first.
        let surplus_ms = self.wait_ms(rate, now);
        if surplus_ms > 0 {
            return surplus_ms;
        }
        match missing_ms % refill_ms {
            0 => missing_ms.min(refill_ms),
            part_ms => part_ms,
        }
    }

    /// From here on the bucket is full, and as good as new.
    pub fn full_at(&self) -> UnixMs {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { capacity: 3, refill_ms: 60_000 };

    #[test]
    fn three_at_once_then_one_a_minute_to_the_millisecond() {
        let mut bucket = Bucket::default();
        let start = UnixMs(1_000_000);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, start), Ok(()));
        }
        assert_eq!(bucket.take(RATE, start), Err(60_000));
        assert_eq!(bucket.take(RATE, start.plus(59_999)), Err(1));
        assert_eq!(bucket.take(RATE, start.plus(60_000)), Ok(()));
        assert_eq!(bucket.take(RATE, start.plus(60_000)), Err(60_000));
        assert_eq!(bucket.full_at(), start.plus(240_000));
    }

    #[test]
    fn what_remains_and_when_there_is_more_agree_with_what_is_given() {
        let mut bucket = Bucket::default();
        let start = UnixMs(1_000_000);
        assert_eq!((bucket.remaining(RATE, start), bucket.next_ms(RATE, start)), (3, 0));
        for left in [2, 1, 0] {
            assert_eq!(bucket.take(RATE, start), Ok(()));
            assert_eq!((bucket.remaining(RATE, start), bucket.next_ms(RATE, start)), (left, 60_000));
        }
        for after_ms in 0..=180_001 {
            let now = start.plus(after_ms);
            let (left, next_ms) = (bucket.remaining(RATE, now), bucket.next_ms(RATE, now));
            assert_eq!(left > 0, bucket.wait_ms(RATE, now) == 0, "{after_ms} ms");
            assert_eq!(next_ms == 0, left == 3, "{after_ms} ms");
            if next_ms > 0 {
                assert_eq!(bucket.remaining(RATE, now.plus(next_ms)), left + 1, "{after_ms} ms");
                assert_eq!(bucket.remaining(RATE, now.plus(next_ms - 1)), left, "{after_ms} ms");
            }
        }
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(Rate { capacity: u32::MAX, refill_ms: u64::MAX }, UnixMs(u64::MAX)), Ok(()));
        assert_eq!(bucket.take(Rate { capacity: 0, refill_ms: 1 }, UnixMs(0)), Err(u64::MAX));
    }
}
