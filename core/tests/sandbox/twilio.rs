//! Twilio's adapters for WhatsApp and calls against their provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::time::UnixMs;

use crate::common::PHONE;
use crate::peer::CODE;
use crate::peer::Peer;
use crate::peer::wrong_secret;

const ACCOUNT: &str = "account_sid = 'AC0123456789abcdef0123456789abcdef'";

async fn calls() -> Peer {
    Peer::start("twilio_voice", &format!("{ACCOUNT}\nfrom = '+15005550006'")).await
}

async fn whatsapp(keys: &str) -> Peer {
    Peer::start("twilio_whatsapp", &format!("{ACCOUNT}\nfrom = '+14155238886'\n{keys}")).await
}

#[tokio::test]
async fn a_call_says_the_digits_and_a_person_who_takes_it_is_a_delivery() {
    let peer = calls().await;
    let id = peer.send().await;
    let inbox = peer.sandbox.inbox("").await;
    let said = "Hello. Your Tiffin code is 4 8 2 9 1 5. Never share it.";
    assert_eq!((&inbox[0]["text"], &inbox[0]["channel"]), (&json!(said), &json!("voice")));
    assert_eq!((&inbox[0]["to"], &inbox[0]["id"]), (&json!(PHONE), &json!(id)));
    peer.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert_eq!(peer.check().await, "the account is active");
}

#[tokio::test]
async fn what_becomes_of_a_call_is_told() {
    let peer = calls().await;
    let failed = |code: &str, fallback| [Fate::Sent, Fate::Failed { code: Some(code.into()), fallback }];
    for (code, told, fallback) in [
        ("no-answer", "no-answer", Reason::NotAnswered),
        ("busy", "busy", Reason::NotAnswered),
        ("machine", "machine_start", Reason::NotAnswered),
        ("fax", "fax", Reason::NotAnswered),
        ("failed", "failed", Reason::Rejected),
        ("sip-404", "sip-404", Reason::Rejected),
    ] {
        peer.forget();
        peer.fault(&json!({"mode": "failed_receipt", "code": code})).await;
        let id = peer.send().await;
        peer.hears(&id, &failed(told, fallback)).await;
    }
    assert!(peer.sandbox.inbox("").await.is_empty());
}

#[tokio::test]
async fn without_machine_detection_no_call_counts_as_delivered() {
    let keys = format!("{ACCOUNT}\nfrom = '+15005550006'\nmachine_detection = false");
    let peer = Peer::start("twilio_voice", &keys).await;
    let id = peer.send().await;
    peer.hears(&id, &[Fate::Sent, Fate::Sent]).await;
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_in_the_list() {
    let peer = calls().await;
    assert_eq!(peer.look_up(UnixMs(0)).await, Found::Missing);
    peer.fault(&json!({"mode": "reset_taken"})).await;
    assert_eq!(peer.send_as(crate::peer::secret).await, Err(CallOutcome::Unknown));
    let inbox = peer.sandbox.inbox("").await;
    let id = inbox[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(peer.look_up(UnixMs(0)).await, Found::Taken { provider_id: id });
    let later = UnixMs(peer.now().0 + 3_600_000);
    assert_eq!(peer.look_up(later).await, Found::Missing, "made before the call");
}

#[tokio::test]
async fn a_whatsapp_message_through_twilio_arrives_by_text_or_template() {
    for keys in ["", "contents = { en = 'HX0123456789abcdef0123456789abcdef' }"] {
        let peer = whatsapp(keys).await;
        assert_eq!(peer.look_up(UnixMs(0)).await, Found::Missing);
        let id = peer.send().await;
        let inbox = peer.sandbox.inbox("").await;
        assert_eq!((&inbox[0]["to"], &inbox[0]["channel"]), (&json!(PHONE), &json!("whatsapp")));
        assert!(inbox[0]["text"].as_str().unwrap().contains(CODE));
        assert_eq!(peer.look_up(UnixMs(0)).await, Found::Taken { provider_id: id.clone() });
        peer.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    }
}

#[tokio::test]
async fn strangers_are_refused_and_faults_have_the_channels_codes() {
    for (peer, reject) in [(calls().await, "21215"), (whatsapp("").await, "63024")] {
        match peer.send_as(wrong_secret).await {
            Ok(Answered::Refused(refusal)) => assert_eq!(refusal.code.as_deref(), Some("20003")),
            other => panic!("not refused: {other:?}"),
        }
        peer.fault(&json!({"mode": "reject"})).await;
        assert_eq!(peer.refused().await.as_deref(), Some(reject));
    }
}
