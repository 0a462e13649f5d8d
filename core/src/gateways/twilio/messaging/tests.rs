use std::collections::BTreeMap;

use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::route::Sender;

use super::super::SIGNATURE_HEADER;
use super::super::signature;
use super::*;
use crate::gateways::call::Body;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const SID: &str = "SM0123456789abcdef0123456789abcdef";
const POOL: &str = "MG0123456789abcdef0123456789abcdef";

fn twilio(from: &str) -> (Account, Twilio) {
    let text =
        format!("name = \"twilio-sms\"\nkind = \"twilio\"\naccount_sid = \"{ACCOUNT}\"\nfrom = \"{from}\"");
    let account: Account = toml::from_str(&text).unwrap();
    let secrets = Secrets::read(&account, |_| Some("token".into())).unwrap();
    let twilio = Twilio::new(&account, &secrets).unwrap();
    (account, twilio)
}

#[test]
fn a_pool_is_named_as_what_it_is_and_a_number_as_itself() {
    for (from, name) in
        [("+15005550006", "From"), ("TIFFIN", "From"), ("57007", "From"), (POOL, "MessagingServiceSid")]
    {
        let parts = Parts { sender: Sender::parse(from).ok(), ..Parts::usual() };
        let message = parts.message();
        let Ok(Call { body: Body::Form(form), .. }) = twilio(from).1.encode(&message) else {
            panic!("{from}")
        };
        let form: BTreeMap<_, _> = form.into_iter().collect();
        assert_eq!(form.get(name).map(String::as_str), Some(from));
        assert_eq!(form["To"], "+919876543210");
        assert_eq!(form["ValidityPeriod"], "300");
        let query = twilio(from).1.query(&message).unwrap().url;
        assert_eq!(query.contains("From="), name == "From", "{query}");
    }
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let taken = CallOutcome::Taken { provider_id: SID.into() };
    let created = format!(r#"{{"sid":"{SID}","status":"queued"}}"#);
    let throttled = |retry_after_ms| CallOutcome::Throttled { retry_after_ms };
    let cases = [
        (answer(201, &created), taken),
        (answer(201, "<html>"), CallOutcome::Unknown),
        (answer(400, r#"{"code":21211}"#), CallOutcome::Failed(Reason::InvalidNumber)),
        (answer(400, r#"{"code":21614}"#), CallOutcome::Failed(Reason::Landline)),
        (answer(400, r#"{"code":21610}"#), CallOutcome::Failed(Reason::OptedOut)),
        (answer(400, r#"{"code":99999}"#), CallOutcome::Failed(Reason::Rejected)),
        (answer(400, "{}"), CallOutcome::Failed(Reason::Rejected)),
        (answer(401, r#"{"code":20003}"#), CallOutcome::Failed(Reason::AuthFailed)),
        (answer(403, "{}"), CallOutcome::Failed(Reason::AuthFailed)),
        (answer(429, r#"{"code":20429}"#), throttled(None)),
        (answer(429, ""), throttled(None)),
        (Answer { retry_after_s: Some(3), ..answer(429, "") }, throttled(Some(3_000))),
        (answer(400, r#"{"code":14107}"#), throttled(None)),
        (answer(500, ""), CallOutcome::Failed(Reason::ProviderDown)),
        (answer(502, ""), CallOutcome::Unknown),
        (answer(503, "{}"), CallOutcome::Failed(Reason::ProviderDown)),
        (answer(504, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, twilio) = twilio("+15005550006");
    for (answer, outcome) in cases {
        assert_eq!(codes.outcome(&account.name, "twilio", twilio.classify(&answer)), outcome, "{answer:?}");
    }
}

#[test]
fn only_receipts_signed_for_this_address_and_account_are_read() {
    let twilio = twilio("+15005550006").1;
    let url = "https://core.example/callbacks/twilio-sms?order=o&n=1";
    let body = format!("MessageSid={SID}&MessageStatus=delivered&AccountSid={ACCOUNT}&To=%2B919876543210");
    let form = |body: &str| form_urlencoded::parse(body.as_bytes()).into_owned().collect::<Vec<_>>();
    let attempt = Parts::usual().reference;
    let read = |url: &str, body: &str, signature: Option<&str>| {
        let headers = signature.map(|value| (SIGNATURE_HEADER.to_owned(), value.to_owned()));
        let request = Request {
            method: "POST".into(),
            path: "/callbacks/twilio-sms".into(),
            query: "order=o&n=1".into(),
            headers: headers.into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        let attempt = Some(&attempt);
        twilio.hear(&Callback { url, request: &request, attempt, certificate: None, now: UnixMs(0) })
    };
    let signed = signature::sign("token", url, &form(&body));
    let told =
        Told { attempt: Some(attempt.clone()), provider_id: SID.into(), fate: Fate::Delivered, cost: None };
    assert_eq!(read(url, &body, Some(signed.as_str())), Ok(told.into()));
    let other_url = "https://core.example/callbacks/twilio-sms?order=p&n=1";
    assert_eq!(read(other_url, &body, Some(&signed)), Err(CallbackError::Signature));
    assert_eq!(read(url, &body.replace("delivered", "failed"), Some(&signed)), Err(CallbackError::Signature));
    assert_eq!(read(url, &body, None), Err(CallbackError::Signature));
    let other_account = body.replace(ACCOUNT, "AC00000000000000000000000000000002");
    let signed = signature::sign("token", url, &form(&other_account));
    assert_eq!(read(url, &other_account, Some(&signed)), Err(CallbackError::OtherAccount));
}
