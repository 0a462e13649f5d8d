use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;

use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
const WAMID: &str = "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3N0EyQUJDMjFEQzZCQUMzODMA";

fn account(keys: &str) -> Result<Account, String> {
    let text = format!("name = \"wa\"\nkind = \"whatsapp_cloud\"\nfrom = \"{NUMBER}\"\n{keys}");
    toml::from_str(&text).map_err(|error: toml::de::Error| error.message().to_owned())
}

fn whatsapp() -> Whatsapp {
    let keys = format!(
        "template = \"login_code\"\nlanguages = [\"en_US\", \"pt_BR\"]\nbusiness_account_id = \"{ACCOUNT}\""
    );
    let account = account(&keys).unwrap();
    let secret = |name: &str| Some(name.rsplit("GATEWAY_WA_").next()?.to_lowercase());
    Whatsapp::new(&account, &Secrets::read(&account, secret).unwrap()).unwrap()
}

fn parts() -> Parts {
    Parts { sender: Sender::parse(NUMBER).ok(), ..Parts::usual() }
}

fn sent(parts: &Parts) -> (String, Value) {
    let Ok(Call { url, body: Body::Json(body), .. }) = whatsapp().encode(&parts.message()) else {
        panic!("it is encoded")
    };
    (url, body)
}

/// "Sending authentication templates" of
/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/authentication-templates/copy-code-button-authentication-templates>,
/// with our values, and with the reference that receipts repeat.
#[test]
fn a_request_is_the_documented_one() {
    let parts = parts();
    let (url, body) = sent(&parts);
    assert_eq!(url, format!("https://graph.facebook.com/v24.0/{NUMBER}/messages"));
    let documented = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+919876543210",
        "type": "template",
        "template": {
            "name": "login_code",
            "language": { "code": "en_US" },
            "components": [
                { "type": "body", "parameters": [{ "type": "text", "text": "012345" }] },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{ "type": "text", "text": "012345" }],
                },
            ],
        },
        "biz_opaque_callback_data": parts.reference.text(),
    });
    assert_eq!(body, documented);
}

#[test]
fn a_services_own_template_goes_before_the_accounts() {
    let of = |template_id: &str| {
        let parts = Parts { template_id: Some(template_id.into()), ..parts() };
        let template = sent(&parts).1["template"].clone();
        (
            template["name"].as_str().unwrap().to_owned(),
            template["language"]["code"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(of("shop_code"), ("shop_code".into(), "en_US".into()));
    assert_eq!(of("shop_code/ta"), ("shop_code".into(), "ta".into()));
    for bad in ["Shop Code", "shop_code/tamil", "shop_code/"] {
        let parts = Parts { template_id: Some(bad.into()), ..parts() };
        assert_eq!(whatsapp().encode(&parts.message()).err(), Some(Reason::TemplateUnapproved), "{bad}");
    }
}

#[test]
fn a_payment_that_the_template_cannot_name_is_not_approved() {
    let parts = parts();
    let message = Message { approves: Some("499.00 INR to Shop"), ..parts.message() };
    assert_eq!(whatsapp().encode(&message).err(), Some(Reason::TemplateUnapproved));
    assert_eq!((KIND.payments)(&account("template = \"login_code\"").unwrap()), Payments::Hidden);
}

#[test]
fn keys_that_cannot_work_are_refused_with_their_name() {
    let refused = |keys: &str| account(keys).err().unwrap_or_default();
    assert_eq!(refused("template = \"login_code\""), "");
    for (keys, key) in [
        ("", "template"),
        ("template = \"Login code\"", "template"),
        ("template = \"a\"\nlanguages = []", "languages"),
        ("template = \"a\"\nlanguages = [\"en-US\"]", "languages"),
        ("template = \"a\"\napi_version = \"24\"", "api_version"),
        ("template = \"a\"\nbusiness_account_id = \"me\"", "business_account_id"),
        ("template = \"a\"\nbase_url = \"https://graph.facebook.com/\"", "base_url"),
        ("template = \"a\"\ntoken = \"t\"", "token"),
    ] {
        assert!(refused(keys).contains(key), "{keys}: {}", refused(keys));
    }
    let number = "name = \"wa\"\nkind = \"whatsapp_cloud\"\nfrom = \"+15550783881\"\ntemplate = \"a\"";
    assert!(
        toml::from_str::<Account>(number).unwrap_err().message().contains("from: must be the number's id")
    );
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let taken = |status: &str| {
        let body = json!({
            "messaging_product": "whatsapp",
            "contacts": [{ "input": "+919876543210", "wa_id": "919876543210" }],
            "messages": [{ "id": WAMID, "message_status": status }],
        });
        answer(200, &body.to_string())
    };
    let failed = |status, code: i64| {
        let error = json!({ "error": { "message": "(#…) …", "type": "OAuthException", "code": code,
            "error_data": { "messaging_product": "whatsapp", "details": "…" }, "fbtrace_id": "A" } });
        answer(status, &error.to_string())
    };
    let is = CallOutcome::Failed;
    let cases = [
        (taken("accepted"), CallOutcome::Taken { provider_id: WAMID.into() }),
        (taken("held_for_quality_assessment"), CallOutcome::Taken { provider_id: WAMID.into() }),
        (taken("paused"), is(Reason::TemplateUnapproved)),
        (answer(200, "{}"), CallOutcome::Unknown),
        (failed(401, 190), is(Reason::AuthFailed)),
        (failed(400, 131_026), is(Reason::NotOnChannel)),
        (failed(400, 131_021), is(Reason::NotOnChannel)),
        (failed(404, 132_001), is(Reason::TemplateUnapproved)),
        (failed(400, 132_000), is(Reason::TemplateUnapproved)),
        (failed(400, 131_042), is(Reason::InsufficientBalance)),
        (failed(400, 133_010), is(Reason::SenderUnapproved)),
        (failed(403, 368), is(Reason::AuthFailed)),
        (failed(400, 130_429), CallOutcome::Throttled { retry_after_ms: None }),
        (failed(429, 131_056), CallOutcome::Failed(Reason::AbsentTemporary)),
        (failed(500, 131_000), is(Reason::ProviderDown)),
        (failed(503, 131_016), is(Reason::ProviderDown)),
        (failed(400, 131_049), is(Reason::Blocked)),
        (failed(400, 999_999), is(Reason::Rejected)),
        (answer(500, "<html>"), is(Reason::ProviderDown)),
        (answer(504, ""), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let account = account("template = \"a\"").unwrap();
    for (answer, outcome) in cases {
        assert_eq!(
            codes.outcome(&account.name, "whatsapp_cloud", whatsapp().classify(&answer)),
            outcome,
            "{answer:?}"
        );
    }
}

/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status>
fn event(account: &str, number: &str, statuses: &Value) -> String {
    let metadata = json!({ "display_phone_number": "15550783881", "phone_number_id": number });
    let value = json!({ "messaging_product": "whatsapp", "metadata": metadata, "statuses": statuses });
    let changes = json!([{ "value": value, "field": "messages" }]);
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": account, "changes": changes }] })
        .to_string()
}

fn status(id: &str, status: &str, reference: &Reference) -> Value {
    json!({
        "id": id,
        "status": status,
        "timestamp": "1750857384",
        "recipient_id": "919876543210",
        "biz_opaque_callback_data": reference.text(),
        "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "authentication" },
    })
}

fn hear(method: &str, query: &str, body: &str, signature: Option<&str>) -> Result<Heard, CallbackError> {
    let headers = signature.map(|value| (SIGNATURE_HEADER.to_owned(), value.to_owned()));
    let request = Request {
        method: method.into(),
        path: "/callbacks/wa".into(),
        query: query.into(),
        headers: headers.into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    let callback = Callback { url: "", request: &request, attempt: None, certificate: None, now: UnixMs(0) };
    whatsapp().hear(&callback)
}

fn signed(body: &str) -> Result<Heard, CallbackError> {
    hear("POST", "", body, Some(&sign("app_secret", body.as_bytes())))
}

#[test]
fn a_signed_batch_tells_of_each_of_our_messages_in_its_order() {
    let reference = parts().reference;
    let mut failed = status("wamid.3", "failed", &reference);
    failed["errors"] = json!([{ "code": 131_026, "title": "Message undeliverable" }]);
    let mut foreign = status("wamid.4", "delivered", &reference);
    foreign["biz_opaque_callback_data"] = json!("campaign");
    let statuses = json!([
        status("wamid.1", "read", &reference),
        status("wamid.1", "sent", &reference),
        status("wamid.2", "delivered", &reference),
        failed,
        foreign,
        status("wamid.5", "warning", &reference),
    ]);
    let heard = signed(&event(ACCOUNT, NUMBER, &statuses)).unwrap();
    let told =
        |id: &str, fate| Told { attempt: Some(reference.clone()), provider_id: id.into(), fate, cost: None };
    let code = Some("131026".to_owned());
    let expected = [
        told("wamid.1", Fate::Delivered),
        told("wamid.1", Fate::Sent),
        told("wamid.2", Fate::Delivered),
        told("wamid.3", Fate::Failed { code, fallback: Reason::Rejected }),
        told("wamid.5", Fate::Underway),
    ];
    assert_eq!(heard.told, expected);
    assert!(heard.reply.is_some(), "an answer of 200, or Meta posts again for a week");
}

#[test]
fn forged_altered_and_strangers_events_are_refused_and_other_numbers_ignored() {
    let statuses = json!([status(WAMID, "delivered", &parts().reference)]);
    let body = event(ACCOUNT, NUMBER, &statuses);
    assert_eq!(hear("POST", "", &body, None), Err(CallbackError::Signature));
    let forged = sign("another secret", body.as_bytes());
    assert_eq!(hear("POST", "", &body, Some(&forged)), Err(CallbackError::Signature));
    let genuine = sign("app_secret", body.as_bytes());
    let altered = body.replace("delivered", "failed");
    assert_eq!(hear("POST", "", &altered, Some(&genuine)), Err(CallbackError::Signature));
    assert_eq!(signed(&event("1", NUMBER, &statuses)), Err(CallbackError::OtherAccount));
    assert_eq!(signed(&event(ACCOUNT, "1", &statuses)).unwrap().told, []);
    assert_eq!(signed("{}"), Err(CallbackError::Malformed));
    assert_eq!(signed(&body.replace("whatsapp_business_account", "page")), Err(CallbackError::Malformed));
    let of_templates = body.replace("\"field\":\"messages\"", "\"field\":\"message_template_status_update\"");
    assert_ne!(of_templates, body);
    assert_eq!(signed(&of_templates).unwrap().told, []);
}

/// The vector of RFC 4231, section 4.3, as Meta writes it.
#[test]
fn the_signature_is_hmac_sha256_in_hexadecimal_digits() {
    let signature = sign("Jefe", b"what do ya want for nothing?");
    assert_eq!(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/// <https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests>
#[test]
fn the_address_is_confirmed_to_who_knows_the_token() {
    let ask = |query: &str| hear("GET", query, "", None);
    let asked = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify_token";
    assert_eq!(ask(asked).unwrap().reply.as_deref(), Some("1158201444"));
    assert_eq!(ask(&asked.replace("=verify_token", "=guess")), Err(CallbackError::Signature));
    assert_eq!(ask("hub.mode=subscribe&hub.challenge=1"), Err(CallbackError::Signature));
    assert_eq!(ask(&asked.replace("subscribe", "other")), Err(CallbackError::Malformed));
    assert_eq!(ask(&asked.replace("1158201444", "<script>")), Err(CallbackError::Malformed));
}

#[test]
fn the_check_names_the_number() {
    let call = whatsapp().check(UnixMs(0)).unwrap();
    assert!(
        call.url.starts_with(&format!("https://graph.facebook.com/v24.0/{NUMBER}?fields=")),
        "{}",
        call.url
    );
    let body =
        br#"{"display_phone_number":"+1 555 078 3881","verified_name":"Shop","quality_rating":"GREEN"}"#;
    let told = whatsapp().checked(&Answer { status: 200, retry_after_s: None, body: body.to_vec() });
    assert_eq!(told.unwrap(), "the number is +1 555 078 3881, as \"Shop\"; quality: GREEN");
    let body = br#"{"error":{"code":190}}"#.to_vec();
    let refused = whatsapp().checked(&Answer { status: 401, retry_after_s: None, body }).unwrap_err();
    assert_eq!((refused.code.as_deref(), refused.fallback), (Some("190"), Reason::AuthFailed));
}
