use super::*;

#[test]
fn dates_and_references_by_year_are_said_and_numbers_and_codes_are_not() {
    for text in [
        "twilio down 2026-11-22",
        "twilio down since 2026-11-22T10:15:00Z, until 2026-11-23 10:15",
        "from 10:15 2026-11-22 to 10:45:30.250 2026-11-22",
        "invoice 20261122",
        "invoice INV-20261122, of 22.11.2026 or 11/22/2026",
        "(2026-11-22)",
        "invoice 2026-117",
        "2026/11/22: status 503",
        "ord_AgICAgICAgICAgICAgICAgcHBwcHBwcHB12345678",
        "batch 1b4e28ba-2026-1123-8834-0016d3cca427",
        "called 3 times, 120 s each",
    ] {
        assert!(!has_number(text), "{text}");
    }
    for text in [
        "called +919876543210",
        "called +20261122",
        "98765 43210",
        "98 76 54 32 10",
        "9 8 7 6 5 4 3",
        "(415) 555-0123",
        "(415)  555 \u{2013} 0123",
        "0151.234.5678",
        "0151/2345678",
        "code 1234567",
        "20261122 98765",
        "20261122-98765",
        "2026-11-22-98765",
        "2026-11-22 9876543",
        "20269922",
        "18261122",
        "2026-1174",
        "12 20261122",
        "2026-13-22",
        "९८७६५४३२१०",
        "९८७६ ५४३ २१०",
        "\u{ff19}\u{ff18}\u{ff17}\u{ff16}\u{ff15}\u{ff14}\u{ff13}",
        "٩٨٧٦٥٤٣",
        "9\u{fe0f}\u{20e3}8\u{fe0f}\u{20e3}7\u{fe0f}\u{20e3}6\u{fe0f}\u{20e3}5\u{fe0f}\u{20e3}4\u{fe0f}\u{20e3}3",
        "987\u{200b}6543",
    ] {
        assert!(has_number(text), "{text}");
    }
}

#[test]
fn a_run_says_where_it_stands_and_what_is_known_belongs_to_none() {
    let chars: Vec<char> = "to ९८ 76-5, 30008 4".chars().collect();
    let found: Vec<_> = runs(&chars, |part| part.digits == "30008")
        .into_iter()
        .map(|run| (run.range(), run.digits()))
        .collect();
    assert_eq!(found, [(3..10, "98765".to_owned()), (18..19, "4".to_owned())]);
}

#[test]
fn digits_of_every_script_are_known_by_their_value() {
    assert!(ZEROS.is_sorted());
    for (text, value) in [("0٠०০௦０𝟎🯰", '0'), ("9٩९৯௯９𝟗🯹", '9')] {
        assert!(text.chars().all(|char| digit(char) == Some(value)), "{text}");
    }
    assert!("aßक²½①Ⅷ:/ ".chars().all(|char| digit(char).is_none()));
}
