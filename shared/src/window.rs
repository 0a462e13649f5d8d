//! Exact sliding windows: at most so many events within so long, kept as the events' times.

use serde::Deserialize;
use serde::Serialize;

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
