//! Infobip: the adapter against the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::time::UnixMs;

use crate::bench::Bench;
use crate::bench::DOOR;
use crate::common::answer;
use crate::common::eventually;

const KEYS: &str = "name = 'infobip'\nkind = 'infobip'\nbase_url = '{base}'\n\
                    from = 'InfoSMS'";
const SECRETS: [(&str, &str); 2] = [("api_key", "003026bbc133714d"), ("callback_secret", DOOR)];

#[tokio::test]
async fn a_message_arrives_and_its_reports_come_through_the_door_with_the_secret() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    assert_eq!(bench.look_up(UnixMs(0)).await, Found::Missing);
    let provider_id = bench.arrives().await;
    assert_eq!(provider_id, Bench::reference().text(), "the id is ours");
    assert_eq!(bench.look_up(UnixMs(0)).await, Found::Taken { provider_id });
    assert_eq!(bench.posted(1).await[0].path, format!("/callbacks/infobip/{DOOR}"));
    // The same attempt once more is not a second message.
    assert_eq!(bench.send().await, CallOutcome::Unknown);
    assert_eq!(bench.inbox().await.len(), 1);
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    assert_eq!(bench.send_as(KEYS, &[("api_key", "wrong")]).await, refused);
    assert!(bench.inbox().await.is_empty());
    assert_eq!(bench.check().await.unwrap(), "the balance is 47.79 EUR");
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::Blocked));
    bench.fault(&json!({"mode": "reject", "code": "REJECTED_NOT_ENOUGH_CREDITS"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::InsufficientBalance));
    bench.fault(&json!({"mode": "failed_receipt"})).await;
    let provider_id = bench.taken().await;
    let failed =
        Fate::Failed { code: Some("EC_ABSENT_SUBSCRIBER".into()), fallback: Reason::AbsentTemporary };
    bench.hears(&provider_id, &[Fate::Sent, failed]).await;
}

#[tokio::test]
async fn faults_are_told_apart_and_what_was_taken_is_found() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.faults_are_told_apart().await;
    assert_eq!(bench.look_up(UnixMs(0)).await, Found::Taken { provider_id: Bench::reference().text() });
}

#[tokio::test]
async fn a_message_whose_report_does_not_come_is_asked_after() {
    let failed =
        Fate::Failed { code: Some("EC_ABSENT_SUBSCRIBER".into()), fallback: Reason::AbsentTemporary };
    for (script, word, fate) in [
        (
            json!({"mode": "late_receipt", "receipt_after_ms": 60_000}),
            "DELIVERED_TO_HANDSET",
            Fate::Delivered,
        ),
        (json!({"mode": "failed_receipt"}), "UNDELIVERABLE_NOT_DELIVERED", failed),
    ] {
        let bench = Bench::start(KEYS, &SECRETS, &[]).await;
        bench.fault(&script).await;
        let provider_id = bench.taken().await;
        assert!(matches!(bench.fares(&provider_id).await, Some((_, Fate::Underway | Fate::Sent))));
        let is_final = async || bench.fares(&provider_id).await == Some((word.to_owned(), fate.clone()));
        eventually("the provider's last word", is_final).await;
        assert_eq!(bench.fares("another").await, None);
    }
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_names() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let url = format!("{}/sms/3/messages", bench.sandbox.base);
    let send = async |body: serde_json::Value| {
        let request =
            bench.sandbox.client.post(&url).json(&body).header("authorization", "App 003026bbc133714d");
        let (status, body) = answer(request).await;
        let name = &body["messages"][0]["status"]["name"];
        (status, name.as_str().or(body["errorCode"].as_str()).unwrap_or_default().to_owned())
    };
    let message = |to: &str, text: &str| json!({"messages": [{"destinations": [{"to": to}], "content": {"text": text}}]});
    for (body, status, name) in [
        (message("41793026727", "1"), 200, "PENDING_ACCEPTED"),
        (message("", "1"), 200, "MISSING_TO"),
        (message("12", "1"), 200, "REJECTED_DESTINATION"),
        (message("41793026727", &"a".repeat(4_001)), 200, "REJECTED_MESSAGE_TOO_LONG"),
        (json!({"messages": []}), 400, "E400"),
    ] {
        assert_eq!(send(body).await, (status, name.to_owned()));
    }
}
