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
    fn extreme_times_do_not_overflow() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(Rate { capacity: u32::MAX, refill_ms: u64::MAX }, UnixMs(u64::MAX)), Ok(()));
        assert_eq!(bucket.take(Rate { capacity: 0, refill_ms: 1 }, UnixMs(0)), Err(u64::MAX));
    }
}
