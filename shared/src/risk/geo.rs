//! What the whereabouts of a request say of it.

use serde::Deserialize;
use serde::Serialize;

use super::Factor;
use super::Factors;
use super::Tier;
use super::distance::gap_km;
use super::distance::is_known;
use super::places::Places;
use super::tier;
use crate::country::Country;
use crate::directory::Risk;
use crate::time::HOUR_MS;
use crate::time::UnixMs;

/// Faster than any airliner from door to door.
const SPEED_KMH: u32 = 1_000;
/// The slowest speed that may be called impossible: an airliner's own.
const SPEED_KMH_MIN: u32 = 900;
/// Countries that an installation may call familiar.
const FAMILIAR_MAX: usize = 20;
/// Countries that share a numbering plan or the tariffs of one: a number of one is at home in the others.
/// Sources: ITU-T E.164 list of country codes; national roaming of overseas territories.
const FAMILIES: [&str; 9] = [
    "AU CC CX NF",
    "DK FO GL",
    "AX FI",
    "BL FR GF GP MF MQ PM RE YT",
    "GB GG IM JE",
    "IT SM VA",
    "BQ CW",
    "BV NO SJ",
    "AS GU MP PR UM US VI",
];

/// Where a request comes from, as its host was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A country.
    Country(Country),
    /// The Tor network: `T1`.
    Tor,
    /// The host asks and nobody can tell: `XX`, regions such as `EU`, and whatever is no country.
    Unknown,
}

impl Origin {
    /// Reads Cloudflare's country code (`CF-IPCountry`). A host that has no such source has no `Origin`, which is not
    /// [`Origin::Unknown`]: then there is nothing to be said.
    pub fn parse(code: &str) -> Self {
        match Country::parse(code) {
            Ok(country) if is_known(country) => Self::Country(country),
            _ if code == "T1" => Self::Tor,
            _ => Self::Unknown,
        }
    }

    /// The country, when there is one: what [`Places::note`] takes.
    pub fn country(self) -> Option<Country> {
        match self {
            Self::Country(country) => Some(country),
            Self::Tor | Self::Unknown => None,
        }
    }
}

/// What becomes of the factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeoMode {
    /// They are not looked for.
    Off,
    /// They stand in the order's record and change nothing: to see what enforcing would do.
    RecordOnly,
    /// They raise the tier. The default: alone they cost a challenge, which a page solves by itself, and a defence that must
    /// be switched on first is missing on the day of the attack. Requests of a tenant's own servers bring no client country,
    /// so nothing changes for them.
    #[default]
    Enforce,
}

/// An installation's or tenant's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeoPolicy {
    /// What becomes of the factors; enforced.
    pub mode: GeoMode,
    /// Countries where everybody may be, such as that of a company's VPN; none, at most 20.
    pub familiar: Vec<Country>,
    /// Kilometres an hour that nobody travels: 1000, at least 900.
    pub speed_kmh: u32,
}

impl Default for GeoPolicy {
    fn default() -> Self {
        Self { mode: GeoMode::default(), familiar: Vec::new(), speed_kmh: SPEED_KMH }
    }
}

impl GeoPolicy {
    /// Refuses what would call ordinary flights impossible, and lists that are too long.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.speed_kmh < SPEED_KMH_MIN {
            return Err("speed_kmh: must be at least 900, the speed of an airliner");
        }
        if self.familiar.len() > FAMILIAR_MAX {
            return Err("familiar: at most 20 countries");
        }
        Ok(())
    }

    /// The tier of all factors of an order, of which those of [`geo`] count only when enforced.
    pub fn tier(&self, factors: Factors, base: Risk) -> Tier {
        match self.mode {
            GeoMode::Enforce => tier(factors, base),
            GeoMode::Off | GeoMode::RecordOnly => tier(factors.without_geo(), base),
        }
    }
}

/// An order, as far as places go.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The phone number's country, when it has one.
    pub number: Option<Country>,
    /// Where the order comes from; `None` when the host cannot ask.
    pub origin: Option<Origin>,
    /// Where codes of this phone were verified.
    pub places: &'a Places,
}

/// The factors of `country_mismatch`, `impossible_travel`, `new_country`, `tor` and `unknown_country` that apply.
///
/// A country in which the phone verified a code lately is no mismatch any more: people who live abroad, commute over a border
/// or use one VPN are asked once. Between the number's own country and another no travel is impossible: a roaming phone's data
/// leaves through its home network, so that the same phone is at home by mobile data and abroad by Wi-Fi.
pub fn geo(sighting: &Sighting<'_>, policy: &GeoPolicy, now: UnixMs) -> Factors {
    let mut factors = Factors::default();
    if policy.mode == GeoMode::Off {
        return factors;
    }
    let here = match sighting.origin {
        None => return factors,
        Some(Origin::Tor) => return Factors::from_iter([Factor::Tor]),
        Some(Origin::Unknown) => return Factors::from_iter([Factor::UnknownCountry]),
        Some(Origin::Country(here)) => here,
    };
    let is_home = |country| sighting.number.is_some_and(|number| is_family(number, country));
    if is_home(here) || policy.familiar.contains(&here) {
        return factors;
    }
    if !sighting.places.contains(here, now) {
        if sighting.number.is_some() {
            factors.insert(Factor::CountryMismatch);
        }
        if !sighting.places.is_empty(now) {
            factors.insert(Factor::NewCountry);
        }
    }
    if let Some((there, at)) = sighting.places.last(now) {
        let explained = is_home(there) || policy.familiar.contains(&there);
        if !explained && is_too_far(there, here, now.since(at), policy.speed_kmh) {
            factors.insert(Factor::ImpossibleTravel);
        }
    }
    factors
}

fn is_too_far(there: Country, here: Country, elapsed_ms: u64, speed_kmh: u32) -> bool {
    let Some(gap_km) = gap_km(there, here) else { return false };
    elapsed_ms < u64::from(gap_km).saturating_mul(HOUR_MS) / u64::from(speed_kmh.max(1))
}

fn is_family(one: Country, other: Country) -> bool {
    let both = |family: &&str| family.contains(one.as_str()) && family.contains(other.as_str());
    one == other || FAMILIES.iter().any(both)
}
