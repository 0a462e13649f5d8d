//! What this process has last written, as a guess at what is stored: right where one process works on an order, and found
//! out by the compare-and-set where another was faster.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// States of each of the two generations: a few megabytes.
const GENERATION_MAX: usize = 4_096;

/// The states written last.
#[derive(Default)]
pub(super) struct Recent(Mutex<Generations>);

/// What was written lately, and what was before that: a write to a full young one ends the old.
#[derive(Default)]
struct Generations {
    young: HashMap<String, String>,
    old: HashMap<String, String>,
}

impl Recent {
    pub(super) fn take(&self, name: &str) -> Option<String> {
        let mut generations = self.lock();
        generations.young.remove(name).or_else(|| generations.old.remove(name))
    }

    pub(super) fn put(&self, name: String, body: String) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(name, body);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_known_and_the_oldest_makes_room() {
        let recent = Recent::default();
        for number in 0..=2 * GENERATION_MAX {
            recent.put(number.to_string(), "state".into());
        }
        assert_eq!(recent.take("0"), None);
        assert_eq!(recent.take(&GENERATION_MAX.to_string()).as_deref(), Some("state"));
        let latest = (2 * GENERATION_MAX).to_string();
        recent.put(latest.clone(), "changed".into());
        assert_eq!(recent.take(&latest).as_deref(), Some("changed"));
        assert_eq!(recent.take(&latest), None);
    }
}
