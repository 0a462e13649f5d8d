use std::collections::BTreeMap;

use tiffin_shared::http::Request;
use tiffin_shared::text::Locale;

use super::super::SIGNATURE_HEADER;
use super::super::signature;
use super::*;
use crate::gateways::call::Body;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const SID: &str = "CA0123456789abcdef0123456789abcdef";

fn account(keys: &str) -> Result<Account, String> {
    let text = format!("name = \"calls\"\nkind = \"twilio_voice\"\naccount_sid = \"{ACCOUNT}\"\n{keys}");
    toml::from_str(&text).map_err(|error: toml::de::Error| error.message().to_owned())
}

fn voice(keys: &str) -> Voice {
    let account = account(&format!("from = \"+15005550006\"\n{keys}")).unwrap();
    Voice::new(&account, &Secrets::read(&account, |_| Some("token".into())).unwrap()).unwrap()
}

fn form(voice: &Voice, parts: &Parts) -> Vec<(&'static str, String)> {
    let Ok(Call { url, body: Body::Form(form), .. }) = voice.encode(&parts.message()) else {
        panic!("it is encoded")
    };
    assert_eq!(url, format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    form
}

/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
#[test]
fn a_call_carries_what_it_says_and_whom_to_tell() {
    let mut parts = Parts::usual();
    parts.content.locale = Locale::read("hi-IN");
    let sent = form(&voice(""), &parts);
    let events = sent.iter().filter(|(name, _)| *name == "StatusCallbackEvent");
    assert_eq!(events.map(|(_, event)| event.as_str()).collect::<Vec<_>>(), ["initiated", "completed"]);
    let sent: BTreeMap<_, _> = sent.into_iter().collect();
    assert_eq!((&*sent["To"], &*sent["From"]), ("+919876543210", "+15005550006"));
    assert_eq!((&*sent["Timeout"], &*sent["MachineDetection"]), ("25", "Enable"));
    assert_eq!(sent["StatusCallback"], parts.callback_url);
    assert!(sent["Twiml"].contains("language=\"hi-IN\" voice=\"Polly.Aditi\""), "{}", sent["Twiml"]);
    assert!(!sent["Twiml"].contains("012345"), "digit by digit");
    let plain: BTreeMap<_, _> =
        form(&voice("machine_detection = false\nring_s = 15"), &parts).into_iter().collect();
    assert_eq!((&*plain["Timeout"], plain.get("MachineDetection")), ("15", None));
}

#[test]
fn the_longest_text_of_a_service_can_be_read() {
    let mut parts = Parts::usual();
    // 600 characters of a template, a brand of 30, and a payment of some 150.
    parts.content.text = format!("012345{}", "a".repeat(780));
    assert!(voice("").encode(&parts.message()).is_ok());
    parts.content.text = "<".repeat(2_000);
    assert_eq!(voice("").encode(&parts.message()).err(), Some(Reason::Rejected));
}

#[test]
fn keys_that_cannot_work_are_refused_with_their_name() {
    let refused = |keys: &str| account(keys).err().unwrap_or_default();
    assert_eq!(refused("from = \"+15005550006\""), "");
    assert!(refused("").contains("from: "));
    assert!(refused("from = \"TIFFIN\"").contains("from: "));
    assert!(refused("from = \"+15005550006\"\nring_s = 600").contains("ring_s"));
}

/// Of what became of a call, only a person on the line is a delivery.
#[test]
fn a_machine_is_nobody_who_took_the_call() {
    let codes = Codes::new(Corrections::default()).unwrap();
    let name = account("from = \"+15005550006\"").unwrap().name;
    let reason = |fate: &Fate| match fate {
        Fate::Failed { code, fallback } => codes.reason(&name, "twilio", code.as_deref(), *fallback),
        other => panic!("no failure: {other:?}"),
    };
    let of = |status: &str, by: Option<&str>| fate(status, by, None);
    assert_eq!(of("completed", Some("human")), Fate::Delivered);
    for machine in ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"] {
        assert_eq!(reason(&of("completed", Some(machine))), Reason::NotAnswered, "{machine}");
    }
    for (status, by) in [("completed", Some("unknown")), ("completed", None), ("initiated", None)] {
        assert_eq!(of(status, by), Fate::Sent, "{status} {by:?}");
    }
    for status in ["queued", "ringing", "in-progress"] {
        assert_eq!(of(status, Some("human")), Fate::Underway);
    }
    for (status, expected) in
        [("busy", Reason::NotAnswered), ("no-answer", Reason::NotAnswered), ("canceled", Reason::CalledOff)]
    {
        assert_eq!(reason(&of(status, None)), expected, "{status}");
    }
    for (sip, expected) in [
        (None, Reason::Rejected),
        (Some("404"), Reason::AbsentPermanent),
        (Some("480"), Reason::AbsentTemporary),
        (Some("503"), Reason::ProviderDown),
        (Some("999"), Reason::Rejected),
    ] {
        assert_eq!(reason(&fate("failed", None, sip)), expected, "{sip:?}");
    }
}

#[test]
fn only_callbacks_signed_for_this_address_and_account_are_read() {
    let (url, attempt) = ("https://core.example/callbacks/calls?order=o&n=1", Parts::usual().reference);
    let read = |url: &str, body: &str, signature: &str| {
        let headers = [(SIGNATURE_HEADER.to_owned(), signature.to_owned())];
        let request = Request {
            method: "POST".into(),
            path: "/callbacks/calls".into(),
            query: url.split_once('?').unwrap().1.into(),
            headers: headers.into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        let attempt = Some(&attempt);
        voice("").hear(&Callback { url, request: &request, attempt, certificate: None, now: UnixMs(0) })
    };
    let sign = |url: &str, body: &str| {
        let form: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        signature::sign("token", url, &form)
    };
    let body = format!("CallSid={SID}&CallStatus=completed&AnsweredBy=human&AccountSid={ACCOUNT}");
    let told =
        Told { attempt: Some(attempt.clone()), provider_id: SID.into(), fate: Fate::Delivered, cost: None };
    assert_eq!(read(url, &body, &sign(url, &body)), Ok(told.clone().into()));
    let machine = body.replace("human", "machine_start");
    assert_eq!(read(url, &machine, &sign(url, &body)), Err(CallbackError::Signature));
    assert_eq!(read(&url.replace("n=1", "n=2"), &body, &sign(url, &body)), Err(CallbackError::Signature));
    let other = body.replace(ACCOUNT, "AC00000000000000000000000000000002");
    assert_eq!(read(url, &other, &sign(url, &other)), Err(CallbackError::OtherAccount));
    let no_sid = body.replace(SID, "CA1");
    assert_eq!(read(url, &no_sid, &sign(url, &no_sid)), Err(CallbackError::Malformed));
    // printf '{"CallSid":…}' | sha256sum: a body that is no form is hashed into the address.
    let json = format!(r#"{{"CallSid":"{SID}","CallStatus":"completed","AnsweredBy":"human"}}"#);
    let hash = <sha2::Sha256 as sha2::Digest>::digest(json.as_bytes());
    let hash = hash.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let hashed = format!("{url}&bodySHA256={hash}");
    let signed = signature::sign("token", &hashed, &[]);
    assert_eq!(read(&hashed, &json, &signed), Ok(told.into()));
    assert_eq!(read(&hashed, &json.replace("human", "fax"), &signed), Err(CallbackError::Signature));
}
