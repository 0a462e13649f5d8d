//! Exact sliding windows: at most so many events within so long, kept as the events' times.

use serde::Deserialize;
use serde::Serialize;

use crate::time::DAY_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// At most `max` events within any `window_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Events allowed, at least 1.
    pub max: u32,
    /// Length of the window in milliseconds.
    pub window_ms: u64,
}

impl Cap {
    /// Refuses what would switch the limit off, or count what nobody remembers: logs go back a day. `name` is the key.
    pub fn check(&self, name: &str, most: u32) -> Result<(), String> {
        if !(1..=most).contains(&self.max) {
            return Err(format!("{name}.max: must be 1 to {most}"));
        }
        if !(SECOND_MS..=DAY_MS).contains(&self.window_ms) {
            return Err(format!("{name}.window_ms: must be {SECOND_MS} to {DAY_MS}, a second to a day"));
        }
        Ok(())
    }
}

/// Times of past events, oldest first. Bounded by the largest cap asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Log(Vec<UnixMs>);

impl Log {
    /// Milliseconds until one more event keeps within `cap`; 0 when it does now.
    pub fn wait_ms(&self, cap: Cap, now: UnixMs) -> u64 {
        let max = usize::try_from(cap.max.max(1)).unwrap_or(usize::MAX);
        // The event that must have left the window before another may enter.
        let Some(blocking) = self.0.len().checked_sub(max).and_then(|at| self.0.get(at)) else { return 0 };
        blocking.plus(cap.window_ms).since(now)
    }

    /// Notes an event, and forgets those older than `keep_ms`.
    pub fn push(&mut self, now: UnixMs, keep_ms: u64) {
        self.0.retain(|at| at.plus(keep_ms) > now);
        self.0.push(now);
    }

    /// When the last event leaves a window of `keep_ms`.
    pub fn empty_at(&self, keep_ms: u64) -> UnixMs {
        self.0.last().map_or(UnixMs(0), |at| at.plus(keep_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_that_limits_nothing_is_refused_by_its_name() {
        let check = |max, window_ms| Cap { max, window_ms }.check("hourly", 100);
        assert_eq!((check(1, SECOND_MS), check(100, DAY_MS)), (Ok(()), Ok(())));
        for max in [0, 101, u32::MAX] {
            assert_eq!(check(max, DAY_MS), Err("hourly.max: must be 1 to 100".to_owned()));
        }
        for window_ms in [0, 999, DAY_MS + 1, u64::MAX] {
            assert!(check(1, window_ms).is_err_and(|reason| reason.starts_with("hourly.window_ms: ")));
        }
    }

    #[test]
    fn the_oldest_event_must_leave_the_window_first() {
        let cap = Cap { max: 2, window_ms: 100 };
        let mut log = Log::default();
        log.push(UnixMs(1_000), 100);
        assert_eq!(log.wait_ms(cap, UnixMs(1_000)), 0);
        log.push(UnixMs(1_040), 100);
        assert_eq!(log.wait_ms(cap, UnixMs(1_050)), 50);
        assert_eq!(log.wait_ms(cap, UnixMs(1_099)), 1);
        assert_eq!(log.wait_ms(cap, UnixMs(1_100)), 0);
        log.push(UnixMs(1_100), 100);
        assert_eq!(log.wait_ms(cap, UnixMs(1_100)), 40);
        assert_eq!(log.empty_at(100), UnixMs(1_200));
    }
}
