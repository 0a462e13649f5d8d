use serde_json::Value;
use tiffin_shared::code::Code;
use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::route::Sender;

use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const TOKEN: &str = "AAEAAAAAtoken";

fn account() -> Account {
    toml::from_str("name = \"tg\"\nkind = \"telegram\"").unwrap()
}

fn telegram() -> Telegram {
    let account = account();
    Telegram::new(&account, &Secrets::read(&account, |_| Some(TOKEN.into())).unwrap()).unwrap()
}

fn body(parts: &Parts) -> Value {
    let Ok(Call { url, body: Body::Json(body), .. }) = telegram().encode(&parts.message()) else {
        panic!("it is encoded")
    };
    assert_eq!(url, "https://gatewayapi.telegram.org/sendVerificationMessage");
    body
}

/// <https://core.telegram.org/gateway/api#sendverificationmessage>
#[test]
fn a_request_is_the_documented_one() {
    let parts = Parts { sender: None, ..Parts::usual() };
    let documented = json!({
        "phone_number": "+919876543210",
        "code": "012345",
        "ttl": 300,
        "payload": parts.reference.text(),
        "callback_url": "https://core.example/callbacks/gateway",
    });
    assert_eq!(body(&parts), documented);
    assert!(parts.reference.text().len() <= 128, "Telegram's limit of a payload");
    let channel = Parts { sender: Sender::parse("shop_codes").ok(), ..Parts::usual() };
    assert_eq!(body(&channel)["sender_username"], "shop_codes");
    let long = Parts { callback_url: format!("https://core.example/{}", "a".repeat(256)), ..parts };
    assert_eq!(body(&long).get("callback_url"), None, "it would refuse the whole message");
}

#[test]
fn a_code_that_telegram_would_not_take_is_not_sent() {
    let encode = |code: &str| {
        let parts = Parts { code: Code::parse(code).unwrap(), ..Parts::usual() };
        telegram().encode(&parts.message()).err()
    };
    assert_eq!((encode("0123"), encode("01234567")), (None, None));
    assert_eq!(encode("012345678"), Some(Reason::Rejected));
    let parts = Parts::usual();
    let payment = Message { approves: Some("499.00 INR to Shop"), ..parts.message() };
    assert_eq!(telegram().encode(&payment).err(), Some(Reason::Rejected), "its words cannot name it");
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let failed = |error: &str| answer(200, &json!({ "ok": false, "error": error }).to_string());
    let is = CallOutcome::Failed;
    // https://core.telegram.org/gateway/api#requeststatus
    let sent = json!({ "ok": true, "result": { "request_id": "120590183", "phone_number": "+919876543210",
        "request_cost": 0.01, "remaining_balance": 4.2, "delivery_status": { "status": "sent", "updated_at": 1_795_082_400 } } });
    let cases = [
        (answer(200, &sent.to_string()), CallOutcome::Taken { provider_id: "120590183".into() }),
        (failed("ACCESS_TOKEN_INVALID"), is(Reason::AuthFailed)),
        (failed("BALANCE_NOT_ENOUGH"), is(Reason::InsufficientBalance)),
        (failed("PHONE_NUMBER_NOT_FOUND"), is(Reason::NotOnChannel)),
        (failed("PHONE_NUMBER_NOT_AVAILABLE"), is(Reason::NotOnChannel)),
        (failed("PHONE_NUMBER_INVALID"), is(Reason::InvalidNumber)),
        (failed("SENDER_NOT_VERIFIED"), is(Reason::SenderUnapproved)),
        (failed("FLOOD_WAIT_17"), CallOutcome::Throttled { retry_after_ms: Some(17_000) }),
        (failed("FLOOD_WAIT"), CallOutcome::Throttled { retry_after_ms: None }),
        (failed("SOMETHING_NEW"), is(Reason::Rejected)),
        (answer(200, "{\"ok\":true}"), CallOutcome::Unknown),
        (answer(200, "<html>"), CallOutcome::Unknown),
        (answer(502, "<html>"), CallOutcome::Unknown),
        (answer(500, "<html>"), is(Reason::ProviderDown)),
        (answer(401, ""), is(Reason::AuthFailed)),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    for (answer, outcome) in cases {
        assert_eq!(
            codes.outcome(&account().name, "telegram", telegram().classify(&answer)),
            outcome,
            "{answer:?}"
        );
    }
}

const NOW: UnixMs = UnixMs(1_795_082_400_000);

fn hear(timestamp: &str, body: &str, signature: &str, now: UnixMs) -> Result<Heard, CallbackError> {
    let headers = [(TIMESTAMP_HEADER, timestamp), (SIGNATURE_HEADER, signature)];
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/tg".into(),
        query: String::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    telegram().hear(&Callback { url: "", request: &request, attempt: None, certificate: None, now })
}

fn report(status: &str) -> String {
    json!({
        "request_id": "120590183",
        "phone_number": "+919876543210",
        "request_cost": 0.01,
        "delivery_status": { "status": status, "updated_at": 1_795_082_399 },
        "payload": Parts::usual().reference.text(),
    })
    .to_string()
}

fn signed(body: &str) -> Result<Heard, CallbackError> {
    hear("1795082400", body, &sign(TOKEN, "1795082400", body.as_bytes()), NOW)
}

#[test]
fn signed_reports_tell_how_the_message_fares() {
    let failed = |code: &str| Fate::Failed { code: Some(code.into()), fallback: Reason::Rejected };
    for (status, fate) in [
        ("sent", Fate::Sent),
        ("delivered", Fate::Delivered),
        ("read", Fate::Delivered),
        ("expired", failed("expired")),
        ("revoked", failed("revoked")),
        ("pondered", Fate::Underway),
    ] {
        let attempt = Some(Parts::usual().reference);
        let heard = signed(&report(status)).unwrap();
        assert_eq!(
            heard.told,
            [Told { attempt, provider_id: "120590183".into(), fate, cost: None }],
            "{status}"
        );
        assert!(heard.reply.is_some(), "an answer of 200, or Telegram posts again");
    }
    assert_eq!(signed(r#"{"request_id":"1"}"#).unwrap().told, [], "somebody else's");
}

#[test]
fn forged_altered_and_old_reports_are_refused() {
    let body = report("delivered");
    let genuine = sign(TOKEN, "1795082400", body.as_bytes());
    assert!(hear("1795082400", &body, &genuine, NOW).is_ok());
    let refused = Err(CallbackError::Signature);
    assert_eq!(hear("1795082400", &body, &sign("another", "1795082400", body.as_bytes()), NOW), refused);
    assert_eq!(hear("1795082400", &report("expired"), &genuine, NOW), refused);
    assert_eq!(hear("1795082401", &body, &genuine, NOW), refused);
    assert_eq!(hear("1795082400", &body, "", NOW), refused);
    for late_ms in [600_001, u64::MAX - NOW.0] {
        assert_eq!(hear("1795082400", &body, &genuine, NOW.plus(late_ms)), Err(CallbackError::Stale));
    }
    assert_eq!(hear("1795082400", &body, &genuine, UnixMs(NOW.0 - 600_001)), Err(CallbackError::Stale));
    assert_eq!(signed("[]"), Err(CallbackError::Malformed));
}

/// Computed with `openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf %s "$TOKEN" | sha256sum)`, as the documentation says.
#[test]
fn the_signature_is_keyed_with_the_tokens_hash() {
    let signature = "8d650dd52054f209735c3baf4c4e3a41c0c320cc1c688c5ba5926db4dc05794f";
    assert_eq!(sign(TOKEN, "1795082400", b"{}"), signature);
}

#[test]
fn the_check_tells_a_good_token_from_a_bad_one() {
    let call = telegram().check(UnixMs(0)).unwrap();
    assert!(call.url.ends_with("/checkVerificationStatus"));
    let checked = |error: &str| {
        let body = json!({ "ok": false, "error": error }).to_string().into_bytes();
        telegram().checked(&Answer { status: 200, retry_after_s: None, body })
    };
    assert_eq!(checked("REQUEST_ID_INVALID").unwrap(), "the token is accepted");
    assert_eq!(checked("ACCESS_TOKEN_INVALID").unwrap_err().code.as_deref(), Some("ACCESS_TOKEN_INVALID"));
}

#[test]
fn a_sender_is_the_name_of_a_channel() {
    let text = "name = \"tg\"\nkind = \"telegram\"\nfrom = \"@shop\"";
    assert!(toml::from_str::<Account>(text).unwrap_err().message().contains("without the @"));
}
