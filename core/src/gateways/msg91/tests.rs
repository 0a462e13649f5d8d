use serde_json::json;
use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;

use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const ID: &str = "346573746f6e6531323334";

fn msg91(keys: &str) -> Result<(Account, Msg91), String> {
    let text = format!("name = \"msg91\"\nkind = \"msg91\"\n{keys}");
    let account: Account = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    let secrets = Secrets::read(&account, |_| Some("a key".into()))?;
    let msg91 = Msg91::new(&account, &secrets)?;
    Ok((account, msg91))
}

fn body(call: Result<Call, Reason>) -> Value {
    let Ok(Call { body: Body::Json(body), .. }) = call else { panic!("no JSON") };
    body
}

/// As documented: <https://docs.msg91.com/sms/send-sms> and <https://api.msg91.com/apidoc/textsms/send-sms-flow.php>.
#[test]
fn a_template_is_filled_in_by_the_names_of_its_variables() {
    let parts = Parts { sender: None, ..Parts::usual() };
    let (_, plain) = msg91("template_id = \"5e1e93cad6fc054d8e759a5b\"").unwrap();
    let recipient = json!({"mobiles": "919876543210", "OTP": "012345"});
    let expected =
        json!({"template_id": "5e1e93cad6fc054d8e759a5b", "short_url": "0", "recipients": [recipient]});
    let call = plain.encode(&parts.message()).unwrap();
    assert_eq!((call.url.as_str(), call.method.as_str()), ("https://control.msg91.com/api/v5/flow", "POST"));
    assert!(matches!(&call.auth, Auth::Header("authkey", key) if key.expose() == "a key"));
    assert_eq!(body(Ok(call)), expected);

    let keys = "code_variable = \"VAR1\"\nbrand_variable = \"VAR2\"\nminutes_variable = \"VAR3\"\n\
                payment_variable = \"VAR4\"\nreference_variable = \"CRQID\"";
    let (_, full) = msg91(keys).unwrap();
    let parts = Parts { template_id: Some("flow2".into()), ..Parts::usual() };
    let message = Message { approves: Some("499.00 INR to Shop"), ..parts.message() };
    let recipient = json!({"mobiles": "919876543210", "VAR1": "012345", "VAR2": "Tiffin", "VAR3": "5",
                           "VAR4": "499.00 INR to Shop", "CRQID": parts.reference.text()});
    let sender = "+15005550006";
    let expected =
        json!({"template_id": "flow2", "short_url": "0", "sender": sender, "recipients": [recipient]});
    assert_eq!(body(full.encode(&message)), expected);
}

#[test]
fn nothing_goes_out_without_a_template_or_without_the_payment_that_it_approves() {
    let parts = Parts::usual();
    let (_, without) = msg91("").unwrap();
    assert_eq!(without.encode(&parts.message()).err(), Some(Reason::TemplateUnapproved));
    let (account, with) = msg91("template_id = \"f\"").unwrap();
    assert_eq!((KIND.payments)(&account), Payments::Hidden);
    let (account, _) = msg91("payment_variable = \"VAR4\"").unwrap();
    assert_eq!((KIND.payments)(&account), Payments::Shown);
    let message = Message { approves: Some("499.00 INR to Shop"), ..parts.message() };
    assert_eq!(with.encode(&message).err(), Some(Reason::TemplateUnapproved));
}

#[test]
fn keys_that_cannot_be_used_stop_the_boot() {
    for (keys, error) in [
        ("code_variable = \"##OTP##\"", "code_variable: must be a variable's name, without ##"),
        ("code_variable = \"mobiles\"", "code_variable: mobiles is taken"),
        ("brand_variable = \"OTP\"", "brand_variable: OTP is taken"),
        ("base_url = \"msg91\"", "base_url: must be an http(s) address"),
        ("flow = \"f\"", "unknown field `flow`"),
        ("template_id = \"\"", "template_id: must not be empty"),
    ] {
        assert!(msg91(keys).err().unwrap().contains(error), "{keys}");
    }
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let answer = |status, body: &str| Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
    let failed = CallOutcome::Failed;
    let cases = [
        (
            200,
            r#"{"message":"346573746f6e6531323334","type":"success"}"#,
            CallOutcome::Taken { provider_id: ID.into() },
        ),
        (200, r#"{"type":"success"}"#, CallOutcome::Unknown),
        (200, r#"{"message":"Authentication failure","type":"error"}"#, failed(Reason::AuthFailed)),
        (200, r#"{"message":"template id missing","type":"error"}"#, failed(Reason::TemplateUnapproved)),
        (200, r#"{"message":"no balance","code":"301","type":"error"}"#, failed(Reason::InsufficientBalance)),
        (200, r#"{"message":"twice","code":311,"type":"error"}"#, CallOutcome::Unknown),
        (200, r#"{"message":"bad","code":"202","type":"error"}"#, failed(Reason::InvalidNumber)),
        (200, r#"{"message":"of 919876543210","type":"error"}"#, failed(Reason::Rejected)),
        (
            401,
            r#"{"status":"fail","hasError":true,"errors":"Unauthorized","code":"401","apiError":"418"}"#,
            failed(Reason::AuthFailed),
        ),
        (200, r#"{"hasError":true,"errors":"Unauthorized"}"#, failed(Reason::AuthFailed)),
        (200, "<html>", CallOutcome::Unknown),
        (429, "", CallOutcome::Throttled { retry_after_ms: None }),
        (500, "", failed(Reason::ProviderDown)),
        (504, "", CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, msg91) = msg91("").unwrap();
    for (status, body, outcome) in cases {
        let answered = msg91.classify(&answer(status, body));
        assert_eq!(codes.outcome(&account.name, "msg91", answered), outcome, "{status} {body}");
    }
}

fn hear(kind: &str, body: &str) -> Result<Heard, CallbackError> {
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/msg91/secret".into(),
        query: String::new(),
        headers: [("content-type".to_owned(), kind.to_owned())].into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    let url = "https://core.example/callbacks/msg91/secret";
    let (_, msg91) = msg91("reference_variable = \"CRQID\"").unwrap();
    msg91.hear(&Callback { url, request: &request, attempt: None, certificate: None, now: UnixMs(0) })
}

fn v2(data: &Value) -> Result<Heard, CallbackError> {
    let pairs = [("data", data.to_string())];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    hear("application/x-www-form-urlencoded", &body)
}

/// <https://msg91.com/help/how-can-i-get-the-delivery-reports-on-my-webhook-url>
fn report(status: &str, reason: &str) -> Value {
    json!({"date": "2024-05-22 10:06:20", "amount": "0.01", "clientid": "", "INMSID": "0", "CRQID": "0",
           "ctCode": "900", "number": "919876543210", "credit": "1", "status": status, "desc": "DELIVERED",
           "failedReason": reason})
}

fn told(fate: Fate) -> Told {
    Told { attempt: None, provider_id: ID.into(), fate, cost: None }
}

#[test]
fn reports_of_every_version_are_read() {
    let both = json!([{"senderId": "TIFFIN", "requestId": ID, "report": [report("1", ""), report("9", "")],
                       "userId": "27", "campaignName": "API"}]);
    let ndnc = Fate::Failed { code: Some("STATUS_9".into()), fallback: Reason::Dnd };
    assert_eq!(v2(&both).unwrap().told, [told(Fate::Delivered), told(ndnc)]);

    let mut flat = report("1", "");
    flat["requestId"] = ID.into();
    assert_eq!(hear("application/json", &flat.to_string()).unwrap().told, [told(Fate::Delivered)]);
    let reference = Parts::usual().reference;
    flat["CRQID"] = reference.text().into();
    let attempt = Some(reference);
    let named = Told { attempt, ..told(Fate::Delivered) };
    assert_eq!(hear("application/json", &flat.to_string()).unwrap().told, [named]);

    let v4 = r#"[{"data":[{"meta":"0","INMSID":"0","description":"DELIVERED","ts":1726729500}],"event":"delivered"}]"#;
    assert_eq!(hear("application/json", v4), Ok(Heard::default()), "it names no message");
    let named = v4.replace("\"meta\":\"0\"", &format!("\"requestId\":\"{ID}\""));
    assert_eq!(hear("application/json", &named).unwrap().told, [told(Fate::Delivered)]);
}

#[test]
fn statuses_and_reasons_are_told_apart() {
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, _) = msg91("").unwrap();
    for (status, reason, expected) in [
        ("2", "", Some(Reason::Rejected)),
        ("9", "", Some(Reason::Dnd)),
        ("16", "", Some(Reason::Rejected)),
        ("17", "", Some(Reason::Blocked)),
        ("25", "", Some(Reason::Rejected)),
        ("2", "DLT Scrubbing", Some(Reason::DltTemplate)),
        ("2", "FAILED_DLT_ENTITY", Some(Reason::DltEntity)),
        ("16", "DND", Some(Reason::Dnd)),
        ("16", "Absent Subscriber", Some(Reason::AbsentTemporary)),
        ("17", "of 919876543210", Some(Reason::Blocked)),
        ("Failed", "", Some(Reason::Rejected)),
        ("Blocked Number", "", Some(Reason::Blocked)),
        ("5", "", None),
    ] {
        let data = json!([{"requestId": ID, "report": [report(status, reason)]}]);
        let Fate::Failed { code, fallback } = v2(&data).unwrap().told.remove(0).fate else {
            assert_eq!(expected, None, "{status} {reason}");
            continue;
        };
        let reason_found = codes.reason(&account.name, "msg91", code.as_deref(), fallback);
        assert_eq!(Some(reason_found), expected, "{status} {reason}");
        assert!(!code.unwrap_or_default().contains("98765"), "a number is no code");
    }
}

#[test]
fn what_is_no_report_is_refused() {
    for (kind, body) in [
        ("application/json", "nothing"),
        ("application/json", "7"),
        ("application/json", r#"{"requestId":"346573746f6e6531323334"}"#),
        ("application/x-www-form-urlencoded", "data=nothing"),
        ("application/x-www-form-urlencoded", "report=1"),
    ] {
        assert_eq!(hear(kind, body), Err(CallbackError::Malformed), "{kind} {body}");
    }
}
