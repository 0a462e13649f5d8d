use proptest::prelude::prop;
use proptest::proptest;
use tiffin_shared::text::note::digit;

use super::*;

const NOW: UnixMs = UnixMs(1_795_314_159_000);

fn kept(text: &str) -> Result<String, Problem> {
    said("reason", text, 280, NOW)
}

#[test]
fn a_code_becomes_zeros_and_the_sentence_stays() {
    for (text, expected) in [
        ("user says code 889464 does not work", "user says code 000000 does not work"),
        ("code 8894, then 889 464", "code 0000, then 000 000"),
        ("कोड ८८९४६४ गलत है", "कोड 000000 गलत है"),
        ("asked by asha@example.com", "asked by a•••@example.com"),
    ] {
        assert_eq!(kept(text).unwrap(), expected);
    }
    for text in [
        "says that nothing came",
        "down 2026-11-22 from 10:15 to 10:45, status 503, 3 of 120 calls",
        "invoice 20261122, of 2026-117; case INC48213",
        "ord_AgICAgICAgICAgICAgICAgcHBwcHBwcHB12345678",
        "line\nby line",
    ] {
        assert_eq!(kept(text).unwrap(), text);
    }
    for text in ["", "a\u{7}b", "called +919876543210", "९८७६५४३२१०", "code 1234567"] {
        assert!(kept(text).is_err(), "{text}");
    }
    assert!(kept(&"x".repeat(281)).is_err());
}

#[test]
fn a_name_is_kept_as_it_is_or_refused() {
    for name in ["ravi", "asha@example.com", "shift 2"] {
        assert_eq!(named("owner", name.to_owned(), 64).unwrap(), name);
    }
    for name in ["", "889464", "८८९४", "call 98765 43210"] {
        assert!(named("owner", name.to_owned(), 64).is_err(), "{name}");
    }
}

/// The zeros of every script that has digits.
fn zeros() -> Vec<char> {
    (0..=0x1_ffff).filter_map(char::from_u32).filter(|char| digit(*char) == Some('0')).collect()
}

proptest! {
    /// Whatever the script, the words around it and the gaps in it.
    #[test]
    fn no_code_is_kept(
        code in "[1-9]{4,10}",
        script in prop::sample::select(zeros()),
        before in "([a-zß-öक-ह]{1,9}[ :#(=-]{1,2}){0,3}",
        after in "([ .,;!?)][a-zß-öक-ह]{1,9}){0,3}",
        gap in prop::sample::select(vec!["", " ", "-", ".", "\u{a0}", "\u{200b}", "\u{2013}"]),
    ) {
        let spelled: Vec<String> = code
            .chars()
            .map(|char| char.to_digit(10).and_then(|n| char::from_u32(u32::from(script) + n)).unwrap().to_string())
            .collect();
        let text = format!("{before}{}{after}", spelled.join(gap));
        if let Ok(kept) = kept(&text) {
            let digits: String = kept.chars().filter_map(digit).collect();
            proptest::prop_assert!(!digits.contains(|digit| digit != '0'), "{text}: {kept}");
        }
    }
}
