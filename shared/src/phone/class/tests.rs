use proptest::prelude::*;

use super::*;

fn class(e164: &str) -> Class {
    classify(&Phone::parse(e164).unwrap())
}

fn told(e164: &str) -> (Option<String>, u16, Kind) {
    let class = class(e164);
    (class.country.map(|country| country.to_string()), class.calling_code, class.kind)
}

#[test]
fn well_known_numbers_have_their_country_and_kind() {
    let cases = [
        ("+919876543210", "IN", 91, Kind::Mobile),
        ("+911123456789", "IN", 91, Kind::FixedLine),
        ("+12025550123", "US", 1, Kind::FixedLineOrMobile),
        ("+18765550123", "JM", 1, Kind::Mobile),
        ("+18002345678", "US", 1, Kind::TollFree),
        ("+19002345678", "US", 1, Kind::PremiumRate),
        ("+447400123456", "GB", 44, Kind::Mobile),
        ("+447781123456", "GG", 44, Kind::Mobile),
        ("+447012345678", "GB", 44, Kind::PersonalNumber),
        ("+4918012345", "DE", 49, Kind::SharedCost),
        ("+448431234567", "GB", 44, Kind::PremiumRate),
        ("+390612345678", "IT", 39, Kind::FixedLine),
        ("+390669812345", "VA", 39, Kind::FixedLine),
        ("+77710009998", "KZ", 7, Kind::Mobile),
        ("+79123456789", "RU", 7, Kind::Mobile),
        ("+5491123456789", "AR", 54, Kind::Mobile),
    ];
    for (e164, country, code, kind) in cases {
        assert_eq!(told(e164), (Some(country.to_owned()), code, kind), "{e164}");
    }
}

#[test]
fn codes_of_no_country_have_a_kind_and_no_country() {
    for (e164, code, kind) in [
        ("+80012345678", 800, Kind::TollFree),
        ("+80812345678", 808, Kind::SharedCost),
        ("+979123456789", 979, Kind::PremiumRate),
        ("+870301234567", 870, Kind::Satellite),
        ("+881612345678", 881, Kind::Satellite),
        ("+8821612345678", 882, Kind::Satellite),
        ("+883510012345", 883, Kind::Satellite),
    ] {
        assert_eq!(told(e164), (None, code, kind), "{e164}");
    }
}

#[test]
fn invalid_numbers_name_a_country_only_where_the_calling_code_is_its_own() {
    assert_eq!(told("+910000000000"), (Some("IN".to_owned()), 91, Kind::Invalid));
    assert_eq!(told("+4407400123456"), (None, 44, Kind::Invalid));
    assert_eq!(told("+8810000000"), (None, 881, Kind::Invalid));
    assert_eq!(told("+9991234567"), (None, 0, Kind::Invalid));
    assert_eq!(told("+919876543210999"), (Some("IN".to_owned()), 91, Kind::Invalid));
}

#[test]
fn kinds_are_the_same_in_json_and_in_text() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
    }
    let sent = r#"{"country":"IN","calling_code":91,"kind":"mobile"}"#;
    assert_eq!(serde_json::to_string(&class("+919876543210")).unwrap(), sent);
    assert_eq!(serde_json::from_str::<Class>(sent).unwrap(), class("+919876543210"));
}

#[test]
fn what_pays_its_holder_or_reaches_nobody_is_denied_by_default() {
    let allowed: Vec<_> = Kind::ALL.into_iter().filter(|kind| !kind.is_denied_by_default()).collect();
    let people = [Kind::Mobile, Kind::FixedLine, Kind::FixedLineOrMobile, Kind::TollFree, Kind::Voip];
    assert_eq!(allowed, people);
}

#[test]
fn the_table_has_the_layout_that_is_read() {
    assert_eq!(Table(TABLE).word(0), Some(table::FORMAT));
    assert!(TABLE.len().is_multiple_of(2) && metadata_version()[0] >= 9);
}

proptest! {
    #[test]
    fn any_number_has_a_class(digits in "[1-9][0-9]{6,14}") {
        let class = class(&format!("+{digits}"));
        prop_assert!(class.kind == Kind::Invalid || class.calling_code > 0);
        prop_assert!(class.calling_code == 0 || digits.starts_with(&class.calling_code.to_string()));
    }

    #[test]
    fn no_table_makes_it_panic_or_hang(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        digits in "\\PC{0,20}",
        number in "[0-9]{7,15}",
    ) {
        Table(&bytes).classify(&digits);
        Table(&bytes).classify(&number);
    }

    #[test]
    fn no_damage_to_the_table_makes_it_panic_or_hang(
        at in any::<prop::sample::Index>(),
        patch in prop::collection::vec(any::<u8>(), 1..64),
        cut in any::<prop::sample::Index>(),
        number in "[1-9][0-9]{6,14}",
    ) {
        let mut bytes = TABLE.to_vec();
        let from = at.index(bytes.len());
        for (byte, new) in bytes.iter_mut().skip(from).zip(patch) {
            *byte = new;
        }
        Table(&bytes).classify(&number);
        bytes.truncate(cut.index(bytes.len()));
        Table(&bytes).classify(&number);
    }
}
