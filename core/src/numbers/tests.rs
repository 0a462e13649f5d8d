use proptest::prop_assert_eq;
use proptest::proptest;

use super::*;

fn read_in(text: &str, country: &str) -> Result<(String, Option<String>), Error> {
    let country = (!country.is_empty()).then(|| Country::parse(country).unwrap());
    read(text, country).map(|read| (read.phone.e164().to_owned(), read.extension))
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let cases = [
        ("098765 43210", "IN", "+919876543210", None),
        ("98765-43210", "IN", "+919876543210", None),
        ("+91 98765 43210", "", "+919876543210", None),
        ("+91 (0)98765 43210", "", "+919876543210", None),
        ("0091 98765 43210", "", "+919876543210", None),
        ("0091 98765 43210", "DE", "+919876543210", None),
        ("00 91 98765 43210", "IN", "+919876543210", None),
        ("011 91 98765 43210", "US", "+919876543210", None),
        ("(415) 555-2671", "US", "+14155552671", None),
        ("(415) 555-2671 ext. 5", "US", "+14155552671", Some("5")),
        ("+1 415-555-2671 x12", "", "+14155552671", Some("12")),
        ("tel:+1-415-555-2671", "", "+14155552671", None),
        ("tel:+1-415-555-2671;ext=7", "", "+14155552671", Some("7")),
        ("tel:415-555-2671;phone-context=+1", "", "+14155552671", None),
        ("＋９１９８７６５４３２１０", "", "+919876543210", None),
        ("０９８７６５４３２１０", "IN", "+919876543210", None),
        ("९८७६५४३२१०", "IN", "+919876543210", None),
        ("٠١٠٠١٢٣٤٥٦٧", "EG", "+201001234567", None),
        ("  020 7946 0958\n", "GB", "+442079460958", None),
        ("02 1234 5678", "IT", "+390212345678", None),
        ("+390212345678", "", "+390212345678", None),
    ];
    for (text, country, e164, extension) in cases {
        let expected = Ok((e164.to_owned(), extension.map(str::to_owned)));
        assert_eq!(read_in(text, country), expected, "{text} in {country}");
    }
}

#[test]
fn what_is_no_number_says_why() {
    let cases = [
        ("098765 43210", "", Error::Country),
        ("98765 43210", "ZZ", Error::CountryCode),
        ("+999 98765 43210", "", Error::CountryCode),
        ("", "IN", Error::NotANumber),
        ("call me", "IN", Error::NotANumber),
        ("1", "IN", Error::NotANumber),
        ("+91 9", "", Error::Short),
        ("+1 415 555 2671 2671 2671 2671", "", Error::Long),
        (&"9".repeat(251), "IN", Error::NotANumber),
    ];
    for (text, country, error) in cases {
        assert_eq!(read_in(text, country), Err(error), "{text} in {country}");
    }
}

proptest! {
    #[test]
    fn what_is_e164_already_stays_as_it_is(text in "\\+[0-9]{5,17}", country in "[A-Z]{2}") {
        if let Ok(phone) = Phone::parse(&text) {
            let read = read(&text, Some(Country::parse(&country).unwrap()));
            prop_assert_eq!(read, Ok(Read { phone, extension: None }));
        }
    }

    #[test]
    fn what_is_read_is_e164_and_spaces_change_nothing(digits in "[6-9][0-9]{9}", at in 0..10_usize) {
        let expected = read_in(&digits, "IN");
        prop_assert_eq!(&expected, &Ok((format!("+91{digits}"), None)));
        let (front, back) = digits.split_at(at);
        prop_assert_eq!(read_in(&format!(" 0{front} {back} "), "IN"), expected);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}", country in "[A-Z]{2}") {
        if let Ok((e164, _)) = read_in(&text, &country) {
            prop_assert_eq!(Phone::parse(&e164).map(|phone| phone.e164().to_owned()), Ok(e164));
        }
    }
}
