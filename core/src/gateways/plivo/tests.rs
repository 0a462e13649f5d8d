use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cost;
use tiffin_shared::route::Sender;
use tiffin_shared::text::dlt::Registration;

use super::*;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

const AUTH_ID: &str = "MAXXXXXXXXXXXXXXXXXX";
const TOKEN: &str = "an auth token";
const POOL: &str = "3ecaf3b1-3a4e-4d3b-9f5c-0c1d2e3f4a5b";
const UUID: &str = "db3ce55a-7f1d-11e1-8ea7-1231380bc196";
const URL: &str = "https://core.example/callbacks/plivo?order=o&n=1";
const NONCE: &str = "41566361846213579083";

fn plivo() -> (Account, Plivo) {
    let text = format!("name = 'plivo'\nkind = 'plivo'\nauth_id = '{AUTH_ID}'\nfrom = '+15005550006'");
    let account: Account = toml::from_str(&text).unwrap();
    let secrets = Secrets::read(&account, |_| Some(TOKEN.into())).unwrap();
    let plivo = Plivo::new(&account, &secrets).unwrap();
    (account, plivo)
}

fn body(message: &Message<'_>) -> serde_json::Value {
    let Ok(Call { body: Body::Json(body), url, auth: Auth::Basic { user, .. }, .. }) =
        plivo().1.encode(message)
    else {
        panic!("JSON, with Basic")
    };
    assert_eq!(url, format!("https://api.plivo.com/v1/Account/{AUTH_ID}/Message/"));
    assert_eq!(user, AUTH_ID);
    body
}

#[test]
fn a_request_is_the_documented_one() {
    let mut parts = Parts::usual();
    parts.callback_url = URL.into();
    let mut documented = json!({
        "src": "15005550006",
        "dst": "919876543210",
        "text": "012345 is your Tiffin code.",
        "type": "sms",
        "url": URL,
        "method": "POST",
        "log": "false",
        "message_expiry": 300,
    });
    assert_eq!(body(&parts.message()), documented);

    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let mut message = parts.message();
    message.registration = Some(&registration);
    message.valid_s = 20_000;
    documented["src"] = "TIFFIN".into();
    documented["message_expiry"] = 10_800.into();
    documented["dlt_entity_id"] = "1101456324675322134".into();
    documented["dlt_template_id"] = "1107457532145798767".into();
    documented["dlt_template_category"] = "service_implicit".into();
    assert_eq!(body(&message), documented);
}

#[test]
fn a_pool_is_named_as_what_it_is() {
    let mut parts = Parts::usual();
    for (from, name) in [(POOL, "powerpack_uuid"), ("TIFFIN", "src"), ("57007", "src")] {
        parts.sender = Sender::parse(from).ok();
        let body = body(&parts.message());
        assert_eq!(body[name], from);
        assert_eq!(body.as_object().unwrap().len(), 8, "not both");
    }
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    // https://www.plivo.com/docs/messaging/api/message/send-a-message
    let taken = json!({"message": "message(s) queued", "message_uuid": [UUID], "api_id": UUID}).to_string();
    let invalid = r#"{"message":"message(s) queued","message_uuid":[],"invalid_number":["1"],"api_id":"a"}"#;
    let cases = [
        (answer(202, &taken), CallOutcome::Taken { provider_id: UUID.into() }),
        (answer(202, invalid), CallOutcome::Failed(Reason::InvalidNumber)),
        (answer(202, "{}"), CallOutcome::Unknown),
        (answer(202, "<html>"), CallOutcome::Unknown),
        (answer(400, r#"{"api_id":"a","error":"no"}"#), CallOutcome::Failed(Reason::Rejected)),
        (answer(401, "no"), CallOutcome::Failed(Reason::AuthFailed)),
        (answer(402, "{}"), CallOutcome::Failed(Reason::InsufficientBalance)),
        (answer(429, ""), CallOutcome::Throttled { retry_after_ms: None }),
        (answer(500, ""), CallOutcome::Failed(Reason::ProviderDown)),
        (answer(504, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, plivo) = plivo();
    for (answer, outcome) in cases {
        assert_eq!(codes.outcome(&account.name, "plivo", plivo.classify(&answer)), outcome, "{answer:?}");
    }
}

fn hear(url: &str, body: &str, headers: &[(&str, &str)]) -> Result<Heard, CallbackError> {
    let reference = Parts::usual().reference;
    let query = url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/plivo".into(),
        query,
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
    };
    let attempt = Some(&reference).filter(|_| request.query.contains("order="));
    plivo().1.hear(&Callback { url, request: &request, attempt, certificate: None, now: UnixMs(0) })
}

fn signed(token: &str, url: &str, body: &str) -> String {
    let form: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    signature::sign(token, url, &form, NONCE)
}

/// <https://www.plivo.com/docs/messaging/concepts/message-status-callbacks>
fn callback(status: &str, code: &str) -> String {
    format!(
        "From=15005550006&To=919876543210&MessageUUID={UUID}&Status={status}&ErrorCode={code}&Units=1&TotalRate=0.0035&\
         TotalAmount=0.0035&MCC=404&MNC=10&ParentMessageUUID={UUID}&PartInfo=1+of+1"
    )
}

#[test]
fn only_callbacks_signed_for_this_address_are_read() {
    let body = callback("delivered", "000");
    let signature = signed(TOKEN, URL, &body);
    let told = Told {
        attempt: Some(Parts::usual().reference),
        provider_id: UUID.into(),
        fate: Fate::Delivered,
        cost: Cost::parse("0.0035", "USD", false),
    };
    for header in SIGNATURE_HEADERS {
        assert_eq!(hear(URL, &body, &[(header, &signature), (NONCE_HEADER, NONCE)]), Ok(told.clone().into()));
    }
    let several = format!("{},{signature}", signed("an older token", URL, &body));
    let [header, _] = SIGNATURE_HEADERS;
    assert!(hear(URL, &body, &[(header, &several), (NONCE_HEADER, NONCE)]).is_ok());

    let refused = Err(CallbackError::Signature);
    let genuine = [(header, signature.as_str()), (NONCE_HEADER, NONCE)];
    assert_eq!(hear(&URL.replace("n=1", "n=2"), &body, &genuine), refused);
    assert_eq!(hear(URL, &body.replace("delivered", "failed"), &genuine), refused);
    assert_eq!(hear(URL, &body, &genuine[..1]), refused);
    assert_eq!(hear(URL, &body, &genuine[1..]), refused);
    assert_eq!(hear(URL, &body, &[(header, &signature), (NONCE_HEADER, "1")]), refused);
    let other_account = signed("another token", URL, &body);
    assert_eq!(hear(URL, &body, &[(header, &other_account), (NONCE_HEADER, NONCE)]), refused);
}

#[test]
fn each_status_is_what_it_says() {
    let [header, _] = SIGNATURE_HEADERS;
    let heard = |body: &str| hear(URL, body, &[(header, &signed(TOKEN, URL, body)), (NONCE_HEADER, NONCE)]);
    let fate = |status, code| heard(&callback(status, code)).unwrap().told.remove(0).fate;
    let failed =
        |code: Option<&str>| Fate::Failed { code: code.map(str::to_owned), fallback: Reason::Rejected };
    assert_eq!(fate("queued", "000"), Fate::Underway);
    assert_eq!(fate("sent", "000"), Fate::Sent);
    assert_eq!(fate("read", ""), Fate::Delivered);
    assert_eq!(fate("undelivered", "80"), failed(Some("80")));
    assert_eq!(fate("failed", "1000"), failed(Some("1000")));
    assert_eq!(fate("rejected", "000"), failed(None));
    assert_eq!(heard("Status=sent"), Err(CallbackError::Malformed));
    let (plain, body) = ("https://core.example/callbacks/plivo", callback("sent", "000"));
    let genuine = [(header, signed(TOKEN, plain, &body)), (NONCE_HEADER, NONCE.to_owned())];
    let genuine = genuine.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(hear(plain, &body, &genuine), Err(CallbackError::Malformed), "it names no attempt");
    assert_eq!(heard("MessageUUID=a"), Err(CallbackError::Malformed));
}

/// <https://www.plivo.com/docs/messaging/api/message/retrieve-a-message>
#[test]
fn a_message_fares_as_its_record_says() {
    let plivo = plivo().1;
    let call = plivo.status(UUID).unwrap();
    assert_eq!(call.url, format!("https://api.plivo.com/v1/Account/{AUTH_ID}/Message/{UUID}/"));
    let answer = |status, body: String| Answer { status, retry_after_s: None, body: body.into_bytes() };
    let record = |state: &str, code: &str| {
        let record = json!({
            "api_id": "85a704c8-e47a-11eb-9a69-0242ac110004", "error_code": code, "from_number": "17087654321",
            "message_direction": "outbound", "message_state": state, "message_type": "sms", "message_uuid": UUID,
            "message_time": "2021-07-13 13:04:06.799021+05:30", "to_number": "12401234567", "units": 1,
            "is_domestic": "false", "log": "number_only",
        });
        record.to_string()
    };
    let failed =
        |code: Option<&str>| Fate::Failed { code: code.map(str::to_owned), fallback: Reason::Rejected };
    for (state, code, fate) in [
        ("queued", "", Fate::Underway),
        ("sent", "000", Fate::Sent),
        ("delivered", "000", Fate::Delivered),
        ("undelivered", "80", failed(Some("80"))),
        ("failed", "200", failed(Some("200"))),
        ("failed", "000", failed(None)),
    ] {
        let said = plivo.fares(&answer(200, record(state, code)));
        assert_eq!(said, Some((state.to_owned(), fate)), "{state}");
    }
    let bare = answer(200, json!({"message_state": "sent", "error_code": null}).to_string());
    assert_eq!(plivo.fares(&bare), Some(("sent".into(), Fate::Sent)));
    for answer in
        [answer(404, record("delivered", "000")), answer(500, String::new()), answer(200, "{}".into())]
    {
        assert_eq!(plivo.fares(&answer), None);
    }
}

#[test]
fn keys_that_cannot_be_right_are_refused_by_name() {
    let check = |keys: &str| {
        let text = format!("name = 'p'\nkind = 'plivo'\n{keys}");
        toml::from_str::<Account>(&text).map(|_| ()).map_err(|error| error.message().to_owned())
    };
    let with = |keys: &str| check(&format!("auth_id = '{AUTH_ID}'\n{keys}"));
    assert_eq!(with("from = 'TIFFIN'\nlog = 'number_only'"), Ok(()));
    assert!(check("auth_id = 'AC01'\nfrom = 'A'").unwrap_err().contains("p.auth_id: must be MA"));
    assert!(with("").unwrap_err().contains("p.from: must be"));
    assert!(with("from = '+1'").unwrap_err().contains("+1 is no number"));
    assert!(with("from = 'A'\nlog = 'maybe'").unwrap_err().contains("maybe"));
}
