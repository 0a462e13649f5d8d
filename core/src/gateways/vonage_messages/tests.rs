use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cost;
use tiffin_shared::text::dlt::Registration;

use super::token::Claims;
use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

const SECRET: &str = "a signature secret";
const URL: &str = "https://core.example/callbacks/vonage-messages";
const UUID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";
const NOW: UnixMs = UnixMs(1_795_082_400_000);

fn vonage() -> (Account, VonageMessages) {
    let text = "name = 'vonage-messages'\nkind = 'vonage_messages'\napi_key = 'abcd1234'\nfrom = 'AcmeInc'";
    let account: Account = toml::from_str(text).unwrap();
    let secrets = Secrets::read(&account, |_| Some(SECRET.into())).unwrap();
    let vonage = VonageMessages::new(&account, &secrets).unwrap();
    (account, vonage)
}

#[test]
fn a_request_is_the_documented_one() {
    let mut parts = Parts::usual();
    parts.callback_url = format!("{URL}?order=o&n=1");
    let vonage = vonage().1;
    let body = |message: &Message<'_>| match vonage.encode(message) {
        Ok(Call { body: Body::Json(body), url, auth: Auth::Basic { user, .. }, .. }) => {
            assert_eq!((url.as_str(), user.as_str()), ("https://api.nexmo.com/v1/messages", "abcd1234"));
            body
        }
        _ => panic!("JSON, with Basic"),
    };
    let mut documented = json!({
        "message_type": "text",
        "text": "012345 is your Tiffin code.",
        "to": "919876543210",
        "from": "15005550006",
        "channel": "sms",
        "ttl": 300,
        "sms": { "encoding_type": "auto" },
        "webhook_url": URL,
        "webhook_version": "v1",
        "client_ref": parts.reference.text(),
    });
    assert_eq!(body(&parts.message()), documented);

    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let mut message = parts.message();
    message.registration = Some(&registration);
    message.valid_s = 1;
    documented["sms"]["entity_id"] = "1101456324675322134".into();
    documented["sms"]["content_id"] = "1107457532145798767".into();
    documented["from"] = "TIFFIN".into();
    documented["ttl"] = 20.into();
    assert_eq!(body(&message), documented);
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let refused = |status, code: &str| {
        let kind = format!("https://developer.vonage.com/api-errors/messages#{code}");
        answer(
            status,
            &json!({"type": kind, "title": "Invalid sender", "instance": "bf0ca0bf927b3b52"}).to_string(),
        )
    };
    let generic = r#"{"type":"https://developer.vonage.com/api-errors#low-balance","title":"Low balance"}"#;
    let failed = CallOutcome::Failed;
    let cases = [
        (
            answer(202, &json!({"message_uuid": UUID}).to_string()),
            CallOutcome::Taken { provider_id: UUID.into() },
        ),
        (answer(202, "{}"), CallOutcome::Unknown),
        (refused(422, "1120"), failed(Reason::SenderUnapproved)),
        (refused(422, "1170"), failed(Reason::InvalidNumber)),
        (refused(422, "1430"), failed(Reason::InvalidNumber)),
        (refused(422, "1320"), CallOutcome::Unknown),
        (refused(422, "9999"), failed(Reason::Rejected)),
        (refused(429, "1000"), CallOutcome::Throttled { retry_after_ms: None }),
        (answer(402, generic), failed(Reason::InsufficientBalance)),
        (answer(401, "{}"), failed(Reason::AuthFailed)),
        (answer(422, "<html>"), failed(Reason::Rejected)),
        (refused(500, "1120"), failed(Reason::ProviderDown)),
        (answer(504, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, vonage) = vonage();
    for (answer, outcome) in cases {
        let answered = vonage.classify(&answer);
        assert_eq!(codes.outcome(&account.name, "vonage_messages", answered), outcome, "{answer:?}");
    }
}

/// <https://developer.vonage.com/en/api/messages#message-status>
fn webhook(status: &str, client_ref: &str) -> String {
    json!({
        "message_uuid": UUID,
        "to": "447700900000",
        "from": "447700900001",
        "timestamp": "2025-02-03T12:14:25Z",
        "status": status,
        "error": {
            "type": "https://developer.vonage.com/api-errors/messages#1180",
            "title": 1180,
            "detail": "Absent Subscriber Temporary",
            "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf",
        },
        "client_ref": client_ref,
        "usage": { "currency": "EUR", "price": "0.0333" },
        "channel": "sms",
    })
    .to_string()
}

fn claims(body: &str) -> Claims {
    Claims {
        iat: NOW.0 / 1_000,
        jti: "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5".into(),
        iss: "Vonage".into(),
        payload_hash: token::payload_hash(body.as_bytes()),
        api_key: "abcd1234".into(),
    }
}

fn hear(body: &str, authorization: Option<String>) -> Result<Heard, CallbackError> {
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/vonage-messages".into(),
        query: String::new(),
        headers: authorization.map(|value| ("authorization".to_owned(), value)).into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    vonage().1.hear(&Callback { url: URL, request: &request, attempt: None, certificate: None, now: NOW })
}

fn bearer(secret: &str, claims: &Claims) -> Option<String> {
    Some(format!("Bearer {}", token::sign(secret, claims)))
}

#[test]
fn a_signed_webhook_is_read() {
    let reference = Parts::usual().reference;
    let fate = |status: &str| {
        let body = webhook(status, &reference.text());
        let Told { attempt, provider_id, fate, cost } =
            hear(&body, bearer(SECRET, &claims(&body))).unwrap().told.remove(0);
        assert_eq!((attempt, provider_id.as_str()), (Some(reference.clone()), UUID));
        assert_eq!(cost, Cost::parse("0.0333", "EUR", false));
        fate
    };
    let failed = Fate::Failed { code: Some("1180".into()), fallback: Reason::Rejected };
    assert_eq!(fate("submitted"), Fate::Sent);
    assert_eq!(fate("delivered"), Fate::Delivered);
    assert_eq!(fate("read"), Fate::Delivered);
    assert_eq!(fate("rejected"), failed);
    assert_eq!(fate("undeliverable"), failed);
    assert_eq!(fate("dreamt of"), Fate::Underway);
}

#[test]
fn forged_altered_replayed_and_foreign_webhooks_are_refused() {
    let body = webhook("delivered", "");
    let genuine = bearer(SECRET, &claims(&body));
    assert!(hear(&body, genuine.clone()).is_ok());
    let refused = Err(CallbackError::Signature);
    assert_eq!(hear(&body, None), refused);
    assert_eq!(hear(&body, bearer("another", &claims(&body))), refused);
    assert_eq!(hear(&body, genuine.clone().map(|value| value.replace("Bearer", "Basic"))), refused);
    // The token of one body with another.
    assert_eq!(hear(&body.replace("delivered", "rejected"), genuine), refused);
    for (seconds, expected) in [(0, Ok(())), (299, Ok(())), (301, Err(CallbackError::Stale))] {
        for iat in [NOW.0 / 1_000 - seconds, NOW.0 / 1_000 + seconds] {
            let claims = Claims { iat, ..claims(&body) };
            assert_eq!(hear(&body, bearer(SECRET, &claims)).map(drop), expected, "{iat}");
        }
    }
    let foreign = Claims { api_key: "wxyz9876".into(), ..claims(&body) };
    assert_eq!(hear(&body, bearer(SECRET, &foreign)), Err(CallbackError::OtherAccount));
    let nonsense = "[]";
    assert_eq!(hear(nonsense, bearer(SECRET, &claims(nonsense))), Err(CallbackError::Malformed));
}

#[test]
fn a_code_is_found_wherever_vonage_has_put_it() {
    let code = |problem| receipt::code(&problem);
    assert_eq!(
        code(json!({"type": "https://developer.vonage.com/api-errors/messages#1000"})),
        Some("1000".into())
    );
    assert_eq!(
        code(json!({"code": 1300, "reason": "Not part of the provider network"})),
        Some("1300".into())
    );
    assert_eq!(code(json!({"title": "1331"})), Some("1331".into()));
    assert_eq!(code(json!({"title": "Unauthorized", "type": "about:blank"})), None);
    assert_eq!(code(serde_json::Value::Null), None);
}
