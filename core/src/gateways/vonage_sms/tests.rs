use std::collections::BTreeMap;

use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cost;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::dlt::Registration;

use super::receipt::params;
use super::signature::Params;
use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

const SECRET: &str = "a signature secret";
const URL: &str = "https://core.example/callbacks/vonage-sms";

fn vonage(method: &str, is_signed: bool) -> (Account, VonageSms) {
    let text = format!(
        "name = 'vonage-sms'\nkind = 'vonage_sms'\napi_key = 'abcd1234'\nfrom = 'AcmeInc'\nsignature_method = '{method}'"
    );
    let account: Account = toml::from_str(&text).unwrap();
    let variable = |name: &str| match name {
        "TIFFIN_GATEWAY_VONAGE_SMS_API_SECRET" => Some("abcdef0123456789".to_owned()),
        "TIFFIN_GATEWAY_VONAGE_SMS_SIGNATURE_SECRET" if is_signed => Some(SECRET.to_owned()),
        _ => None,
    };
    let secrets = Secrets::read(&account, variable).unwrap();
    let vonage = VonageSms::new(&account, &secrets).unwrap();
    (account, vonage)
}

fn form(vonage: &VonageSms, message: &Message<'_>) -> BTreeMap<&'static str, String> {
    let Ok(Call { body: Body::Form(form), url, auth: Auth::None, .. }) = vonage.encode(message) else {
        panic!("a form, with the credentials in it")
    };
    assert_eq!(url, "https://rest.nexmo.com/sms/json");
    form.into_iter().collect()
}

#[test]
fn a_request_is_the_documented_one() {
    let mut parts = Parts::usual();
    parts.callback_url = format!("{URL}?order=o&n=1");
    let sent = form(&vonage("sha256", false).1, &parts.message());
    let reference = parts.reference.text();
    let documented = [
        ("api_key", "abcd1234"),
        ("api_secret", "abcdef0123456789"),
        ("callback", URL),
        ("client-ref", reference.as_str()),
        ("from", "15005550006"),
        ("status-report-req", "true"),
        ("text", "012345 is your Tiffin code."),
        ("to", "919876543210"),
        ("ttl", "300000"),
        ("type", "text"),
    ];
    assert_eq!(sent, documented.map(|(name, value)| (name, value.to_owned())).into());
}

#[test]
fn a_signed_request_has_a_time_and_a_signature_and_no_secret() {
    let parts = Parts::usual();
    let sent = form(&vonage("sha512", true).1, &parts.message());
    assert!(!sent.contains_key("api_secret"));
    assert_eq!(sent["timestamp"], "1795082400");
    let params: Params = sent.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert!(signature::verify(Method::Sha512, SECRET, &params));
}

#[test]
fn a_text_outside_the_gsm_alphabet_a_long_address_and_a_short_life_are_told() {
    let mut parts = Parts::usual();
    parts.content.text = "012345 आपका कोड है".into();
    parts.callback_url = format!("https://{}.example/callbacks/vonage-sms?order=o&n=1", "a".repeat(80));
    let mut message = parts.message();
    message.valid_s = 3;
    let sent = form(&vonage("sha256", false).1, &message);
    assert_eq!((sent["type"].as_str(), sent["ttl"].as_str()), ("unicode", "20000"));
    assert!(!sent.contains_key("callback"));
}

#[test]
fn what_indias_operators_want_goes_along() {
    let parts = Parts::usual();
    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let mut message = parts.message();
    message.registration = Some(&registration);
    let sent = form(&vonage("sha256", false).1, &message);
    assert_eq!(sent["entity-id"], "1101456324675322134");
    assert_eq!(sent["content-id"], "1107457532145798767");
    assert_eq!(sent["from"], "TIFFIN");
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let refused = |code: &str| {
        answer(
            200,
            &format!(r#"{{"message-count":"1","messages":[{{"status":"{code}","error-text":"no"}}]}}"#),
        )
    };
    // https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms
    let taken = r#"{"message-count":"1","messages":[{"to":"447700900000","message-id":"0C000000217B7F02","status":"0",
        "remaining-balance":"15.53590000","message-price":"0.03330000","network":"23410"}]}"#;
    let in_parts = taken.replace("[{", r#"[{"status":"5"},{"#);
    let is_taken = || CallOutcome::Taken { provider_id: "0C000000217B7F02".into() };
    let cases = [
        (answer(200, taken), is_taken()),
        (answer(200, &in_parts), is_taken()),
        (answer(200, "<html>"), CallOutcome::Unknown),
        (answer(200, r#"{"messages":[]}"#), CallOutcome::Unknown),
        (answer(200, r#"{"messages":[{"status":"0"}]}"#), CallOutcome::Unknown),
        (refused("1"), CallOutcome::Throttled { retry_after_ms: None }),
        (refused("4"), CallOutcome::Failed(Reason::AuthFailed)),
        (refused("5"), CallOutcome::Failed(Reason::ProviderDown)),
        (refused("7"), CallOutcome::Failed(Reason::Blocked)),
        (refused("9"), CallOutcome::Failed(Reason::InsufficientBalance)),
        (refused("15"), CallOutcome::Failed(Reason::SenderUnapproved)),
        (refused("33"), CallOutcome::Failed(Reason::AbsentPermanent)),
        (refused("777"), CallOutcome::Failed(Reason::Rejected)),
        (answer(401, ""), CallOutcome::Failed(Reason::AuthFailed)),
        (
            Answer { retry_after_s: Some(2), ..answer(429, "") },
            CallOutcome::Throttled { retry_after_ms: Some(2_000) },
        ),
        (answer(500, taken), CallOutcome::Failed(Reason::ProviderDown)),
        (answer(502, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, vonage) = vonage("sha256", false);
    for (answer, outcome) in cases {
        assert_eq!(
            codes.outcome(&account.name, "vonage_sms", vonage.classify(&answer)),
            outcome,
            "{answer:?}"
        );
    }
}

/// <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>
fn documented(client_ref: &str) -> Params {
    let params = [
        ("msisdn", "447700900000"),
        ("to", "AcmeInc"),
        ("network-code", "12345"),
        ("messageId", "0A0000001234567B"),
        ("price", "0.03330000"),
        ("status", "delivered"),
        ("scts", "2001011400"),
        ("err-code", "0"),
        ("api-key", "abcd1234"),
        ("client-ref", client_ref),
        ("message-timestamp", "2020-01-01 12:00:00"),
        ("timestamp", "1582650446"),
        ("nonce", "ec11dd3e-1e7f-4db5-9467-82b02cd223b9"),
    ];
    params.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

const AT: UnixMs = UnixMs(1_582_650_446_000);

fn signed(method: Method, mut params: Params) -> Params {
    let sig = signature::sign(method, SECRET, &params).to_uppercase();
    params.insert("sig".into(), sig);
    params
}

fn request(way: &str, params: &Params) -> Request {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let (kind, body) = match way {
        "form" => ("application/x-www-form-urlencoded; charset=UTF-8", form.clone()),
        "json" => ("application/json", serde_json::to_string(params).unwrap()),
        _ => ("", String::new()),
    };
    Request {
        method: if way == "query" { "GET" } else { "POST" }.into(),
        path: "/callbacks/vonage-sms".into(),
        query: if way == "query" { form } else { String::new() },
        headers: vec![("content-type".into(), kind.into())],
        body: body.into_bytes(),
    }
}

fn hear(vonage: &VonageSms, request: &Request, now: UnixMs) -> Result<Heard, CallbackError> {
    vonage.hear(&Callback { url: URL, request, attempt: None, certificate: None, now })
}

#[test]
fn a_receipt_is_read_however_it_comes() {
    let reference = Parts::usual().reference;
    let told = Told {
        attempt: Some(reference.clone()),
        provider_id: "0A0000001234567B".into(),
        fate: Fate::Delivered,
        cost: Cost::parse("0.03330000", "EUR", true),
    };
    for (name, method) in [("md5hash", Method::Md5Hash), ("sha1", Method::Sha1), ("sha256", Method::Sha256)] {
        let vonage = vonage(name, true).1;
        let params = signed(method, documented(&reference.text()));
        for way in ["query", "form", "json"] {
            assert_eq!(hear(&vonage, &request(way, &params), AT), Ok(told.clone().into()), "{name} {way}");
        }
    }
}

#[test]
fn forged_altered_old_and_foreign_receipts_are_refused() {
    let vonage = vonage("sha256", true).1;
    let params = || documented(&Parts::usual().reference.text());
    let with = |mut params: Params, name: &str, value: &str| {
        params.insert(name.into(), value.into());
        params
    };
    let ask = |params: &Params, now| hear(&vonage, &request("form", params), now);
    let genuine = signed(Method::Sha256, params());
    assert!(ask(&genuine, AT).is_ok());
    assert_eq!(ask(&params(), AT), Err(CallbackError::Signature));
    assert_eq!(ask(&signed(Method::Sha1, params()), AT), Err(CallbackError::Signature));
    for (name, value) in
        [("status", "failed"), ("client-ref", "x"), ("messageId", "0B"), ("timestamp", "1582650447")]
    {
        assert_eq!(ask(&with(genuine.clone(), name, value), AT), Err(CallbackError::Signature), "{name}");
    }
    // A second value would be read where the first was signed.
    let mut twice = request("form", &genuine);
    twice.body = [b"status=failed&".to_vec(), twice.body].concat();
    assert_eq!(hear(&vonage, &twice, AT), Err(CallbackError::Malformed));

    let (hours, minutes) = (3_600_000, 60_000);
    assert!(ask(&genuine, AT.plus(24 * hours)).is_ok(), "Vonage tries for a day");
    assert_eq!(ask(&genuine, AT.plus(26 * hours)), Err(CallbackError::Stale));
    assert_eq!(ask(&genuine, UnixMs(AT.0 - 6 * minutes)), Err(CallbackError::Stale));
    let foreign = signed(Method::Sha256, with(params(), "api-key", "wxyz9876"));
    assert_eq!(ask(&foreign, AT), Err(CallbackError::OtherAccount));
}

#[test]
fn an_account_without_a_signature_secret_reads_unsigned_receipts() {
    let (account, vonage) = vonage("sha256", false);
    assert_eq!(account.kind.door.of(&Secrets::read(&account, |_| Some("x".into())).unwrap()), Door::Signed);
    let none = Secrets::read(&account, |name| name.ends_with("API_SECRET").then(|| "x".into())).unwrap();
    assert_eq!(account.kind.door.of(&none), Door::Secret);
    assert!(hear(&vonage, &request("query", &documented("x")), AT).is_ok());
}

#[test]
fn each_status_is_what_it_says() {
    let fate = |status: &str, code: &str| {
        let mut params = documented("");
        params.insert("status".into(), status.into());
        params.insert("err-code".into(), code.into());
        receipt::told(&params).unwrap().fate
    };
    let failed = |code: Option<&str>, fallback| Fate::Failed { code: code.map(str::to_owned), fallback };
    assert_eq!(fate("delivered", "0"), Fate::Delivered);
    assert_eq!(fate("accepted", "0"), Fate::Sent);
    assert_eq!(fate("buffered", "0"), Fate::Sent);
    assert_eq!(fate("unknown", "1"), Fate::Underway);
    assert_eq!(fate("expired", "1"), failed(None, Reason::TtlExpired));
    assert_eq!(fate("failed", "2"), failed(Some("err-2"), Reason::Rejected));
    assert_eq!(fate("rejected", "0"), failed(None, Reason::Rejected));
    let foreign = receipt::told(&documented("not ours")).unwrap();
    assert_eq!(foreign.attempt, None);
    assert!(Reference::parse("not ours").is_err());
    let nonsense = Request { body: b"[".to_vec(), ..request("json", &Params::new()) };
    let callback = Callback { url: URL, request: &nonsense, attempt: None, certificate: None, now: AT };
    assert_eq!(params(&callback), Err(CallbackError::Malformed));
}

#[test]
fn keys_that_cannot_be_right_are_refused_by_name() {
    let check = |keys: &str| {
        let text = format!("name = 'v'\nkind = 'vonage_sms'\n{keys}");
        toml::from_str::<Account>(&text).map(|_| ()).map_err(|error| error.message().to_owned())
    };
    assert_eq!(check("api_key = 'abcd1234'\nfrom = 'A'"), Ok(()));
    assert!(check("api_key = 'abcd'\nfrom = 'A'").unwrap_err().contains("v.api_key: must be 8"));
    assert!(check("api_key = 'abcd1234'").unwrap_err().contains("v.from: must be"));
    assert!(check("api_key = 'abcd1234'\nfrom = 'A'\nsignature_method = 'md4'").unwrap_err().contains("md4"));
    assert!(check("api_key = 'abcd1234'\nfrom = 'A'\nspeed = 1").unwrap_err().contains("speed"));
}
