//! When an isolate looks for a newer directory: one look at a time, and none that is forgotten for ever.

use super::snapshot::FRESH_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// A look that has not ended after this many milliseconds is lost, as with a request that was cancelled. It asks an
/// object and perhaps a store, each a hop away.
const LOOK_MS_MAX: u64 = 5 * SECOND_MS;

/// What an isolate knows of its looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lookout {
    looked_at: Option<UnixMs>,
    begun_at: Option<UnixMs>,
}

impl Lookout {
    /// None was begun.
    pub const fn new() -> Self {
        Self { looked_at: None, begun_at: None }
    }

    /// Whether to look: not while what is known is fresh, nor while another request looks.
    pub fn is_due(&self, now: UnixMs) -> bool {
        let is_fresh = self.looked_at.is_some_and(|at| now.since(at) < FRESH_MS);
        let is_looking = self.begun_at.is_some_and(|at| now.since(at) < LOOK_MS_MAX);
        !is_fresh && !is_looking
    }

    /// A request begins to look.
    pub fn begin(&mut self, now: UnixMs) {
        self.begun_at = Some(now);
    }

    /// It is done, with or without something newer.
    pub fn end(&mut self, now: UnixMs) {
        *self = Self { looked_at: Some(now), begun_at: None };
    }

    /// It was given up without an answer. Another that began later goes on.
    pub fn give_up(&mut self, begun_at: UnixMs) {
        self.begun_at = self.begun_at.filter(|at| *at != begun_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    #[test]
    fn one_looks_at_a_time_and_what_is_fresh_is_not_looked_for() {
        let mut lookout = Lookout::new();
        assert!(lookout.is_due(NOW));
        lookout.begin(NOW);
        assert!(!lookout.is_due(NOW.plus(10)));
        lookout.end(NOW.plus(20));
        assert!(!lookout.is_due(NOW.plus(FRESH_MS)));
        assert!(lookout.is_due(NOW.plus(20 + FRESH_MS)));
    }

    #[test]
    fn a_look_that_is_given_up_or_forgotten_is_taken_up_by_another() {
        let mut lookout = Lookout::new();
        lookout.begin(NOW);
        lookout.give_up(NOW);
        assert!(lookout.is_due(NOW.plus(1)));
        lookout.begin(NOW.plus(1));
        assert!(!lookout.is_due(NOW.plus(LOOK_MS_MAX)));
        assert!(lookout.is_due(NOW.plus(1 + LOOK_MS_MAX)));
        lookout.begin(NOW.plus(1 + LOOK_MS_MAX));
        lookout.give_up(NOW.plus(1));
        assert!(!lookout.is_due(NOW.plus(2 + LOOK_MS_MAX)), "the older one's end is not the newer one's");
    }
}
