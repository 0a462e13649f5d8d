//! The pause that a throttling peer gets. It grows while the peer goes on throttling.

use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

/// The first pause: a peer that counts by the second has forgotten half of one.
const PAUSE_MS_FIRST: u64 = 500;
/// The longest. What waits longer than this is sent another way.
const PAUSE_MS_MAX: u64 = 30 * SECOND_MS;

/// A pause, and how long the next one would be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause {
    began_at: UnixMs,
    until: UnixMs,
    length_ms: u64,
}

impl Pause {
    /// Nothing is submitted before this.
    pub fn until(&self) -> UnixMs {
        self.until
    }

    /// A request that was written at `sent_at` was throttled. Those that were on their way when the pause began count as one.
    pub fn throttled(&mut self, sent_at: UnixMs, now: UnixMs) {
        if self.length_ms > 0 && sent_at <= self.began_at {
            return;
        }
        self.length_ms = (self.length_ms * 2).clamp(PAUSE_MS_FIRST, PAUSE_MS_MAX);
        self.began_at = now;
        self.until = now.plus(self.length_ms);
    }

    /// A request that was written at `sent_at` was taken.
    pub fn eased(&mut self, sent_at: UnixMs) {
        if sent_at >= self.until {
            self.length_ms = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_the_peer_goes_on_and_end_when_it_takes_again() {
        let mut pause = Pause::default();
        pause.throttled(UnixMs(1_000), UnixMs(1_010));
        // The rest of the window.
        pause.throttled(UnixMs(1_005), UnixMs(1_020));
        assert_eq!(pause.until(), UnixMs(1_510));
        pause.throttled(UnixMs(1_600), UnixMs(1_610));
        assert_eq!(pause.until(), UnixMs(2_610));
        // Written before the pause: says nothing of what comes after it.
        pause.eased(UnixMs(1_600));
        pause.throttled(UnixMs(2_700), UnixMs(2_710));
        assert_eq!(pause.until(), UnixMs(4_710));
        pause.eased(UnixMs(4_800));
        pause.throttled(UnixMs(4_900), UnixMs(5_000));
        assert_eq!(pause.until(), UnixMs(5_500));
        for at in 1..20 {
            pause.throttled(UnixMs(at * 100_000), UnixMs(at * 100_000));
        }
        assert_eq!(pause.until(), UnixMs(1_930_000));
    }
}
