//! How messages fare on a route, as coarsely as the directory tells it.

use serde::Deserialize;
use serde::Serialize;

use crate::country::Country;
use crate::route::stats::RECEIPTS_MIN;
use crate::route::stats::View;
use crate::time::SECOND_MS;

/// Countries of one route that the directory tells of: the busiest. Each is some fifty bytes at every front door.
pub const LEARNT_MAX: usize = 64;
/// Usual times are told in these steps, rounded up: a change of a directory is a write at the edge.
const WINDOW_STEPS_S: [u64; 8] = [5, 10, 15, 20, 30, 45, 60, 90];
/// Shares of arrival are told in steps of so many per cent, rounded down.
const PERCENT_STEP: u64 = 5;

/// What was learnt of a route to one country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learnt {
    /// Which; none for mailboxes, and for numbers of no country.
    pub country: Option<Country>,
    /// The time in which 95 % of its receipts come, at most, in milliseconds.
    pub window_ms: u64,
    /// The share of its messages that arrive, at least.
    pub delivered_percent: u8,
}

impl Learnt {
    /// Nothing until enough receipts came.
    pub fn of(country: Option<Country>, view: &View) -> Option<Self> {
        let arrived = u64::from(view.delivered.max(view.verified));
        let ended = arrived.saturating_add(view.failed.into());
        let window_s = view.window_ms.filter(|_| ended >= u64::from(RECEIPTS_MIN))?.div_ceil(SECOND_MS);
        let last = WINDOW_STEPS_S.last().copied().unwrap_or(window_s);
        let window_s = WINDOW_STEPS_S.into_iter().find(|step| window_s <= *step).unwrap_or(last);
        let percent = arrived.saturating_mul(100).checked_div(ended)?;
        let delivered_percent = u8::try_from(percent - percent % PERCENT_STEP).ok()?;
        Some(Self { country, window_ms: window_s * SECOND_MS, delivered_percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_nothing_and_more_is_told_in_steps_on_the_safe_side() {
        let told = |delivered, failed, window_ms| {
            let view = View { delivered, failed, window_ms, ..View::default() };
            Learnt::of(None, &view).map(|learnt| (learnt.window_ms, learnt.delivered_percent))
        };
        assert_eq!(told(100, 0, None), None);
        assert_eq!(told(10, 2, Some(7_000)), None);
        assert_eq!(told(100, 0, Some(5_000)), Some((5_000, 100)));
        assert_eq!(told(97, 3, Some(7_450)), Some((10_000, 95)));
        assert_eq!(told(1, 99, Some(90_000)), Some((90_000, 0)));
        assert_eq!(told(u32::MAX, u32::MAX, Some(61_000)), Some((90_000, 50)));
    }
}
