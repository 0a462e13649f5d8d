//! Twilio's adapters for WhatsApp and calls against their provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::host;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::time::UnixMs;

use crate::bench::Bench;
use crate::bench::CODE;
use crate::common::ACCOUNT;
use crate::common::PHONE;

const SECRETS: [(&str, &str); 1] = [("auth_token", "a token")];

fn account(kind: &str, from: &str, keys: &str) -> String {
    let login = format!("name = 'twilio'\nkind = '{kind}'\nbase_url = '{{base}}'\naccount_sid = '{ACCOUNT}'");
    format!("{login}\nfrom = '{from}'\n{keys}")
}

fn voice(keys: &str) -> String {
    account("twilio_voice", "+15005550006", keys)
}

fn whatsapp(keys: &str) -> String {
    account("twilio_whatsapp", "+14155238886", keys)
}

#[tokio::test]
async fn a_call_says_the_digits_and_a_person_who_takes_it_is_a_delivery() {
    let bench = Bench::start(&voice(""), &SECRETS, &[]).await;
    let id = bench.taken().await;
    let inbox = bench.entries().await;
    let said = "4 8 2 9 1 5 is your \"Tiffin\" code & more: ü @example.com #482915";
    assert_eq!((&inbox[0]["text"], &inbox[0]["channel"]), (&json!(said), &json!("voice")));
    assert_eq!((&inbox[0]["to"], &inbox[0]["id"]), (&json!(PHONE), &json!(id)));
    bench.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert_eq!(bench.check().await.unwrap(), "the account is active");
}

#[tokio::test]
async fn what_is_queued_is_stopped_and_what_has_left_is_erased_where_its_fate_is_final() {
    let sms = account("twilio", "+15005550006", "");
    for (keys, at_the_end) in
        [(sms, Recall::Erased), (voice(""), Recall::TooLate), (whatsapp(""), Recall::Erased)]
    {
        let bench = Bench::start(&keys, &SECRETS, &[]).await;
        bench.fault(&json!({"mode": "queued"})).await;
        let id = bench.taken().await;
        assert_eq!(bench.fares(&id).await, Some(("queued".into(), Fate::Underway)), "{keys}");
        assert_eq!(bench.recall(&id).await, Some(Recall::Stopped), "{keys}");
        let stopped = Fate::Failed { code: None, fallback: Reason::CalledOff };
        assert_eq!(bench.fares(&id).await, Some(("canceled".into(), stopped.clone())), "{keys}");
        bench.hears(&id, &[stopped]).await;
        assert!(bench.inbox().await.is_empty(), "{keys}");

        bench.fault(&json!({"mode": "receipt_first"})).await;
        let id = bench.taken().await;
        assert_eq!(bench.fares(&id).await.map(|(_, fate)| fate), Some(Fate::Delivered), "{keys}");
        assert_eq!(bench.recall(&id).await, Some(at_the_end), "{keys}");
        assert_eq!(bench.inbox().await.len(), 1, "the phone has it all the same");
        assert_eq!(bench.fares("SM00000000000000000000000000000000").await, None, "{keys}");
    }
}

#[tokio::test]
async fn what_becomes_of_a_call_is_told() {
    let bench = Bench::start(&voice(""), &SECRETS, &[]).await;
    let failed = |code: &str, fallback| [Fate::Sent, Fate::Failed { code: Some(code.into()), fallback }];
    for (code, told, fallback) in [
        ("no-answer", "no-answer", Reason::NotAnswered),
        ("busy", "busy", Reason::NotAnswered),
        ("machine", "machine_start", Reason::NotAnswered),
        ("fax", "fax", Reason::NotAnswered),
        ("failed", "failed", Reason::Rejected),
        ("sip-404", "sip-404", Reason::Rejected),
    ] {
        bench.fault(&json!({"mode": "failed_receipt", "code": code})).await;
        let id = bench.taken().await;
        bench.hears(&id, &failed(told, fallback)).await;
    }
    assert!(bench.inbox().await.is_empty());
}

#[tokio::test]
async fn without_machine_detection_no_call_counts_as_delivered() {
    let bench = Bench::start(&voice("machine_detection = false"), &SECRETS, &[]).await;
    let id = bench.taken().await;
    bench.hears(&id, &[Fate::Sent, Fate::Sent]).await;
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_in_the_list() {
    let bench = Bench::start(&voice(""), &SECRETS, &[]).await;
    assert_eq!(bench.look_up(UnixMs(0)).await, Found::Missing);
    bench.fault(&json!({"mode": "reset_taken"})).await;
    assert_eq!(bench.send().await, CallOutcome::Unknown);
    let inbox = bench.entries().await;
    let id = inbox[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.look_up(UnixMs(0)).await, Found::Taken { provider_id: id });
    let later = UnixMs(host::now().0 + 3_600_000);
    assert_eq!(bench.look_up(later).await, Found::Missing, "made before the call");
}

#[tokio::test]
async fn a_whatsapp_message_through_twilio_arrives_by_text_or_template() {
    for keys in ["", "contents = { en = 'HX0123456789abcdef0123456789abcdef' }"] {
        let bench = Bench::start(&whatsapp(keys), &SECRETS, &[]).await;
        assert_eq!(bench.look_up(UnixMs(0)).await, Found::Missing);
        let id = bench.taken().await;
        let inbox = bench.entries().await;
        assert_eq!((&inbox[0]["to"], &inbox[0]["channel"]), (&json!(PHONE), &json!("whatsapp")));
        assert!(inbox[0]["text"].as_str().unwrap().contains(CODE));
        assert_eq!(bench.look_up(UnixMs(0)).await, Found::Taken { provider_id: id.clone() });
        bench.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    }
}

#[tokio::test]
async fn strangers_are_refused_and_faults_have_the_channels_codes() {
    for (keys, reject) in [(voice(""), Reason::CountryDisabled), (whatsapp(""), Reason::NotOnChannel)] {
        let bench = Bench::start(&keys, &SECRETS, &[]).await;
        let stranger = bench.send_as(&keys, &[("auth_token", "wrong")]).await;
        assert_eq!(stranger, CallOutcome::Failed(Reason::AuthFailed));
        bench.fault(&json!({"mode": "reject"})).await;
        assert_eq!(bench.send().await, CallOutcome::Failed(reject));
    }
}
