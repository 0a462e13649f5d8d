//! What was asked of each gateway: `/calls`. Counts only, so that a test finds duplicates without reading texts.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use sha2::Digest as _;
use sha2::Sha256;

use self::routes::Report;
pub(super) use self::routes::routes;

mod routes;

/// What makes two calls the same message.
#[derive(Debug, Hash, PartialEq, Eq)]
pub(super) struct Pair {
    to: String,
    body_sha256: [u8; 32],
}

impl Pair {
    pub(super) fn new(to: &str, body: &str) -> Self {
        Self { to: to.to_owned(), body_sha256: Sha256::digest(body.as_bytes()).into() }
    }
}

/// One call, from its arrival to what became of it.
pub(super) struct Call<'a> {
    tally: Option<&'a Mutex<Tally>>,
    pair: Option<Arc<Pair>>,
}

impl Call<'_> {
    pub(super) fn taken(&self, now_ms: u64) {
        let Some(mut tally) = self.tally.map(lock) else { return };
        tally.note(now_ms, 0, 1);
        if let Some(pair) = &self.pair {
            tally.count(pair).taken += 1;
        }
    }

    /// `why` is the mode, or what else stood in the way.
    pub(super) fn refused(&self, why: &'static str) {
        let Some(mut tally) = self.tally.map(lock) else { return };
        *tally.refused.entry(why).or_default() += 1;
    }
}

/// The counts of all gateways.
pub(super) struct Calls(BTreeMap<String, Mutex<Tally>>);

impl Calls {
    pub(super) fn new(gateways: impl Iterator<Item = String>, now_ms: u64) -> Self {
        Self(gateways.map(|gateway| (gateway, Mutex::new(Tally::since(now_ms)))).collect())
    }

    /// Counts a call that arrives; `pair` is missing when it could not be read.
    pub(super) fn received(&self, gateway: &str, pair: Option<Pair>, now_ms: u64) -> Call<'_> {
        let pair = pair.map(Arc::new);
        let tally = self.0.get(gateway);
        if let Some(mut tally) = tally.map(lock) {
            tally.note(now_ms, 1, 0);
            if let Some(pair) = &pair {
                tally.count(pair).received += 1;
            }
        }
        Call { tally, pair }
    }

    fn report(&self, gateway: &str, to: Option<&str>, now_ms: u64) -> Option<Report> {
        self.0.get(gateway).map(|tally| Report::new(gateway, &lock(tally), to, now_ms))
    }

    fn forget(&self, gateway: &str, now_ms: u64) -> Option<()> {
        self.0.get(gateway).map(|tally| *lock(tally) = Tally::since(now_ms))
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Tally {
    since_ms: u64,
    received: u64,
    taken: u64,
    refused: BTreeMap<&'static str, u64>,
    /// Oldest first; seconds without a call are left out.
    seconds: VecDeque<Second>,
    counts: HashMap<Arc<Pair>, Count>,
    /// The pairs of `counts`, oldest first.
    order: VecDeque<Arc<Pair>>,
    /// Pairs that had to make room.
    forgotten: u64,
}

struct Second {
    at_s: u64,
    received: u64,
    taken: u64,
}

#[derive(Clone, Copy, Default)]
struct Count {
    received: u64,
    taken: u64,
}

impl Tally {
    fn since(now_ms: u64) -> Self {
        Self { since_ms: now_ms, ..Self::default() }
    }

    fn note(&mut self, now_ms: u64, received: u64, taken: u64) {
        self.received += received;
        self.taken += taken;
        let at_s = now_ms / 1_000;
        // A clock that was set back counts into the newest second.
        if self.seconds.back().is_none_or(|newest| newest.at_s < at_s) {
            while self.seconds.front().is_some_and(|oldest| oldest.at_s + SECONDS_MAX <= at_s) {
                self.seconds.pop_front();
            }
            self.seconds.push_back(Second { at_s, received: 0, taken: 0 });
        }
        if let Some(newest) = self.seconds.back_mut() {
            newest.received += received;
            newest.taken += taken;
        }
    }

    fn count(&mut self, pair: &Arc<Pair>) -> &mut Count {
        if !self.counts.contains_key(pair) {
            if self.order.len() >= PAIRS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.counts.remove(&oldest);
                self.forgotten += 1;
            }
            self.order.push_back(Arc::clone(pair));
        }
        self.counts.entry(Arc::clone(pair)).or_default()
    }
}

/// Two minutes: as much as a chart of a drill shows.
const SECONDS_MAX: u64 = 120;

/// A long load test, in about 20 MB.
const PAIRS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_seconds_and_pairs_make_room() {
        let calls = Calls::new(std::iter::once("g".to_owned()), 0);
        for number in 0..=PAIRS_MAX {
            let now_ms = u64::try_from(number).unwrap_or_default() * 10;
            calls.received("g", Some(Pair::new(&number.to_string(), "")), now_ms).taken(now_ms);
        }
        let tally = lock(&calls.0["g"]);
        assert_eq!((tally.counts.len(), tally.order.len(), tally.forgotten), (PAIRS_MAX, PAIRS_MAX, 1));
        assert_eq!(tally.seconds.len(), 120);
        assert!(!tally.counts.contains_key(&Pair::new("0", "")));
    }

    #[test]
    fn a_clock_that_is_set_back_is_counted_all_the_same() {
        let mut tally = Tally::since(0);
        tally.note(5_000, 1, 0);
        tally.note(3_000, 1, 0);
        assert_eq!((tally.seconds.len(), tally.seconds[0].received), (1, 2));
    }
}
