//! What makes an order suspicious, and what follows: a challenge, or no SMS. Never a refusal.
//!
//! Each factor weighs points; their sum decides ([`tier`]):
//!
//! | factor | points | set by |
//! | --- | --- | --- |
//! | `country_mismatch` | 1 | [`geo`]: ordered from another country than the number's, and never seen there |
//! | `new_country` | 1 | [`geo`]: the phone has a history, and this country is not in it |
//! | `unknown_country` | 1 | [`geo`]: nobody can tell where the request comes from |
//! | `impossible_travel` | 2 | [`geo`]: the last code was verified too far away too recently |
//! | `tor` | 2 | [`geo`]: it comes out of Tor |
//! | `voip_number` | 1 | the number's class |
//! | `country_suspicious` | 2 | few codes of this country are verified |
//! | `prefix_suspicious` | 2 | few codes of this number's neighbours are verified |
//! | `payment` | 0 alone, 2 with any other | the code releases money |
//!
//! | points | tier | what follows |
//! | --- | --- | --- |
//! | 0 | `normal` | nothing |
//! | 1 to 3 | `elevated` | a challenge |
//! | 4 and more, or a high-risk service | `high` | a challenge, and no SMS |
//!
//! So a traveller's first code abroad (2) and Tor (2) cost a challenge. SMS goes when unrelated things come together, such as
//! Tor and a payment, or when a phone appears where it never was, and cannot be, and roaming does not explain it (4).

mod distance;
mod geo;
mod places;

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

pub use self::distance::gap_km;
pub use self::geo::GeoMode;
pub use self::geo::GeoPolicy;
pub use self::geo::Origin;
pub use self::geo::Sighting;
pub use self::geo::geo;
pub use self::places::PLACES_KEEP_MS;
pub use self::places::PLACES_MAX;
pub use self::places::Places;
use crate::directory::Risk;

/// From this many points on a challenge is due.
const ELEVATED_POINTS: u32 = 1;
/// From this many points on nothing goes by SMS.
const HIGH_POINTS: u32 = 4;

macro_rules! factors {
    ($($(#[$doc:meta])* $factor:ident = $name:literal,)+) => {
        /// Something that makes an order suspicious. Sorted by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", schemars(rename_all = "snake_case"))]
        pub enum Factor {
            $($(#[$doc])* $factor,)+
        }

        impl Factor {
            /// All of them, sorted by name.
            pub const ALL: &[Self] = &[$(Self::$factor,)+];

            /// Its name on the wire and in logs.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$factor => $name,)+
                }
            }
        }
    };
}

factors! {
    /// Ordered from another country than the number's.
    CountryMismatch = "country_mismatch",
    /// Few codes of this country are verified.
    CountrySuspicious = "country_suspicious",
    /// Too far from the last place for the time between.
    ImpossibleTravel = "impossible_travel",
    /// A country that this phone was not seen in.
    NewCountry = "new_country",
    /// The code releases money.
    Payment = "payment",
    /// Few codes of this number's neighbours are verified.
    PrefixSuspicious = "prefix_suspicious",
    /// Out of the Tor network.
    Tor = "tor",
    /// The request's country is not known.
    UnknownCountry = "unknown_country",
    /// An internet telephone number.
    VoipNumber = "voip_number",
}

impl Factor {
    fn points(self) -> u32 {
        match self {
            Self::Payment => 0,
            Self::CountryMismatch | Self::NewCountry | Self::UnknownCountry | Self::VoipNumber => 1,
            Self::CountrySuspicious | Self::ImpossibleTravel | Self::PrefixSuspicious | Self::Tor => 2,
        }
    }

    /// Whether [`geo`] sets it.
    pub fn is_geo(self) -> bool {
        matches!(
            self,
            Self::CountryMismatch
                | Self::ImpossibleTravel
                | Self::NewCountry
                | Self::Tor
                | Self::UnknownCountry
        )
    }

    fn bit(self) -> u16 {
        // The discriminants are 0 to 8.
        1 << self as u16
    }
}

/// A set of factors. JSON: their names, sorted: `["new_country","tor"]`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Factors(u16);

impl Factors {
    /// Adds one.
    pub fn insert(&mut self, factor: Factor) {
        self.0 |= factor.bit();
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that [`geo`] does not set.
    #[must_use]
    pub fn without_geo(self) -> Self {
        self.iter().filter(|factor| !factor.is_geo()).collect()
    }

    /// Whether it is among them.
    pub fn contains(self, factor: Factor) -> bool {
        self.0 & factor.bit() != 0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Sorted by name.
    pub fn iter(self) -> impl Iterator<Item = Factor> {
        Factor::ALL.iter().copied().filter(move |factor| self.contains(*factor))
    }
}

impl FromIterator<Factor> for Factors {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        let mut set = Self::default();
        factors.into_iter().for_each(|factor| set.insert(factor));
        set
    }
}

impl fmt::Debug for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Factors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Factor::as_str))
    }
}

/// A name of a later version is passed over, so that an older reader still reads the others.
impl<'de> Deserialize<'de> for Factors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let find = |name: &String| Factor::ALL.iter().copied().find(|factor| factor.as_str() == name);
        Ok(names.iter().filter_map(find).collect())
    }
}

/// What an order has to put up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Nothing.
    Normal,
    /// A challenge.
    Elevated,
    /// A challenge, and no SMS.
    High,
}

/// The tier by the table above. A factor more never lowers it, and neither does it fall below the service's own risk.
pub fn tier(factors: Factors, base: Risk) -> Tier {
    let sum: u32 = factors.iter().map(Factor::points).sum();
    let sum = if factors.contains(Factor::Payment) && sum > 0 { sum + 2 } else { sum };
    match (base, sum) {
        (Risk::High, _) | (_, HIGH_POINTS..) => Tier::High,
        (Risk::Normal, ELEVATED_POINTS..) => Tier::Elevated,
        (Risk::Normal, _) => Tier::Normal,
    }
}
