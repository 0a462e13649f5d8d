use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::proptest;
use serde_json::json;

use super::*;

const NOW: UnixMs = UnixMs(1_795_314_159_000);
const CODE: &str = "314159";
const NUMBER: &str = "+919876543210";
const EMAIL: &str = "Asha.Rao+shop@example.com";
const SECRET: &str = "s3cr3t/of=the account";

fn phone() -> Phone {
    Phone::parse(NUMBER).unwrap()
}

fn redactor<'a>(code: &'a str, phone: &'a Phone) -> Redactor<'a> {
    Redactor::new(Known {
        code: Some(code),
        phone: Some(phone),
        email: Some(EMAIL),
        secrets: vec![SECRET.into(), "abc".into()],
        plain: vec!["+15005550006".into(), "ord_x.1".into()],
        now: NOW,
    })
}

fn own(text: &str) -> String {
    redactor(CODE, &phone())
        .body(text.as_bytes(), Trust::Own, 10_000)
        .map(|text| text.text)
        .unwrap_or_default()
}

fn others(text: &str) -> String {
    let known = Known {
        code: None,
        phone: None,
        email: None,
        secrets: Vec::new(),
        plain: vec!["7700900123456".into(), "30008".into()],
        now: NOW,
    };
    let text = Redactor::new(known).body(text.as_bytes(), Trust::Others, 10_000);
    text.map(|text| text.text).unwrap_or_default()
}

#[test]
fn a_value_is_taken_out_in_every_spelling() {
    let (base64, hex) = ("MzE0MTU5IGlzIHlvdXIgY29kZQ==", "333134313539");
    let cases = [
        "314159 is your code",
        "code=314159",
        "3 1 4 1 5 9",
        "3, 1, 4, 1, 5, 9",
        "314-159",
        "G-314159",
        "is%20314159",
        "your+code%3A+314159+",
        base64,
        hex,
        "00330031003400310035 0039",
        "+919876543210",
        "919876543210",
        "00919876543210",
        "9876543210",
        "09876543210",
        "+91 98765 43210",
        "९१ ९८७६५ ४३२१०",
        "+91-98765-43210",
        "(98765) 43210",
        "%2B919876543210",
        "KzkxOTg3NjU0MzIxMA",
        "Asha.Rao+shop@example.com",
        "asha.rao+shop@EXAMPLE.com",
        "Asha.Rao%2Bshop%40example.com",
        "s3cr3t/of=the account",
        "s3cr3t%2Fof%3Dthe%20account",
        "czNjcjN0L29mPXRoZSBhY2NvdW50",
    ];
    for text in cases {
        for whole in
            [text.to_owned(), json!({"echo": text}).to_string(), json!([[{"a": {"b": text}}]]).to_string()]
        {
            let told = own(&whole).to_lowercase();
            let digits: String = told.chars().filter_map(tiffin_shared::text::note::digit).collect();
            for secret in [CODE, "9876543210", "333134313539"] {
                assert!(!digits.contains(secret), "{whole}: {told}");
            }
            for secret in ["asha", "s3cr3t", "mze0mtu5", "kzkxotg3", "czncjn0"] {
                assert!(!told.contains(secret), "{whole}: {told}");
            }
        }
    }
}

#[test]
fn what_tells_something_stays() {
    let cases = [
        r#"{"date_created":"Sat, 21 Nov 2026 10:02:39 +0000","sid":"SM00000000000000000000000000003141"}"#,
        r#"{"error_code":30008,"status":"undelivered"}"#,
        r#"{"from":"+15005550006","price":"0.00750"}"#,
        r#"{"timestamp":1795314150}"#,
        r#"{"ref":"ord_x.1"}"#,
        r#"{"api_version":"2010-04-01","num_segments":"1"}"#,
        r#"{"SignatureVersion":"2"}"#,
    ];
    for text in cases {
        assert_eq!(own(text), serde_json::from_str::<serde_json::Value>(text).unwrap().to_string());
    }
}

/// A year, a status or an id that holds the same digits would tell the code by being taken out, and so would a time.
#[test]
fn a_code_of_four_digits_is_found_where_it_stands_alone_and_not_in_times_and_ids() {
    let phone = phone();
    let told = |text: &str| redactor("2026", &phone).body(text.as_bytes(), Trust::Own, 999).unwrap().text;
    assert_eq!(told(r#"{"body":"Your code is 2026."}"#), r#"{"body":"Your code is 0000."}"#);
    assert_eq!(told(r#"{"pin":2026}"#), r#"{"pin":"[removed]"}"#);
    assert_eq!(told(r#"{"n":2026}"#), r#"{"n":"0000"}"#);
    for kept in [r#"{"at":"2026-11-21T10:02:39Z"}"#, r#"{"id":"SM2026abc"}"#, r#"{"id":"20261"}"#] {
        assert_eq!(told(kept), kept);
    }
}

#[test]
fn of_others_nothing_is_left_that_could_be_a_number_a_mailbox_or_a_code() {
    let told = others(
        r#"{"to":"447700900123","text":"314159 is your code","id":"7700900123456","at":1795314150000,"err":"30008",
            "note":"sent 482910 to 4477 or a@b.example, 30008","sig":"x","code_entered":"1234","scts":"2611221002"}"#,
    );
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let expected = json!({
        "to": "447•••••0123", "text": "[removed]", "id": "7700900123456", "at": 1_795_314_150_000_u64, "err": "30008",
        "note": "sent 000000 to 0000 or a•••@b.example, 30008", "sig": "[removed]", "code_entered": "[removed]",
        "scts": "2611221002",
    });
    assert_eq!(told, expected);
    assert_eq!(others("msisdn=447700900123&status=delivered"), "msisdn=447•••••0123\nstatus=delivered");
}

#[test]
fn of_what_a_person_writes_no_number_and_no_code_stays_whatever_its_script_and_gaps() {
    let told = |text: &str| redactor("000000", &phone()).words(text);
    for (text, expected) in [
        ("98 76 54 32 11", "00 00 00 00 00"),
        ("it said 4 8 2 9 1 3", "it said 0 0 0 0 0 0"),
        ("नंबर ९८७६५४३२११", "नंबर 0000000000"),
        ("९८७६ ५४३ २११", "0000 000 000"),
        ("कोड ४८२९१३", "कोड 000000"),
        ("४८२९१३", "000000"),
        ("482913", "000000"),
        ("482-913", "000-000"),
        ("call (0151)/234.56\u{2013}78", "call (015••••5678"),
        ("call98 76 54 32 11", "call98 00 00 00 00"),
        ("9876543211 9876543212", "987•••••••••••••3212"),
        (
            "9\u{fe0f}\u{20e3}8\u{fe0f}\u{20e3}7\u{fe0f}\u{20e3}6\u{fe0f}\u{20e3}",
            "0\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}",
        ),
    ] {
        assert_eq!(told(text), expected);
    }
    for text in [
        "On 2026-11-22 at 10:15 nothing came; ticket 2026-117, status 503, since 22.11.2026.",
        "2026-11-22T10:15:00.123Z",
        "batch 1b4e28ba-2026-1123-8834-0016d3cca427",
        "ord_x.1",
    ] {
        assert_eq!(told(text), text);
    }
}

#[test]
fn a_secret_is_not_cut_in_half() {
    let text = format!("{}{CODE}", "x ".repeat(20));
    let kept = redactor(CODE, &phone()).body(text.as_bytes(), Trust::Own, 43).unwrap();
    assert!(kept.is_cut && !kept.text.contains("314"), "{kept:?}");
}

proptest! {
    /// Wherever they stand, in whatever structure.
    #[test]
    fn no_value_survives_anywhere(
        code in "[0-9]{6,10}",
        number in "[1-9][0-9]{9,12}",
        before in "[ -~]{0,24}",
        after in "[ -~]{0,24}",
        spelling in 0..6_u8,
        depth in 0..5_usize,
        names in prop::collection::vec("[a-z_]{1,12}", 5),
        is_code in any::<bool>(),
    ) {
        let phone = Phone::parse(&format!("+{number}")).unwrap();
        let value = if is_code { code.clone() } else { number.clone() };
        // What stands next to it must not make it part of a longer number.
        let before = format!("{before}:");
        let after = format!(" {after}");
        let spelled = match spelling {
            0 => value.clone(),
            1 => value.chars().map(|digit| format!("{digit} ")).collect(),
            2 => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
            3 => tiffin_shared::bytes::encode(value.as_bytes()),
            4 => value.bytes().map(|byte| format!("{byte:02x}")).collect(),
            _ => format!("\"{value}\""),
        };
        let mut json = json!(format!("{before}{spelled}{after}"));
        for name in names.iter().take(depth) {
            json = json!({ name.as_str(): [json] });
        }
        let redactor = redactor(&code, &phone);
        let told = redactor.body(json.to_string().as_bytes(), Trust::Own, 100_000).unwrap().text;
        proptest::prop_assert!(!told.contains(&value), "{told}");
        proptest::prop_assert!(spelling == 2 || spelling == 5 || spelling == 0 || !told.contains(&spelled), "{told}");
    }
}
