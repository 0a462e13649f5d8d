//! Geo anomalies raise the tier, never block by themselves, and leave people alone who travel, roam, commute or use a VPN.

use std::collections::BTreeSet;

use tiffin_shared::country::Country;
use tiffin_shared::directory::Risk;
use tiffin_shared::risk::Factor;
use tiffin_shared::risk::Factors;
use tiffin_shared::risk::GeoMode;
use tiffin_shared::risk::GeoPolicy;
use tiffin_shared::risk::Origin;
use tiffin_shared::risk::Places;
use tiffin_shared::risk::Sighting;
use tiffin_shared::risk::Tier;
use tiffin_shared::risk::geo;
use tiffin_shared::risk::tier;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;

use crate::common::fixtures::START;

fn country(name: &str) -> Country {
    Country::parse(name).unwrap()
}

/// `history`: countries and how long ago a code was verified there, longest ago first. `-` is a number without a country, or a
/// host that cannot ask.
fn look(number: &str, origin: &str, history: &[(&str, u64)], policy: &GeoPolicy) -> Factors {
    let mut places = Places::default();
    for (name, ago_ms) in history {
        places.note(country(name), START.minus(*ago_ms));
    }
    let number = (number != "-").then(|| country(number));
    let origin = (origin != "-").then(|| Origin::parse(origin));
    geo(&Sighting { number, origin, places: &places }, policy, START)
}

fn names(factors: Factors) -> String {
    serde_json::to_string(&factors).unwrap().replace(['[', ']', '"'], "")
}

type Row<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, u64)], &'a str, Tier);

fn check(rows: &[Row<'_>]) {
    for (who, number, origin, history, factors, expected) in rows {
        let policy = GeoPolicy::default();
        let found = look(number, origin, history, &policy);
        assert_eq!(names(found), *factors, "{who}");
        assert_eq!(policy.tier(found, Risk::Normal), *expected, "{who}");
    }
}

#[test]
fn the_matrix_of_number_origin_and_history() {
    let (far, near) = (HOUR_MS, DAY_MS);
    check(&[
        ("at home", "IN", "IN", &[], "", Tier::Normal),
        ("at home, known", "IN", "IN", &[("IN", far)], "", Tier::Normal),
        ("abroad, no history", "IN", "US", &[], "country_mismatch", Tier::Elevated),
        ("abroad, new", "IN", "US", &[("IN", near)], "country_mismatch,new_country", Tier::Elevated),
        ("abroad, known", "IN", "US", &[("US", near)], "", Tier::Normal),
        ("abroad, forgotten", "IN", "US", &[("US", 30 * DAY_MS)], "country_mismatch", Tier::Elevated),
        (
            "too fast",
            "IN",
            "US",
            &[("DE", far)],
            "country_mismatch,impossible_travel,new_country",
            Tier::High,
        ),
        ("too fast, known", "IN", "US", &[("US", near), ("DE", far)], "impossible_travel", Tier::Elevated),
        ("in time", "IN", "US", &[("US", 2 * DAY_MS), ("DE", near)], "", Tier::Normal),
        ("tor", "IN", "T1", &[("IN", far)], "tor", Tier::Elevated),
        ("unknown", "IN", "XX", &[("IN", far)], "unknown_country", Tier::Elevated),
        ("a region", "IN", "EU", &[], "unknown_country", Tier::Elevated),
        ("nonsense", "IN", "in", &[], "unknown_country", Tier::Elevated),
        ("a server's request", "IN", "-", &[("DE", far)], "", Tier::Normal),
        ("no number, no history", "-", "US", &[], "", Tier::Normal),
        ("no number, new", "-", "US", &[("CA", near)], "new_country", Tier::Elevated),
        ("no number, tor", "-", "T1", &[], "tor", Tier::Elevated),
    ]);
}

#[test]
fn roamers_commuters_and_vpn_users_meet_a_challenge_at_most() {
    let minute = MINUTE_MS;
    check(&[
        (
            "hotel Wi-Fi after home-routed data",
            "IN",
            "US",
            &[("IN", minute)],
            "country_mismatch,new_country",
            Tier::Elevated,
        ),
        ("home-routed data after hotel Wi-Fi", "IN", "IN", &[("US", minute)], "", Tier::Normal),
        ("to and fro, known", "IN", "US", &[("US", HOUR_MS), ("IN", minute)], "", Tier::Normal),
        (
            "over the border, first time",
            "FR",
            "CH",
            &[("FR", minute)],
            "country_mismatch,new_country",
            Tier::Elevated,
        ),
        ("over the border, daily", "FR", "CH", &[("CH", DAY_MS), ("FR", minute)], "", Tier::Normal),
        ("a foreign mast next door", "IN", "DE", &[("DE", DAY_MS), ("AT", minute)], "", Tier::Normal),
        (
            "across two near borders",
            "IN",
            "BE",
            &[("NL", minute)],
            "country_mismatch,new_country",
            Tier::Elevated,
        ),
        ("a VPN, second time", "DE", "NL", &[("NL", DAY_MS), ("DE", minute)], "", Tier::Normal),
        ("a VPN off again", "DE", "DE", &[("US", minute)], "", Tier::Normal),
        (
            "a VPN hops between known exits",
            "DE",
            "US",
            &[("US", DAY_MS), ("NL", minute)],
            "impossible_travel",
            Tier::Elevated,
        ),
        ("an expatriate", "PL", "GB", &[("GB", 29 * DAY_MS)], "", Tier::Normal),
        ("one numbering plan", "GB", "JE", &[], "", Tier::Normal),
        ("an overseas territory", "FR", "RE", &[("FR", minute)], "", Tier::Normal),
        ("a state far away", "US", "PR", &[("US", minute)], "", Tier::Normal),
    ]);
    let company = GeoPolicy { familiar: vec![country("NL")], ..GeoPolicy::default() };
    assert!(look("IN", "NL", &[("IN", minute)], &company).is_empty(), "the company's VPN");
    let known = [("US", DAY_MS), ("NL", minute)];
    assert!(look("IN", "US", &known, &company).is_empty(), "off the company's VPN");
}

#[test]
fn travel_is_possible_again_to_the_millisecond() {
    let policy = GeoPolicy::default();
    let gap_km = tiffin_shared::risk::gap_km(country("DE"), country("US")).unwrap();
    let flight_ms = u64::from(gap_km) * HOUR_MS / 1_000;
    let fast = |ago_ms| look("IN", "US", &[("US", 9 * DAY_MS), ("DE", ago_ms)], &policy);
    assert!(fast(flight_ms - 1).contains(Factor::ImpossibleTravel));
    assert!(fast(flight_ms).is_empty());
    let slower = GeoPolicy { speed_kmh: 900, ..policy };
    assert!(!look("IN", "US", &[("US", 9 * DAY_MS), ("DE", flight_ms)], &slower).is_empty());
    assert!(GeoPolicy { speed_kmh: 899, ..slower }.check().is_err());
}

#[test]
fn only_enforcing_counts_and_off_looks_for_nothing() {
    let of = |mode| GeoPolicy { mode, ..GeoPolicy::default() };
    let look = |mode| look("IN", "T1", &[], &of(mode));
    assert!(look(GeoMode::Off).is_empty());
    assert_eq!(names(look(GeoMode::RecordOnly)), "tor");
    let mut factors = look(GeoMode::RecordOnly);
    assert_eq!(of(GeoMode::RecordOnly).tier(factors, Risk::Normal), Tier::Normal);
    assert_eq!(of(GeoMode::RecordOnly).tier(factors, Risk::High), Tier::High);
    factors.insert(Factor::PrefixSuspicious);
    factors.insert(Factor::Payment);
    assert_eq!(of(GeoMode::RecordOnly).tier(factors, Risk::Normal), Tier::High, "the others count");
    assert_eq!(serde_json::from_str::<GeoPolicy>("{}").unwrap(), of(GeoMode::Enforce));
}

#[test]
fn the_tier_of_every_set_of_factors_is_monotone_and_none_refuses() {
    let sets = |bits: u32| -> Factors {
        let chosen = Factor::ALL.iter().zip(0..).filter(|(_, nth)| bits & (1 << nth) != 0);
        chosen.map(|(factor, _)| *factor).collect()
    };
    for bits in 0..1_u32 << Factor::ALL.len() {
        let set = sets(bits);
        let normal = tier(set, Risk::Normal);
        assert_eq!(tier(set, Risk::High), Tier::High);
        for factor in Factor::ALL {
            let more = set.union(Factors::from_iter([*factor]));
            assert!(tier(more, Risk::Normal) >= normal, "{set:?} and {factor:?}");
        }
        let only = |allowed: &[Factor]| set.iter().all(|factor| allowed.contains(&factor));
        assert!(!set.is_empty() || normal == Tier::Normal);
        assert!(!only(&[Factor::Payment]) || normal == Tier::Normal);
        assert!(!only(&[Factor::Tor, Factor::CountryMismatch]) || normal < Tier::High);
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Factors>(&text).unwrap(), set);
    }
    let all: Vec<_> = Factor::ALL.iter().map(|factor| factor.as_str()).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert!(all.is_sorted(), "{all:?}");
    assert_eq!(
        serde_json::from_str::<Factors>(r#"["tor","moon_phase"]"#).unwrap(),
        Factors::from_iter([Factor::Tor])
    );
}

#[test]
fn every_single_factor_and_the_pairs_that_take_sms_away_are_as_documented() {
    let single = |factor: Factor| tier(Factors::from_iter([factor]), Risk::Normal);
    for factor in Factor::ALL {
        let expected = if *factor == Factor::Payment { Tier::Normal } else { Tier::Elevated };
        assert_eq!(single(*factor), expected, "{factor:?}");
    }
    let strong = [
        Factor::CountrySuspicious,
        Factor::ImpossibleTravel,
        Factor::Payment,
        Factor::PrefixSuspicious,
        Factor::Tor,
    ];
    for one in Factor::ALL {
        for other in Factor::ALL.iter().filter(|other| *other != one) {
            let both = tier(Factors::from_iter([*one, *other]), Risk::Normal);
            let expected = strong.contains(one) && strong.contains(other);
            assert_eq!(both == Tier::High, expected, "{one:?} {other:?}");
        }
    }
}
