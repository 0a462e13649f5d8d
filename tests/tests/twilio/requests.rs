//! What we send is what Twilio's library would send.

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::call::Body;
use tiffin_tests::twilio;
use tiffin_tests::twilio::ACCOUNT;
use tiffin_tests::twilio::CALLBACK;
use tiffin_tests::twilio::TEXT;
use tiffin_tests::twilio::TOKEN;
use tiffin_tests::twilio::adapter;
use tiffin_tests::twilio::told;

use crate::library;

const NUMBER: &str = "+15005550006";
const POOL: &str = "MG0123456789abcdef0123456789abcdef";
const CONTENT: &str = "HX0123456789abcdef0123456789abcdef";
const TO: &str = "+919876543210";

/// A question for the library, and our own request.
fn cases() -> Vec<(&'static str, Value, Value)> {
    let contents = format!("contents = {{ en = '{CONTENT}' }}");
    let sent = |kind: &str, from: &str, keys: &str| {
        let adapter = adapter(kind, from, keys);
        twilio::with(from, |message| told(adapter.encode(message).unwrap()))
    };
    let asked = |kind: &str, from: &str| {
        let adapter = adapter(kind, from, "");
        twilio::with(from, |message| told(adapter.query(message).unwrap()))
    };
    let (to, from) = (format!("whatsapp:{TO}"), format!("whatsapp:{NUMBER}"));
    let terms = json!({ "status_callback": CALLBACK, "validity_period": 300 });
    let with_terms = |given: Value| {
        let fields = terms.as_object().into_iter().chain(given.as_object()).flatten();
        Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let call = json!({
        "to": TO, "from_": NUMBER, "twiml": twiml(), "timeout": 25, "time_limit": 120, "status_callback": CALLBACK,
        "status_callback_event": ["initiated", "completed"], "machine_detection": "Enable", "machine_detection_timeout": 6,
    });
    vec![
        (
            "message",
            with_terms(json!({ "to": TO, "from_": NUMBER, "body": TEXT })),
            sent("twilio", NUMBER, ""),
        ),
        (
            "message",
            with_terms(json!({ "to": TO, "messaging_service_sid": POOL, "body": TEXT })),
            sent("twilio", POOL, ""),
        ),
        (
            "message",
            with_terms(json!({ "to": to, "from_": from, "body": TEXT })),
            sent("twilio_whatsapp", NUMBER, ""),
        ),
        (
            "message",
            with_terms(json!({ "to": to, "from_": from, "content_sid": CONTENT,
                "content_variables": "{\"1\":\"482915\"}" })),
            sent("twilio_whatsapp", NUMBER, &contents),
        ),
        ("call", call, sent("twilio_voice", NUMBER, "")),
        ("messages", json!({ "to": TO, "from_": NUMBER, "page_size": 20 }), asked("twilio", NUMBER)),
        ("messages", json!({ "to": TO, "page_size": 20 }), asked("twilio", POOL)),
        ("messages", json!({ "to": to, "from_": from, "page_size": 20 }), asked("twilio_whatsapp", NUMBER)),
        ("calls", json!({ "to": TO, "from_": NUMBER, "page_size": 20 }), asked("twilio_voice", NUMBER)),
        (
            "account",
            json!({}),
            told(adapter("twilio", NUMBER, "").check(tiffin_shared::time::UnixMs(0)).unwrap()),
        ),
    ]
}

fn twiml() -> String {
    let adapter = adapter("twilio_voice", NUMBER, "");
    let Body::Form(form) = twilio::with(NUMBER, |message| adapter.encode(message).unwrap()).body else {
        panic!("a form")
    };
    form.into_iter().find(|(name, _)| *name == "Twiml").unwrap().1
}

#[test]
fn every_request_is_the_one_that_twilios_library_makes() -> anyhow::Result<()> {
    let cases = cases();
    let question = |(what, given, _): &(&str, Value, Value)| json!({ "what": what, "given": given, "account": ACCOUNT, "token": TOKEN });
    let theirs = library(&cases.iter().map(question).collect::<Vec<_>>())?;
    for (mut theirs, (what, given, ours)) in theirs.into_iter().zip(cases) {
        for part in ["query", "form"] {
            let pairs: Vec<(String, String)> = serde_json::from_value(theirs[part].take())?;
            theirs[part] = json!(twilio::sorted(pairs));
        }
        assert_eq!(ours, theirs, "{what} {given}");
    }
    Ok(())
}
