//! When a delivery that failed is tried again: the example schedule of the specification.

use crate::backoff::Backoff;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;

/// From one try to the next.
const DELAYS_MS: [u64; 9] = [
    5 * SECOND_MS,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
];

/// Tries of one event, the first included: over three days.
pub const TRIES_MAX: u32 = 10;
const _: () = assert!(DELAYS_MS.len() + 1 == TRIES_MAX as usize, "a delay after every try but the last");

/// The longest `Retry-After` that is honoured.
pub const RETRY_AFTER_MAX_MS: u64 = DAY_MS;

/// A receiver that asks for less is left alone for this long, and longer each time.
pub const THROTTLE: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 5 * MINUTE_MS };

/// How long after try `tries` (from 1) the next one is; `None` after the last. A tenth more at most, by `random`, so
/// that what failed together does not come back together.
pub fn delay_ms(tries: u32, random: u64) -> Option<u64> {
    let delay_ms = usize::try_from(tries).ok()?.checked_sub(1).and_then(|index| DELAYS_MS.get(index))?;
    Some(delay_ms.saturating_add(random % (delay_ms / 10).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_ten_tries_over_three_days_each_a_tenth_late_at_most() {
        let delays: Vec<_> = (1..).map_while(|tries| delay_ms(tries, 0)).collect();
        assert_eq!(delays, DELAYS_MS);
        for (tries, delay) in (1..).zip(DELAYS_MS) {
            assert!(delay_ms(tries, u64::MAX).unwrap() < delay + delay / 10 + 1);
        }
        assert_eq!((delay_ms(0, 0), delay_ms(TRIES_MAX, 0)), (None, None));
    }
}
