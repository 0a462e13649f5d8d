//! The settings of [`Visitor`](super::Visitor).

use serde::Deserialize;
use serde::Serialize;

use crate::bucket::Rate;
use crate::time::DAY_MS;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;

/// Blocked at this many times what passes without a challenge.
const BLOCK_FACTOR: u32 = 10;
/// A site (/48) may do as much as this many of its networks: an office or a mobile carrier's cell, not 65,536.
const SITE_FACTOR: u32 = 10;
/// The largest bucket: tells a typing error from a setting.
const CAPACITY_MAX: u32 = 100_000;

/// How much one client network may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisitorLimits {
    /// Orders without a challenge: 3, one more a minute.
    pub orders: Rate,
    /// Orders before blocking, counted apart with and without a solved challenge: 30, ten more a minute.
    pub orders_block: Rate,
    /// Guesses without a challenge: 10, five more a minute.
    pub guesses: Rate,
    /// Guesses before blocking, counted likewise: 100, fifty more a minute.
    pub guesses_block: Rate,
}

/// The limits of one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What passes without a challenge.
    pub free: Rate,
    /// What passes at all.
    pub block: Rate,
}

impl Default for VisitorLimits {
    fn default() -> Self {
        let orders = Rate { capacity: 3, refill_ms: MINUTE_MS };
        let guesses = Rate { capacity: 10, refill_ms: 12 * SECOND_MS };
        let (orders_block, guesses_block) = (times(orders, BLOCK_FACTOR), times(guesses, BLOCK_FACTOR));
        Self { orders, orders_block, guesses, guesses_block }
    }
}

impl VisitorLimits {
    /// The limits of the /48 around a network.
    #[must_use]
    pub fn site(self) -> Self {
        Self {
            orders: times(self.orders, SITE_FACTOR),
            orders_block: times(self.orders_block, SITE_FACTOR),
            guesses: times(self.guesses, SITE_FACTOR),
            guesses_block: times(self.guesses_block, SITE_FACTOR),
        }
    }

    /// Limits of orders.
    pub fn order(self) -> Allowance {
        Allowance { free: self.orders, block: self.orders_block }
    }

    /// Limits of guesses.
    pub fn guess(self) -> Allowance {
        Allowance { free: self.guesses, block: self.guesses_block }
    }

    /// Refuses what would lock everybody out, let everybody in, or be remembered for longer than a day.
    pub fn check(&self) -> Result<(), &'static str> {
        for rate in [self.orders, self.orders_block, self.guesses, self.guesses_block] {
            if rate.capacity == 0 || rate.capacity > CAPACITY_MAX || rate.refill_ms == 0 {
                return Err("capacity must be 1 to 100000, and refill_ms at least 1");
            }
            if rate.refill_ms.saturating_mul(u64::from(rate.capacity)) > DAY_MS {
                return Err("a bucket must refill within a day: capacity times refill_ms at most 86400000");
            }
        }
        for Allowance { free, block } in [self.order(), self.guess()] {
            if block.capacity < free.capacity || block.refill_ms > free.refill_ms {
                return Err(
                    "blocking must not come before the challenge: a larger capacity, no longer refill_ms",
                );
            }
        }
        Ok(())
    }
}

/// As much as `factor` such buckets: larger and faster, and as long until it is full.
fn times(rate: Rate, factor: u32) -> Rate {
    Rate {
        capacity: rate.capacity.saturating_mul(factor),
        refill_ms: rate.refill_ms.div_ceil(u64::from(factor.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocking_is_at_ten_times_the_challenge() {
        let limits = VisitorLimits::default();
        assert_eq!(limits.orders_block, Rate { capacity: 30, refill_ms: 6_000 });
        assert_eq!(limits.guesses_block, Rate { capacity: 100, refill_ms: 1_200 });
        assert_eq!(limits.site().orders, Rate { capacity: 30, refill_ms: 6_000 });
        assert_eq!((limits.check(), limits.site().check()), (Ok(()), Ok(())));
    }

    #[test]
    fn unsafe_limits_are_refused() {
        let good = VisitorLimits::default();
        let rate = |capacity, refill_ms| Rate { capacity, refill_ms };
        let bad = [
            VisitorLimits { orders: rate(0, 1), ..good },
            VisitorLimits { guesses: rate(1, 0), ..good },
            VisitorLimits { guesses_block: rate(100_001, 1), ..good },
            VisitorLimits { orders_block: rate(1_000, 86_401), ..good },
            VisitorLimits { orders_block: rate(2, 6_000), ..good },
            VisitorLimits { guesses_block: rate(100, 12_001), ..good },
        ];
        for limits in bad {
            assert!(limits.check().is_err(), "{limits:?}");
        }
        assert!(serde_json::from_str::<VisitorLimits>(r#"{"order":{}}"#).is_err());
        assert_eq!(serde_json::from_str::<VisitorLimits>("{}").unwrap(), good);
    }
}
