//! Where a phone's Durable Object should live: near the phone's country, whoever asks first.
//!
//! An object never moves after its first request. If the caller's place decided, a stranger who orders for a number from
//! the other side of the world would pin it there.

use crate::country::Country;
use crate::risk::gap_km;

/// Cloudflare's location hints, and countries that stand for them. The nearest one decides.
const REGIONS: [(&str, &str); 8] = [
    ("afr", "CD NG ZA KE"),
    ("apac", "IN CN JP SG"),
    ("eeur", "PL RU UA RO"),
    ("enam", "US CA MX CU"),
    ("me", "SA TR IQ EG"),
    ("oc", "AU NZ FJ"),
    ("sam", "BR AR CO PE"),
    ("weur", "FR DE GB ES SE"),
];

/// The location hint for a country's numbers; nothing for a country that is not on the map.
pub fn location_hint(country: Country) -> Option<&'static str> {
    let distance = |codes: &str| {
        let codes = codes.split(' ').filter_map(|code| Country::parse(code).ok());
        // The country itself first: neighbours have no gap between them.
        codes.filter_map(|code| Some((gap_km(country, code)?, code != country))).min()
    };
    let nearest = REGIONS.iter().filter_map(|(hint, codes)| Some((distance(codes)?, *hint))).min();
    nearest.map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_live_on_their_own_continent() {
        let cases = [
            ("IN", "apac"),
            ("JP", "apac"),
            ("VN", "apac"),
            ("DE", "weur"),
            ("PT", "weur"),
            ("PL", "eeur"),
            ("US", "enam"),
            ("BR", "sam"),
            ("CL", "sam"),
            ("NG", "afr"),
            ("ZA", "afr"),
            ("SA", "me"),
            ("AE", "me"),
            ("AU", "oc"),
            ("NZ", "oc"),
        ];
        for (country, hint) in cases {
            assert_eq!(location_hint(Country::parse(country).unwrap()), Some(hint), "{country}");
        }
        assert_eq!(location_hint(Country::parse("ZZ").unwrap()), None);
    }
}
