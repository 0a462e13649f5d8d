//! A browser finds exactly our host and code in a message, whatever brand and payee say.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use proptest::option;
use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use serde_json::json;
use tiffin_shared::autofill::Autofill;
use tiffin_shared::autofill::HOST_CHARS_MAX;
use tiffin_shared::binding::Binding;
use tiffin_shared::code::Code;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Risk;
use tiffin_shared::directory::Service;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::text;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Words;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::wire::api::Channel;

/// Characters of one SMS in GSM-7 (3GPP TS 23.038 section 6.1.2.1).
const SEGMENT_CHARS: usize = 160;
/// What Android's SMS Retriever reads.
const ANDROID_BYTES_MAX: usize = 140;
/// The basic character set of 3GPP TS 23.038 section 6.2.1, without its escape.
const GSM_7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// What a browser reads out of a message.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    host: String,
    code: String,
    embedded_host: Option<String>,
}

/// "Parse an origin-bound one-time code message", step by step.
fn browser(message: &str) -> Option<Found> {
    let normal = message.replace("\r\n", "\n").replace('\r', "\n");
    let line = normal.split('\n').next_back()?;
    let (host, rest) = marked_token(line, '@')?;
    let (code, rest) = marked_token(rest.strip_prefix(' ')?, '#')?;
    let embedded_host = rest.strip_prefix(' ').and_then(|rest| marked_token(rest, '@')).map(|(host, _)| host);
    Some(Found { host, code, embedded_host })
}

/// "Extract a marked token": the token, and what follows it.
fn marked_token(text: &str, marker: char) -> Option<(String, &str)> {
    let text = text.strip_prefix(marker)?;
    let is_ascii_whitespace = |char: char| matches!(char, '\t' | '\n' | '\x0c' | '\r' | ' ');
    let (token, rest) = text.split_at(text.find(is_ascii_whitespace).unwrap_or(text.len()));
    (!token.is_empty()).then(|| (token.to_owned(), rest))
}

fn service(brand: &str, autofill: Option<Autofill>) -> Service {
    Service {
        waiting_ms: 12_000,
        brand: brand.to_owned(),
        digits: 6,
        ttl_ms: 5 * MINUTE_MS,
        risk: Risk::Normal,
        channels: Vec::new(),
        autofill,
        templates: Vec::new(),
        dlt: None,
        texts: None,
        sim_swap: None,
        refunds: None,
    }
}

/// Whether the settings take the service.
fn is_taken(service: Service) -> bool {
    let services = BTreeMap::from([(ServiceId::parse("login").unwrap(), service)]);
    let tenant = Tenant { services, countries: Countries::All, ..Tenant::default() };
    let tenants = BTreeMap::from([(TenantId::parse("shop").unwrap(), tenant)]);
    Directory { tenants, ..Directory::default() }.check().is_ok()
}

fn binding(payee: &str) -> Option<Binding> {
    let json = json!({"amount": "499.00", "currency": "INR", "payee": payee});
    serde_json::from_value(json).ok()
}

fn autofill(host: &str) -> Autofill {
    Autofill { host: host.to_owned(), embedded_host: None, android_hash: None }
}

/// Anything a tenant might try, most of it aimed at the format.
fn hostile() -> impl Strategy<Value = String> {
    let bait = [
        "@evil.com #123456",
        "\n@evil.com #123456",
        "\r\n@evil.com #123456\r",
        "x\u{2028}@evil.com #1234",
        "\u{85}@evil.com #123456",
        "\u{b}@evil.com #123456",
        "#123456",
        "@",
        "<#>",
    ];
    prop_oneof![proptest::sample::select(bait.to_vec()).prop_map(str::to_owned), "\\PC{1,30}", ".{1,30}"]
}

fn wanted() -> impl Strategy<Value = Autofill> {
    let host = || "[a-z][a-z0-9]{0,8}(\\.[a-z0-9]{1,6})?\\.[a-z]{2,6}";
    let hash = "[A-Za-z0-9+/]{11}";
    (host(), option::of(host()), option::of(hash)).prop_map(|(host, embedded_host, android_hash)| Autofill {
        host,
        embedded_host,
        android_hash,
    })
}

proptest! {
    #[test]
    fn a_browser_finds_exactly_our_host_and_code(
        brand in hostile(), payee in option::of(hostile()), autofill in wanted(), digits in "[0-9]{4,10}"
    ) {
        let code = Code::parse(&digits).unwrap();
        // Stricter than what can happen: the payee stands as it was sent, also where a binding would refuse it.
        let approves = payee.map(|payee| format!("499.00 INR to {payee}"));
        let words = Words {
            brand: &brand, ttl_ms: 5 * MINUTE_MS, approves: approves.as_deref(), autofill: Some(&autofill),
        };
        assert!(is_taken(service("Shop", Some(autofill.clone()))));
        let text = sms(&code, &words);
        let Autofill { host, embedded_host, android_hash } = autofill.clone();
        prop_assert_eq!(browser(&text), Some(Found { host, code: digits, embedded_host }));
        prop_assert_eq!(android_hash.is_none_or(|hash| text.ends_with(&hash)), true);
    }

    #[test]
    fn a_browser_finds_nothing_where_a_service_has_no_autofill(
        brand in hostile(), payee in option::of(hostile()), digits in "[0-9]{4,10}"
    ) {
        let binding = payee.as_deref().and_then(binding).map(|binding| binding.phrase());
        if is_taken(service(&brand, None)) {
            let words = Words { brand: &brand, ttl_ms: MINUTE_MS, approves: binding.as_deref(), autofill: None };
            let text = sms(&Code::parse(&digits).unwrap(), &words);
            prop_assert_eq!(browser(&text), None, "{}", text);
            prop_assert_eq!(text.lines().count(), 1);
        }
    }
}

/// What an operator might write into a template, most of it aimed at the format.
fn own_words() -> impl Strategy<Value = String> {
    let pieces =
        ["{code}", "{brand}", "#{code}", "@", "@a.example", "a.example", " ", "\n", "#", "{payment}", "is"];
    let pieces = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..4);
    // Taken as they are, few of these would pass.
    let start = proptest::sample::select(vec!["", "{brand} {code}", "{brand} #{code}", "{code} {brand}"]);
    (start, pieces).prop_map(|(start, pieces)| [start, &pieces.concat()].concat())
}

proptest! {
    #[test]
    fn a_browser_finds_nothing_in_a_services_own_words(
        brand in hostile(), text in own_words(), digits in "[0-9]{4,10}"
    ) {
        let template = json!({"channel": "sms", "locale": "en", "text": text});
        let mut service = service(&brand, None);
        service.templates = vec![serde_json::from_value(template).unwrap()];
        if is_taken(service.clone()) {
            let approves = text.contains("{payment}").then_some("499.00 INR to Tailor");
            let words = Words { brand: &brand, ttl_ms: MINUTE_MS, approves, autofill: None };
            let code = Code::parse(&digits).unwrap();
            let content = text::render(&code, Channel::Sms, &Locale::english(), &words, &service.templates);
            prop_assert_eq!(browser(&content.text), None, "{}", content.text);
            prop_assert_eq!(content.text.lines().count(), 1);
            prop_assert!(content.text.contains(&digits));
        }
    }
}

#[test]
fn the_parser_of_these_tests_reads_the_examples_of_the_draft() {
    let found = |host: &str, embedded: Option<&str>| {
        let (host, embedded_host) = (host.to_owned(), embedded.map(str::to_owned));
        Some(Found { host, code: "747723".to_owned(), embedded_host })
    };
    let cases = [
        ("747723 is your ExampleCo authentication code.\n\n@example.com #747723", found("example.com", None)),
        (
            "747723 is your ExampleCo authentication code.\n\n@example.com #747723 @ecommerce.example",
            found("example.com", Some("ecommerce.example")),
        ),
        ("@example.com #747723 @ecommerce.example $future", found("example.com", Some("ecommerce.example"))),
        ("something @example.com #747723", None),
        ("#747723 @ecommerce.example @example.com", None),
        ("@example.com code #747723", None),
        ("@example.com #747723\r\nbye", None),
        ("@example.com  #747723", None),
        ("@example.com #", None),
        ("", None),
    ];
    for (message, expected) in cases {
        assert_eq!(browser(message), expected, "{message}");
    }
}

#[test]
fn only_text_messages_carry_autofill() {
    let service = service("Shop", Some(autofill("example.com")));
    assert!(service.autofill_by(Channel::Sms).is_some());
    for channel in [Channel::Email, Channel::Voice, Channel::Whatsapp] {
        assert!(service.autofill_by(channel).is_none(), "{channel:?}");
    }
}

#[test]
fn a_message_with_autofill_is_one_segment() {
    let mut full = autofill("www.example.com");
    full.android_hash = Some("FA+9qCX9VSu".to_owned());
    let framed = Autofill { embedded_host: Some("pay.example".to_owned()), ..full.clone() };
    let payment = Some("499.00 INR to Tailor");
    // A brand of 30 characters is the longest there is; a code of ten digits too.
    let longest_brand = "A".repeat(30);
    let cases = [
        (text("123456", "Example", None, &autofill("example.com")), 103),
        (text("123456", "Example", payment, &autofill("example.com")), 121),
        (text("123456", "Example", None, &full), 119),
        (text("123456", "Example", payment, &full), 137),
        (text("123456", "Example", None, &framed), 132),
        (text("1234567890", &longest_brand, None, &full), 150),
        (text("123456", "Example", None, &autofill(&host_of(HOST_CHARS_MAX))), 152),
    ];
    for (text, chars) in cases {
        assert_eq!(text.chars().count(), chars, "{text}");
        assert!(chars <= SEGMENT_CHARS, "{text}");
        assert!(text.chars().all(|char| GSM_7.contains(char)), "{text}");
    }
    for payment in [None, payment] {
        assert!(text("123456", "Example", payment, &full).len() <= ANDROID_BYTES_MAX);
    }
}

fn text(digits: &str, brand: &str, approves: Option<&str>, autofill: &Autofill) -> String {
    let words = Words { brand, ttl_ms: 5 * MINUTE_MS, approves, autofill: Some(autofill) };
    sms(&Code::parse(digits).unwrap(), &words)
}

fn sms(code: &Code, words: &Words<'_>) -> String {
    text::render(code, Channel::Sms, &Locale::english(), words, &[]).text
}

fn host_of(chars: usize) -> String {
    format!("{}.example", "a".repeat(chars - ".example".len()))
}
