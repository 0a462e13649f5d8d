//! What a refusal says: never what was sent.

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::proptest;
use proptest::sample::select;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Turn;

use super::APP;
use super::SECRET;
use super::begin;
use super::call;
use super::directory;
use super::front;
use super::replied;
use crate::common;

/// Stands in what is sent, and nowhere else.
const MARK: &str = "919876500011";
/// Every place of a body where something else can stand, as JSON pointers. What ends in `/*` is a field that nobody knows.
const PLACES: [&str; 30] = [
    "",
    "/*",
    "/to",
    "/to/*",
    "/to/phone",
    "/to/email",
    "/service",
    "/channel",
    "/locale",
    "/risk",
    "/binding",
    "/binding/*",
    "/binding/amount",
    "/binding/currency",
    "/binding/payee",
    "/client",
    "/client/*",
    "/client/ip",
    "/client/country",
    "/client_ref",
    "/metadata",
    "/metadata/*",
    "/max_price",
    "/max_price/*",
    "/max_price/amount_micros",
    "/max_price/currency",
    "/quote",
    "/code",
    "/challenge",
    "/metadata/plan",
];

fn full() -> Value {
    json!({
        "to": {"phone": "+919876543210", "email": "u@example.com"}, "service": "login", "channel": "sms",
        "locale": "pt-BR", "risk": "high", "binding": {"amount": "499.00", "currency": "INR", "payee": "Shop"},
        "client": {"ip": "192.0.2.1", "country": "IN"}, "client_ref": "cart-7", "metadata": {"plan": "gold"},
        "max_price": {"amount_micros": 1, "currency": "USD"}, "quote": "quo_1", "code": "123456", "challenge": "x",
    })
}

/// Values of every type, with the mark in each.
fn sent() -> impl Strategy<Value = Value> {
    let number: u64 = MARK.parse().unwrap();
    let words = [
        format!("+{MARK}"),
        MARK.to_owned(),
        format!("`{MARK}`, expected {MARK}"),
        format!("{MARK}, expected"),
        format!("missing field `{MARK}`"),
        format!("\u{202e}{MARK}\n"),
        format!("{MARK}@"),
        MARK.repeat(20),
    ];
    let text = select(words.to_vec()).prop_map(Value::from);
    let other = select(vec![
        json!(number),
        json!(-919_876_500_011_i64),
        json!([MARK]),
        json!({ MARK: 1 }),
        json!({ MARK: MARK }),
        json!([{ MARK: [number] }]),
    ]);
    proptest::prop_oneof![
        text,
        other,
        (Just(json!({})), Just(MARK)).prop_map(|_| json!({ format!("+{MARK}"): null }))
    ]
}

fn with(mut body: Value, place: &str, sent: &Value) -> Value {
    if let Some(object) = place.strip_suffix("/*") {
        let name = sent.as_str().unwrap_or(MARK);
        if let Some(fields) = body.pointer_mut(object).and_then(Value::as_object_mut) {
            fields.insert(name.to_owned(), sent.clone());
        }
        return body;
    }
    if let Some(value) = body.pointer_mut(place) {
        *value = sent.clone();
    }
    body
}

fn detail(kind: KeyKind, path: &str, body: &str) -> Option<String> {
    match begin(directory(), kind, path, body, None) {
        Turn::Reply(reply) => Some(reply.body),
        Turn::Ask(pending) => {
            let reply = replied(front().answer(*pending, None::<Answer>));
            Some(reply.body)
        }
        Turn::Document(_) | Turn::Stream(_) => None,
    }
}

proptest! {
    #![proptest_config(common::cases(2_000))]

    #[test]
    fn no_refusal_repeats_what_was_sent(
        place in select(PLACES.to_vec()),
        sent in sent(),
        kind in select(vec![SECRET, APP]),
        path in select(vec!["/v1/orders".to_owned(), "/v1/preflight".to_owned(), call("resend"), call("verify")]),
        is_sparse: bool,
    ) {
        let mut body = with(full(), place, &sent);
        if let Some(fields) = body.as_object_mut().filter(|_| is_sparse) {
            // What stands before the place would be refused first.
            let kept = place.split('/').nth(1).unwrap_or_default();
            fields.retain(|name, _| [kept, "to", "service"].contains(&name.as_str()) || !full()[name].is_object());
            fields.retain(|name, _| name == kept || !["quote", "max_price", "code", "challenge"].contains(&name.as_str()));
        }
        for text in [body.to_string(), body.to_string().replace('}', ""), format!("{body}{sent}")] {
            let said = detail(kind, &path, &text).unwrap_or_default();
            assert!(!said.contains(MARK), "{text}\n{said}");
        }
    }
}

#[test]
fn a_refusal_still_says_what_is_expected() {
    let said =
        |field: &str, value: Value| detail(SECRET, "/v1/orders", &with(full(), field, &value).to_string());
    let says = |field, value, words: &str| {
        let said = said(field, value).unwrap();
        assert!(said.contains(words), "{said}");
    };
    says("/channel", json!("fax"), "expected one of `auto`");
    says("/*", json!("fax"), "expected one of `to`");
    says("/service", json!(1), "expected a string");
    says("/binding/amount", json!("much"), "binding.amount must be");
}
