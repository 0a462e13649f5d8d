use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::text::dlt::Registration;

use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

const BASE: &str = "https://xyz123.api.infobip.com";
const URL: &str = "https://core.example/callbacks/infobip/a-secret-of-the-door";

fn infobip(keys: &str) -> (Account, Infobip) {
    let text =
        format!("name = 'infobip'\nkind = 'infobip'\nbase_url = '{BASE}'\nfrom = '+15005550006'\n{keys}");
    let account: Account = toml::from_str(&text).unwrap();
    let secrets = Secrets::read(&account, |_| Some("003026bbc133714d".into())).unwrap();
    let infobip = Infobip::new(&account, &secrets).unwrap();
    (account, infobip)
}

fn body(infobip: &Infobip, message: &Message<'_>) -> serde_json::Value {
    let Ok(Call { body: Body::Json(body), url, auth: Auth::Authorization(key), .. }) =
        infobip.encode(message)
    else {
        panic!("JSON, with a key")
    };
    assert_eq!((url, key.expose().as_str()), (format!("{BASE}/sms/3/messages"), "App 003026bbc133714d"));
    body
}

#[test]
fn a_request_is_the_documented_one() {
    let mut parts = Parts::usual();
    parts.callback_url = format!("{URL}?order=o&n=1");
    let reference = parts.reference.text();
    let mut documented = json!({
        "messages": [{
            "sender": "15005550006",
            "destinations": [{ "to": "919876543210", "messageId": reference }],
            "content": { "text": "012345 is your Tiffin code." },
            "options": { "validityPeriod": { "amount": 300, "timeUnit": "SECONDS" } },
            "webhooks": {
                "delivery": { "url": URL, "notify": true },
                "contentType": "application/json",
                "callbackData": reference,
            },
        }],
    });
    assert_eq!(body(&infobip("").1, &parts.message()), documented);

    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let mut message = parts.message();
    message.registration = Some(&registration);
    documented["messages"][0]["sender"] = "TIFFIN".into();
    documented["messages"][0]["options"]["regional"] = json!({ "indiaDlt": {
        "principalEntityId": "1101456324675322134", "contentTemplateId": "1107457532145798767" } });
    assert_eq!(body(&infobip("").1, &message), documented);
    documented["messages"][0]["options"]["regional"]["indiaDlt"]["telemarketerId"] = "1302".into();
    assert_eq!(body(&infobip("telemarketer_id = '1302'").1, &message), documented);
}

/// <https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages>
fn sent(group: &str, name: &str) -> String {
    json!({
        "bulkId": "2034072219640523072",
        "messages": [{
            "messageId": "2250be2d4219-3af1-78856-aabe-1362af1edfd2",
            "status": { "groupId": 1, "groupName": group, "id": 26, "name": name, "description": "Message sent" },
            "destination": "41793026727",
            "details": { "messageCount": 1 },
        }],
    })
    .to_string()
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let taken = CallOutcome::Taken { provider_id: "2250be2d4219-3af1-78856-aabe-1362af1edfd2".into() };
    let older = r#"{"requestError":{"serviceException":{"messageId":"TOO_MANY_REQUESTS","text":"no"}}}"#;
    let failed = CallOutcome::Failed;
    let cases = [
        (answer(200, &sent("PENDING", "PENDING_ACCEPTED")), taken.clone()),
        (answer(200, &sent("ACCEPTED", "PENDING_ACCEPTED")), taken.clone()),
        (answer(200, &sent("NEW_GROUP", "NEW_NAME")), taken),
        (answer(200, &sent("REJECTED", "REJECTED_NOT_ENOUGH_CREDITS")), failed(Reason::InsufficientBalance)),
        (answer(200, &sent("REJECTED", "REJECTED_SOURCE")), failed(Reason::SenderUnapproved)),
        (answer(200, &sent("REJECTED", "REJECTED_DUPLICATE_MESSAGE_ID")), CallOutcome::Unknown),
        (answer(200, &sent("UNDELIVERABLE", "UNDELIVERABLE_NEW")), failed(Reason::Rejected)),
        (answer(200, "{}"), CallOutcome::Unknown),
        (answer(200, r#"{"messages":[]}"#), CallOutcome::Unknown),
        (answer(400, r#"{"errorCode":"E400"}"#), failed(Reason::Rejected)),
        (answer(401, r#"{"errorCode":"E401"}"#), failed(Reason::AuthFailed)),
        (answer(403, ""), failed(Reason::AuthFailed)),
        (answer(429, older), CallOutcome::Throttled { retry_after_ms: None }),
        (answer(500, r#"{"errorCode":"E400"}"#), failed(Reason::ProviderDown)),
        (answer(504, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, infobip) = infobip("");
    for (answer, outcome) in cases {
        assert_eq!(codes.outcome(&account.name, "infobip", infobip.classify(&answer)), outcome, "{answer:?}");
    }
}

#[test]
fn a_message_is_found_in_the_log_by_our_id() {
    let (parts, infobip) = (Parts::usual(), infobip("").1);
    let reference = parts.reference.text();
    let query = infobip.query(&parts.message()).unwrap();
    assert_eq!(query.url, format!("{BASE}/sms/3/logs?messageId={reference}"));
    let ask = |status, body: serde_json::Value| {
        let answer = Answer { status, retry_after_s: None, body: body.to_string().into_bytes() };
        infobip.found(&answer, &parts.message(), UnixMs(0))
    };
    let taken = Found::Taken { provider_id: reference.clone() };
    assert_eq!(ask(200, json!({"results": [{"messageId": reference, "destination": "1"}]})), taken);
    assert_eq!(ask(200, json!({"results": []})), Found::Missing);
    assert_eq!(ask(200, json!({"results": [{"messageId": "another"}]})), Found::Unclear);
    assert_eq!(ask(200, json!({})), Found::Unclear);
    assert_eq!(ask(401, json!({"results": []})), Found::Unclear);
}

/// <https://www.infobip.com/docs/api/channels/sms/logs-and-status-reports/get-outbound-sms-message-logs-v3>
#[test]
fn a_message_fares_as_its_log_says() {
    let infobip = infobip("").1;
    assert_eq!(infobip.status("ours.1").unwrap().url, format!("{BASE}/sms/3/logs?messageId=ours.1"));
    let ask = |status, body: &serde_json::Value| {
        infobip.fares(&Answer { status, retry_after_s: None, body: body.to_string().into_bytes() })
    };
    let fine = ("OK", "NO_ERROR", false);
    let logged = |status, error| json!({ "results": [report(None, status, error)] });
    let failed = |code: &str, fallback| Fate::Failed { code: Some(code.into()), fallback };
    for (status, error, fate) in [
        (("PENDING", "PENDING_ACCEPTED"), fine, Fate::Underway),
        (("DELIVERED", "DELIVERED_TO_OPERATOR"), fine, Fate::Sent),
        (("DELIVERED", "DELIVERED_TO_HANDSET"), fine, Fate::Delivered),
        (
            ("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED"),
            ("HANDSET_ERRORS", "EC_ABSENT_SUBSCRIBER", false),
            failed("EC_ABSENT_SUBSCRIBER", Reason::AbsentTemporary),
        ),
        (("EXPIRED", "EXPIRED_EXPIRED"), fine, failed("EXPIRED_EXPIRED", Reason::TtlExpired)),
    ] {
        assert_eq!(ask(200, &logged(status, error)), Some((status.1.to_owned(), fate)), "{status:?}");
    }
    let delivered = logged(("DELIVERED", "DELIVERED_TO_HANDSET"), fine);
    let two = json!({ "results": [delivered["results"][0], delivered["results"][0]] });
    for (status, body) in
        [(200, &json!({"results": []})), (200, &two), (200, &json!({})), (401, &delivered), (500, &delivered)]
    {
        assert_eq!(ask(status, body), None, "{status} {body}");
    }
}

/// <https://www.infobip.com/docs/api/channels/sms/logs-and-status-reports/receive-outbound-sms-message-reports-v3>
fn report(callback_data: Option<&str>, status: (&str, &str), error: (&str, &str, bool)) -> serde_json::Value {
    let mut report = json!({
        "bulkId": "BULK-ID-123-xyz",
        "price": { "pricePerMessage": 0.01, "currency": "EUR" },
        "status": { "groupId": 3, "groupName": status.0, "id": 5, "name": status.1, "description": "…" },
        "error": { "groupId": 0, "groupName": error.0, "id": 0, "name": error.1, "description": "…", "permanent": error.2 },
        "messageId": "MESSAGE-ID-123-xyz",
        "to": "41793026727",
        "sender": "InfoSMS",
        "sentAt": "2019-11-09T16:00:00.000+0100",
        "doneAt": "2019-11-09T16:00:00.000+0100",
        "messageCount": 1,
        "platform": { "entityId": "promotional-traffic-entity" },
    });
    if let Some(callback_data) = callback_data {
        report["callbackData"] = callback_data.into();
    }
    report
}

fn hear(body: &str) -> Result<Heard, CallbackError> {
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/infobip/a-secret-of-the-door".into(),
        query: String::new(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
    };
    infobip("").1.hear(&Callback {
        url: URL,
        request: &request,
        attempt: None,
        certificate: None,
        now: UnixMs(0),
    })
}

#[test]
fn reports_come_several_at_once_and_each_names_its_attempt() {
    let (delivered, fine) = (("DELIVERED", "DELIVERED_TO_HANDSET"), ("OK", "NO_ERROR", false));
    let ours = Parts::usual().reference;
    let mut by_id = report(None, delivered, fine);
    by_id["messageId"] = ours.text().into();
    let reports =
        [report(Some(&ours.text()), delivered, fine), by_id, report(Some("callbackData"), delivered, fine)];
    let told = hear(&json!({ "results": reports }).to_string()).unwrap().told;
    let attempts: Vec<_> = told.iter().map(|told| told.attempt.clone()).collect();
    assert_eq!(attempts, [Some(ours.clone()), Some(ours.clone()), None]);
    assert_eq!(told[0].provider_id, "MESSAGE-ID-123-xyz");
    assert!(told.iter().all(|told| told.fate == Fate::Delivered));
    assert_eq!(hear("{}"), Err(CallbackError::Malformed));
    assert_eq!(hear("<xml>"), Err(CallbackError::Malformed));
}

#[test]
fn each_status_and_error_is_what_it_says() {
    let fate = |status, error| {
        let body = json!({ "results": [report(None, status, error)] }).to_string();
        hear(&body).unwrap().told.remove(0).fate
    };
    let failed = |code: &str, fallback| Fate::Failed { code: Some(code.into()), fallback };
    let fine = ("OK", "NO_ERROR", false);
    assert_eq!(fate(("DELIVERED", "DELIVERED_TO_OPERATOR"), fine), Fate::Sent);
    assert_eq!(fate(("PENDING", "PENDING_ENROUTE"), fine), Fate::Underway);
    assert_eq!(fate(("ACCEPTED", "MESSAGE_ACCEPTED"), fine), Fate::Underway);
    assert_eq!(fate(("DREAMT_OF", "X"), fine), Fate::Underway);
    let lost = ("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED");
    let named = |group, permanent| fate(lost, (group, "EC_NEW", permanent));
    assert_eq!(named("HANDSET_ERRORS", false), failed("EC_NEW", Reason::AbsentTemporary));
    assert_eq!(named("OPERATOR_ERRORS", false), failed("EC_NEW", Reason::ProviderDown));
    assert_eq!(named("USER_ERRORS", false), failed("EC_NEW", Reason::Rejected));
    assert_eq!(named("HANDSET_ERRORS", true), failed("EC_NEW", Reason::Rejected));
    assert_eq!(fate(lost, fine), failed("UNDELIVERABLE_NOT_DELIVERED", Reason::Rejected));
    let expired = ("EXPIRED", "EXPIRED_EXPIRED");
    assert_eq!(
        fate(expired, ("HANDSET_ERRORS", "EC_UNKNOWN_ERROR", false)),
        failed("EXPIRED_EXPIRED", Reason::TtlExpired)
    );
}

#[test]
fn the_table_tells_a_handset_that_is_off_from_one_that_does_not_exist() {
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, _) = infobip("");
    let reason = |code: &str| codes.reason(&account.name, "infobip", Some(code), Reason::Rejected);
    for (code, expected) in [
        ("EC_ABSENT_SUBSCRIBER", Reason::AbsentTemporary),
        ("EC_ABSENT_SUBSCRIBER_SM", Reason::AbsentTemporary),
        ("EC_UNKNOWN_SUBSCRIBER", Reason::InvalidNumber),
        ("EC_CALL_BARRED", Reason::Blocked),
        ("EC_TELESERVICE_NOT_PROVISIONED", Reason::Landline),
        ("EC_NNR_NETWORKCONGESTION", Reason::ProviderDown),
        ("EC_TEMPLATE_NOT_MATCHED", Reason::DltTemplate),
        ("EC_ENTITY_NOT_FOUND", Reason::DltEntity),
        ("EC_CONSENT_FAILED", Reason::DltConsent),
    ] {
        assert_eq!(reason(code), expected, "{code}");
    }
}
