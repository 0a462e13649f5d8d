//! Every bad request of the contract.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::case::Case;
use crate::case::Ground;

/// One byte more than the contract allows.
const TOO_LARGE: usize = 16 * 1024 + 1;
const INVALID: (u16, &str) = (400, "invalid_request");
const NOT_FOUND: (u16, &str) = (404, "not_found");
const UNAUTHENTICATED: (u16, &str) = (401, "unauthenticated");

/// All of them, about fresh phones and under fresh idempotency keys.
pub fn all(ground: &Ground) -> Vec<Case> {
    [fields(ground), addresses(ground), routes(ground), headers(ground), bodies(ground), calls(ground)]
        .into_iter()
        .flatten()
        .chain(verifications(ground))
        .collect()
}

fn fields(ground: &Ground) -> Vec<Case> {
    let many: serde_json::Map<_, _> = (0..11).map(|n| (format!("k{n}"), "v".into())).collect();
    let cases = [
        ("an unknown field", "colour", json!("red")),
        ("an unknown field inside to", "to", json!({"phone": "+919876543210", "fax": "1"})),
        ("a code of its own that is none", "code", json!("12x456")),
        ("a price limit", "max_price", json!("0.05")),
        ("a solved challenge", "challenge", json!({"id": "c"})),
        ("a false challenge", "challenge", json!(false)),
        ("an unknown channel", "channel", json!("pigeon")),
        ("an unknown risk", "risk", json!("low")),
        ("an unusable locale", "locale", json!("e n")),
        ("a long client_ref", "client_ref", json!("r".repeat(65))),
        ("a client_ref with a line break", "client_ref", json!("a\nb")),
        ("a pair of metadata too many", "metadata", Value::Object(many)),
        ("a long metadata key", "metadata", json!({"k".repeat(41): "v"})),
        ("a long metadata value", "metadata", json!({"k": "v".repeat(121)})),
        ("an empty metadata key", "metadata", json!({"": "v"})),
        ("metadata that is no text", "metadata", json!({"k": 1})),
        ("a client address that is none", "client", json!({"ip": "localhost"})),
        ("a client country that is none", "client", json!({"country": "in"})),
        ("a binding without a payee", "binding", json!({"amount": "1", "currency": "INR"})),
        (
            "a binding with an unusable amount",
            "binding",
            json!({"amount": "-1", "currency": "INR", "payee": "S"}),
        ),
        ("to as text", "to", json!("+919876543210")),
        ("a phone as a number", "to", json!({"phone": 919_876_543_210_u64})),
        ("an email that is none", "to", json!({"email": "nobody"})),
        ("an order without a service", "service", Value::Null),
    ];
    let case = |(name, field, value)| Case::order(ground, name, INVALID.0, INVALID.1).with(field, value);
    cases.into_iter().map(case).collect()
}

/// A phone and its national part, spelt wrongly.
type Spelling = fn(&str, &str) -> String;

fn addresses(ground: &Ground) -> Vec<Case> {
    // Each a spelling of a fresh phone, so that a lenient reading would show in that phone's bucket.
    let cases: [(_, Spelling); 11] = [
        ("a phone with letters", |_, national| format!("+91{}abc", &national[..7])),
        ("a phone of 16 digits", |phone, _| format!("{phone}1234")),
        ("a phone of 6 digits", |phone, _| phone[..7].to_owned()),
        ("a national phone", |_, national| national.to_owned()),
        ("a phone with the international prefix", |_, national| format!("0091{national}")),
        ("a phone with spaces", |_, national| format!("+91 {} {}", &national[..5], &national[5..])),
        ("a phone with a space after it", |phone, _| format!("{phone} ")),
        ("a phone with hyphens", |_, national| format!("+91-{national}")),
        ("a phone whose country code starts with 0", |_, national| format!("+091{national}")),
        ("a phone in other digits", |phone, _| phone.replace('9', "९")),
        ("an empty phone", |_, _| String::new()),
    ];
    let case = |(name, spell): (_, Spelling)| {
        Case::order(ground, name, 422, "invalid_phone").edit(|body| {
            let phone = body["to"]["phone"].as_str().unwrap_or_default();
            body["to"]["phone"] = spell(phone, &phone[3..]).into();
        })
    };
    cases.into_iter().map(case).collect()
}

fn routes(ground: &Ground) -> Vec<Case> {
    let route = |name| Case::order(ground, name, 422, "no_route");
    let service = |name| Case::order(ground, name, 422, "unknown_service");
    vec![
        service("an unknown service").with("service", json!("lunch")),
        service("a service in capitals").with("service", json!("LOGIN")),
        service("an empty service").with("service", json!("")),
        route("a channel without a gateway").with("channel", json!("voice")),
        route("email to a phone").with("channel", json!("email")),
        route("a high-risk service").with("service", json!("payment")),
        route("a high-risk service by SMS").with("service", json!("payment")).with("channel", json!("sms")),
        route("an order of high risk").with("risk", json!("high")),
        route("an email, without an email gateway").with("to", json!({"email": "user@example.com"})),
    ]
}

fn headers(ground: &Ground) -> Vec<Case> {
    let order = |name, (status, code)| Case::order(ground, name, status, code);
    let key = |name, value: &str| order(name, INVALID).header("idempotency-key", value);
    let authorization = |name, value: &str| order(name, UNAUTHENTICATED).header("authorization", value);
    let secret = &ground.client.key;
    let last = if secret.ends_with('A') { 'B' } else { 'A' };
    let typo = format!("Bearer {}{last}", &secret[..secret.len() - 1]);
    // Well-formed, with its checksum, and nobody's.
    let stranger = tiffin_shared::directory::write_key(tiffin_shared::directory::KeyKind::Secret, [7; 24]);
    vec![
        order("no idempotency key", (400, "idempotency_key_missing")).without("idempotency-key"),
        key("an empty idempotency key", ""),
        key("an empty quoted idempotency key", "\"\""),
        key("a long idempotency key", &format!("\"{}\"", "k".repeat(256))),
        key("a quote inside the idempotency key", "\"a\"b\""),
        key("a backslash inside the idempotency key", "\"a\\b\""),
        order("text", INVALID).header("content-type", "text/plain"),
        order("a form", INVALID).header("content-type", "application/x-www-form-urlencoded"),
        order("no authorization", UNAUTHENTICATED).without("authorization"),
        authorization("an API key of nobody", &format!("Bearer {stranger}")),
        authorization("an API key with a typing error", &typo),
        authorization(
            "a secret key as a publishable one",
            &format!("Bearer {}", secret.replace("sk_", "pk_")),
        ),
        authorization("an empty API key", "Bearer "),
        authorization("an API key by another scheme", &format!("Basic {secret}")),
        order("a client told by a publishable key", INVALID)
            .header("authorization", format!("Bearer {}", ground.publishable))
            .with("client", json!({"ip": "203.0.113.7", "country": "IN"})),
    ]
}

fn bodies(ground: &Ground) -> Vec<Case> {
    let order = |name| Case::order(ground, name, INVALID.0, INVALID.1);
    let large = |name| {
        let case = Case::order(ground, name, 413, "body_too_large");
        case.edit(|body| body["client_ref"] = "r".repeat(TOO_LARGE).into())
    };
    vec![
        order("JSON that is cut off").body(r#"{"to": {"phone""#),
        order("JSON and more").body(r#"{"to": {"phone": "+919876543210"}, "service": "login"}}"#),
        order("an empty body").body(""),
        order("a list").body("[]"),
        order("a field that comes twice")
            .body(r#"{"to": {"phone": "+919876543210"}, "service": "login", "service": "login"}"#),
        order("text that is not UTF-8")
            .body(b"{\"to\": {\"phone\": \"\xff\"}, \"service\": \"login\"}".to_vec()),
        large("a large body"),
        large("a large body in chunks").chunked(),
        large("a large body without authorization").without("authorization"),
    ]
}

fn calls(ground: &Ground) -> Vec<Case> {
    let order = &ground.order;
    let call = |name, method, path: &str| Case::call(ground, name, method, path, NOT_FOUND);
    // 43 characters of base64url: 32 bytes, of an order that was never made.
    let unknown = format!("ord_{}", "A".repeat(43));
    // In the ledger of an order that exists.
    let neighbour = format!("ord_{}{}", "A".repeat(21), &order[25..]);
    vec![
        call("an unknown path", Method::GET, "/v1/lunches"),
        call("the root", Method::GET, "/"),
        call("a trailing slash", Method::GET, "/v1/orders/"),
        call("a list of orders", Method::GET, "/v1/orders"),
        call("an order to be deleted", Method::DELETE, &format!("/v1/orders/{order}")),
        call("a call below an order that is none", Method::GET, &format!("/v1/orders/{order}/lunch")),
        call("a verification by GET", Method::GET, &format!("/v1/orders/{order}/verify")),
        call("an order never made", Method::GET, &format!("/v1/orders/{unknown}")),
        call("an order never made, of a known phone", Method::GET, &format!("/v1/orders/{neighbour}")),
        call("a malformed id", Method::GET, "/v1/orders/ord_1"),
        call("an id of another kind", Method::GET, &format!("/v1/orders/{}", order.replace("ord_", "fac_"))),
        call("an unknown problem", Method::GET, "/problems/nope"),
        call("health by POST", Method::POST, "/healthz"),
        Case::call(
            ground,
            "an unknown path without authorization",
            Method::GET,
            "/v1/lunches",
            UNAUTHENTICATED,
        )
        .without("authorization"),
    ]
}

fn verifications(ground: &Ground) -> Vec<Case> {
    let at = |name, order: &str, expected| {
        Case::call(ground, name, Method::POST, format!("/v1/orders/{order}/verify"), expected)
            .header("content-type", "application/json")
    };
    let verify = |name, body: &str| at(name, &ground.order, INVALID).body(body);
    let unknown = format!("ord_{}", "A".repeat(43));
    vec![
        verify("a code with letters", r#"{"code": "12345a"}"#),
        verify("a code as a number", r#"{"code": 123456}"#),
        verify("an empty code", r#"{"code": ""}"#),
        verify("a code of 3 digits", r#"{"code": "123"}"#),
        verify("a code of 11 digits", r#"{"code": "12345678901"}"#),
        verify("a code in other digits", r#"{"code": "१२३४५६"}"#),
        verify("no code", "{}"),
        verify("a code and more", r#"{"code": "123456", "force": true}"#),
        verify("a guess that is no JSON", "code=123456"),
        verify("a guess as text", r#"{"code": "123456"}"#).header("content-type", "text/plain"),
        verify("a guess in a large body", &format!(r#"{{"code": "{}"}}"#, "1".repeat(TOO_LARGE)))
            .refused(413, "body_too_large"),
        at("a guess at an order never made", &unknown, NOT_FOUND).body(r#"{"code": "123456"}"#),
        at("a guess at a malformed id", "ord_1", NOT_FOUND).body(r#"{"code": "123456"}"#),
        verify("a guess without authorization", r#"{"code": "123456"}"#)
            .without("authorization")
            .refused(401, "unauthenticated"),
    ]
}
