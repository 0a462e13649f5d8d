//! Exponential backoff with jitter, in integers: `min(base · 2ⁿ + jitter, max)`.

/// A schedule of delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first delay, in milliseconds.
    pub base_ms: u64,
    /// No delay is longer, in milliseconds.
    pub max_ms: u64,
}

impl Backoff {
    /// The delay after try `n` (0 is the first). `random` spreads it by up to half of the exponential part,
    /// so that orders that failed together do not come back together.
    pub fn delay_ms(&self, n: u32, random: u64) -> u64 {
        let factor = 1_u64.checked_shl(n).unwrap_or(u64::MAX);
        let exponential_ms = self.base_ms.saturating_mul(factor).min(self.max_ms);
        let jitter_ms = random % (exponential_ms / 2).max(1);
        exponential_ms.saturating_add(jitter_ms).min(self.max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let backoff = Backoff { base_ms: 1_000, max_ms: 30_000 };
        let delays: Vec<_> = (0..7).map(|n| backoff.delay_ms(n, 0)).collect();
        assert_eq!(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.delay_ms(0, 499), 1_499);
        assert_eq!(backoff.delay_ms(u32::MAX, u64::MAX), 30_000);
        assert_eq!(Backoff { base_ms: 0, max_ms: 0 }.delay_ms(3, 9), 0);
    }
}
