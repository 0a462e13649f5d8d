//! Where a phone's codes were verified.

use serde::Deserialize;
use serde::Serialize;

use crate::country::Country;
use crate::time::DAY_MS;
use crate::time::UnixMs;

/// Countries remembered: home, work, a trip, and a VPN or two.
pub const PLACES_MAX: usize = 5;
/// How long after the last code there: 30 days. A ledger keeps nothing longer, and whereabouts are personal data; a code a month
/// keeps a country known, and forgetting one costs a challenge.
pub const PLACES_KEEP_MS: u64 = 30 * DAY_MS;

/// Countries with the latest time there, longest ago first. Bounded; a phone's own history, never shown.
///
/// Note a place when a code is *verified*, never when one is ordered: who only orders could otherwise make his own country
/// look familiar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<(Country, UnixMs)>);

impl Places {
    /// A code was verified there. The same place and time again change nothing.
    pub fn note(&mut self, country: Country, now: UnixMs) {
        let before = self.0.iter().find(|(known, _)| *known == country).map(|(_, at)| *at);
        let at = before.unwrap_or_default().max(now);
        self.0.retain(|(known, at)| *known != country && at.plus(PLACES_KEEP_MS) > now);
        // Where a clock ran backwards the later time stays the later one.
        let rank = self.0.iter().take_while(|(_, known_at)| *known_at <= at).count();
        self.0.insert(rank, (country, at));
        let surplus = self.0.len().saturating_sub(PLACES_MAX);
        self.0.drain(..surplus);
    }

    /// Whether nothing is remembered any more.
    pub fn is_empty(&self, now: UnixMs) -> bool {
        self.last(now).is_none()
    }

    /// Whether codes were verified there lately.
    pub fn contains(&self, country: Country, now: UnixMs) -> bool {
        self.live(now).any(|(known, _)| known == country)
    }

    /// The latest place and time.
    pub fn last(&self, now: UnixMs) -> Option<(Country, UnixMs)> {
        self.live(now).last()
    }

    /// From here on it says what an empty one says.
    pub fn empty_at(&self) -> UnixMs {
        self.0.last().map_or(UnixMs(0), |(_, at)| at.plus(PLACES_KEEP_MS))
    }

    /// Whether it was never written: for `skip_serializing_if`.
    pub fn is_unused(&self) -> bool {
        self.0.is_empty()
    }

    fn live(&self, now: UnixMs) -> impl Iterator<Item = (Country, UnixMs)> {
        self.0.iter().copied().filter(move |(_, at)| now < at.plus(PLACES_KEEP_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_795_082_400_000);

    fn country(name: &str) -> Country {
        Country::parse(name).unwrap()
    }

    #[test]
    fn the_five_latest_countries_are_remembered_each_once() {
        let mut places = Places::default();
        for (day, name) in (0..).zip(["IN", "DE", "IN", "FR", "US", "BR", "DE", "JP"]) {
            places.note(country(name), START.plus(day * DAY_MS));
        }
        let now = START.plus(8 * DAY_MS);
        for (name, known) in
            [("IN", false), ("FR", true), ("US", true), ("BR", true), ("DE", true), ("JP", true)]
        {
            assert_eq!(places.contains(country(name), now), known, "{name}");
        }
        assert_eq!(places.last(now), Some((country("JP"), START.plus(7 * DAY_MS))));
    }

    #[test]
    fn a_place_is_forgotten_after_thirty_days_to_the_millisecond() {
        let mut places = Places::default();
        places.note(country("IN"), START);
        let end = START.plus(PLACES_KEEP_MS);
        assert_eq!(places.empty_at(), end);
        assert!(places.contains(country("IN"), end.minus(1)) && !places.is_empty(end.minus(1)));
        assert!(!places.contains(country("IN"), end) && places.is_empty(end));
        places.note(country("DE"), end);
        assert_eq!(serde_json::to_string(&places).unwrap(), r#"[["DE",1797674400000]]"#);
    }

    #[test]
    fn noting_again_or_with_an_earlier_clock_changes_nothing() {
        let mut places = Places::default();
        for (minute, name) in (0..).zip(["IN", "DE"]) {
            places.note(country(name), START.plus(minute));
        }
        let before = places.clone();
        places.note(country("DE"), START.plus(1));
        places.note(country("DE"), START);
        places.note(country("IN"), START);
        assert_eq!(places, before);
    }
}
