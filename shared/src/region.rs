//! Where a phone's Durable Object should live: near the phone's country, whoever asks first.
//!
//! An object never moves after its first request. If the caller's place decided, a stranger who orders for a number from
//! the other side of the world would pin it there.

use crate::country::Country;

/// Cloudflare's location hints, and the countries nearest to each. A table, because looking on the map is a twentieth of
/// an order's work.
const REGIONS: [(&str, &str); 8] = [
    (
        "afr",
        "AO BF BI BJ BV BW CD CF CG CI CM ET GA GH GN GQ HM KE KM LR LS MG ML MU MW MZ NA NE NG RE RW SC \
         SD SH SL SO SS ST SZ TD TF TG TZ UG YT ZA ZM ZW",
    ),
    (
        "apac",
        "AF BD BN BT CC CN CX GU HK ID IN IO IR JP KG KH KP KR KZ LA LK MM MN MO MP MV MY NP PH PK SG TH \
         TJ TW UZ VN",
    ),
    ("eeur", "AL AM AT AX AZ BA BG BY CZ DK EE FI GE GR HR HU LT LV MD ME MK NO PL RO RS RU SJ SK TM UA XK"),
    ("enam", "BM BS BZ CA CU DO GL GT HN HT JM KY MX NI PM SV TC US"),
    ("me", "AE BH CY DJ EG ER IL IQ JO KW LB LY OM PS QA SA SY TR YE"),
    ("oc", "AS AU CK FJ FM KI MH NC NF NR NU NZ PF PG PN PW SB TK TL TO VU WF WS"),
    (
        "sam",
        "AG AI AQ AR AW BB BL BO BQ BR CL CO CR CW DM EC FK GD GF GP GS GY KN LC MF MQ MS PA PE PR PY SR \
         SX TT UY VC VE VG VI",
    ),
    (
        "weur",
        "AD BE CH CV DE DZ EH ES FO FR GB GG GI GM GW IE IM IS IT JE LI LU MA MC MR MT NL PT SE SI SM SN \
         TN VA",
    ),
];

/// The location hint for a country's numbers; nothing for a country that is not on the map.
pub fn location_hint(country: Country) -> Option<&'static str> {
    let is_listed =
        |codes: &str| codes.as_bytes().chunks(3).any(|code| code.starts_with(country.as_str().as_bytes()));
    REGIONS.iter().find(|(_, codes)| is_listed(codes)).map(|(hint, _)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::gap_km;

    /// Countries that stand for a hint.
    const ANCHORS: [(&str, &str); 8] = [
        ("afr", "CD NG ZA KE"),
        ("apac", "IN CN JP SG"),
        ("eeur", "PL RU UA RO"),
        ("enam", "US CA MX CU"),
        ("me", "SA TR IQ EG"),
        ("oc", "AU NZ FJ"),
        ("sam", "BR AR CO PE"),
        ("weur", "FR DE GB ES SE"),
    ];

    fn nearest(country: Country) -> Option<&'static str> {
        let distance = |codes: &str| {
            let codes = codes.split(' ').filter_map(|code| Country::parse(code).ok());
            // The country itself first: neighbours have no gap between them.
            codes.filter_map(|code| Some((gap_km(country, code)?, code != country))).min()
        };
        let nearest = ANCHORS.iter().filter_map(|(hint, codes)| Some((distance(codes)?, *hint))).min();
        nearest.map(|(_, hint)| hint)
    }

    #[test]
    fn every_country_on_the_map_has_the_hint_of_its_nearest_anchor() {
        for pair in (b'A'..=b'Z').flat_map(|first| (b'A'..=b'Z').map(move |second| [first, second])) {
            let country = Country::parse(std::str::from_utf8(&pair).unwrap()).unwrap();
            assert_eq!(location_hint(country), nearest(country), "{country}");
        }
    }

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
