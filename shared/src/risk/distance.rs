//! How far two countries are apart, at least.
//!
//! `discs.txt` covers each country with one to six discs: `code (latitude longitude radius)…`, in tenths of a degree and tens of
//! kilometres. Every point of the country (coast, border, and land at whole degrees, from Natural Earth 1:50m, public domain) is
//! inside one, with 25 km to spare. So a distance between discs is never more than the one between countries, and neighbours
//! are at distance 0. Islands and exclaves that have a code of their own have discs of their own.

use std::f64::consts::FRAC_PI_2;

use crate::country::Country;

const DISCS: &str = include_str!("discs.txt");
const EARTH_KM: f64 = 6_371.0;

/// A cap of the sphere.
struct Disc {
    latitude: f64,
    longitude: f64,
    radius_km: f64,
}

/// Kilometres between the nearest points of two countries, rather less than more; 0 for neighbours. `None` when one of them
/// is not on the map.
pub fn gap_km(one: Country, other: Country) -> Option<u32> {
    let others: Vec<_> = discs(other)?.collect();
    let mut gap_km = f64::INFINITY;
    for disc in discs(one)? {
        for other in &others {
            gap_km = gap_km.min(disc.gap_km(other));
        }
    }
    // At most half of the earth's circumference; a cast from f64 saturates.
    gap_km.is_finite().then_some(gap_km.max(0.0) as u32)
}

/// Whether the map has it. It has neither `EU` nor `AP`, nor the codes that nobody was given.
pub(super) fn is_known(country: Country) -> bool {
    discs(country).is_some()
}

fn discs(country: Country) -> Option<impl Iterator<Item = Disc>> {
    let row = DISCS.lines().find_map(|line| line.strip_prefix(country.as_str()))?;
    let mut numbers = row.split_ascii_whitespace().filter_map(|number| number.parse::<i16>().ok());
    Some(std::iter::from_fn(move || {
        let (latitude, longitude, radius) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let radians = |tenths: i16| (f64::from(tenths) / 10.0).to_radians();
        Some(Disc {
            latitude: radians(latitude),
            longitude: radians(longitude),
            radius_km: f64::from(radius) * 10.0,
        })
    }))
}

impl Disc {
    fn gap_km(&self, other: &Self) -> f64 {
        let poles = sin(self.latitude) * sin(other.latitude);
        let equator = cos(self.latitude) * cos(other.latitude) * cos(self.longitude - other.longitude);
        EARTH_KM * acos(poles + equator) - self.radius_km - other.radius_km
    }
}

/// Sine within ±π/2, by its series up to x⁹: off by less than 4·10⁻⁶, some 30 m. Our own, because the standard library's brings
/// kilobytes to the wasm and says that its last bits may differ between hosts.
fn sin(x: f64) -> f64 {
    let square = x * x;
    let inner = 1.0 - square / 42.0 * (1.0 - square / 72.0);
    x * (1.0 - square / 6.0 * (1.0 - square / 20.0 * inner))
}

/// Cosine within ±2π.
fn cos(x: f64) -> f64 {
    let x = x.abs();
    sin(FRAC_PI_2 - if x > 2.0 * FRAC_PI_2 { 4.0 * FRAC_PI_2 - x } else { x })
}

/// Abramowitz and Stegun 4.4.45: off by less than 7·10⁻⁵, some 430 m.
fn acos(x: f64) -> f64 {
    let positive = x.abs().min(1.0);
    let series = 1.570_728_8 + positive * (-0.212_114_4 + positive * (0.074_261_0 - positive * 0.018_729_3));
    let angle = (1.0 - positive).sqrt() * series;
    if x < 0.0 { 2.0 * FRAC_PI_2 - angle } else { angle }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn gap(pair: &str) -> u32 {
        let (one, other) = pair.split_once('-').unwrap();
        let country = |name| Country::parse(name).unwrap();
        let gap = gap_km(country(one), country(other)).unwrap();
        assert_eq!(gap_km(country(other), country(one)), Some(gap), "{pair}");
        gap
    }

    #[test]
    fn the_functions_are_those_of_the_standard_library() {
        for step in -1_000..=1_000 {
            let turn = f64::from(step) / 1_000.0;
            let quarter = turn * FRAC_PI_2;
            assert!((sin(quarter) - quarter.sin()).abs() < 4e-6, "sin {quarter}");
            assert!((cos(turn * TAU) - (turn * TAU).cos()).abs() < 4e-6, "cos {turn}");
            assert!((acos(turn) - turn.acos()).abs() < 7e-5, "acos {turn}");
        }
    }

    #[test]
    fn every_row_of_the_map_is_a_country_with_whole_discs() {
        let rows: Vec<_> = DISCS.lines().collect();
        assert!(rows.len() > 240 && rows.is_sorted() && rows.iter().all(|row| row.is_ascii()));
        for row in rows {
            let (name, numbers) = row.split_once(' ').unwrap();
            let numbers: Vec<i16> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
            assert!(numbers.len().is_multiple_of(3) && numbers.len() <= 18, "{row}");
            for disc in numbers.chunks(3) {
                let fits = disc[0].abs() <= 900 && disc[1].abs() <= 1_800 && (3..200).contains(&disc[2]);
                assert!(fits, "{row}");
            }
            let country = Country::parse(name).unwrap();
            assert_eq!(gap_km(country, country), Some(0), "{row}");
        }
        for name in ["EU", "AP", "ZZ", "XX", "AA"] {
            assert!(!is_known(Country::parse(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn neighbours_are_never_apart() {
        let pairs = "AD-ES AD-FR AE-OM AE-SA AF-CN AR-CL AR-BR AT-CH AT-DE AT-SI BD-IN BE-NL BG-TR BR-GF BR-PE BW-ZM CA-US CD-ZM \
            CH-DE CH-FR CL-PE CN-HK CN-IN CN-KP CN-KZ CN-MN CN-RU CN-VN CO-PA CZ-PL DE-DK DE-FR DE-PL DK-SE DO-HT DZ-MA DZ-ML \
            EE-RU EG-IL EG-SD EH-MA ES-GI ES-MA ES-PT ET-KE FI-NO FI-RU FI-SE FR-IT FR-MC GB-IE GE-RU GR-TR HK-MO \
            ID-MY ID-PG ID-TL IN-LK IN-NP IN-PK IQ-IR IT-MT IT-SM IT-VA JO-SA KG-UZ KR-KP KZ-RU LA-TH LS-ZA LT-RU LY-TD \
            MF-SX ML-NE MM-TH MX-US MX-GT MY-SG MY-TH NG-NE NO-RU PL-RU PL-UA PR-VI QA-SA RO-MD RS-XK RU-UA RU-US SN-GM SY-TR \
            TJ-CN TR-IR TZ-UG BH-SA YE-OM ZA-ZW CD-AO";
        let apart: Vec<_> = pairs.split_ascii_whitespace().filter(|pair| gap(pair) > 0).collect();
        assert!(apart.is_empty(), "{apart:?}");
    }

    #[test]
    fn distances_are_a_little_less_than_on_the_map() {
        // The nearest points, in kilometres, from below and above.
        let table = [
            ("IN-US", 5_000, 8_500),
            ("GB-US", 2_000, 5_000),
            ("IN-DE", 3_500, 5_500),
            ("AU-ID", 0, 700),
            ("NZ-ES", 14_000, 20_000),
            ("BR-PT", 2_000, 6_000),
            ("JP-US", 500, 3_500),
            ("FJ-WS", 0, 1_000),
            ("NG-IN", 5_000, 7_500),
            ("CH-NL", 0, 400),
        ];
        for (pair, least, most) in table {
            let gap_km = gap(pair);
            assert!((least..=most).contains(&gap_km), "{pair} {gap_km}");
        }
    }
}
