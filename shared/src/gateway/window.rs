//! A sliding window of calls, by second.

use serde::Deserialize;
use serde::Serialize;

use super::Calls;
use super::WINDOW_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// Seconds kept: the window and the one that has begun.
const SECONDS: u64 = WINDOW_MS / SECOND_MS + 1;

/// Calls of the last minute, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window(Vec<Calls>);

impl Window {
    /// Adds calls. Those older than the window, or of a clock that is ahead, count in the second they come in.
    pub(super) fn add(&mut self, calls: &[Calls], now: UnixMs) {
        let this = now.0 / SECOND_MS;
        self.0.retain(|slot| slot.second.saturating_add(SECONDS) > this && slot.second <= this);
        for new in calls {
            let second = if new.second > this { this } else { new.second };
            if second.saturating_add(SECONDS) <= this {
                continue;
            }
            let at = self.0.partition_point(|slot| slot.second < second);
            match self.0.get_mut(at).filter(|slot| slot.second == second) {
                Some(slot) => slot.add(new),
                None => self.0.insert(at, Calls { second, ..*new }),
            }
        }
    }

    /// All calls within the window.
    pub(super) fn sum(&self, now: UnixMs) -> Calls {
        let this = now.0 / SECOND_MS;
        let within = self.0.iter().filter(|slot| slot.second.saturating_add(SECONDS) > this);
        let mut sum = Calls { second: this, ..Calls::default() };
        within.for_each(|slot| sum.add(slot));
        sum
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
