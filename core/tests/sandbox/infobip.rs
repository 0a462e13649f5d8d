//! Infobip: the adapter against the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;

use crate::common::answer;
use crate::provider::Provider;
use crate::provider::reference;

const KIND: &str = "infobip";
const KEYS: &str = "from = 'InfoSMS'";
const SECRETS: [(&str, &str); 2] =
    [("api_key", "003026bbc133714d"), ("callback_secret", "a-secret-of-the-door")];

#[tokio::test]
async fn a_message_arrives_and_its_reports_come_through_the_door_with_the_secret() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    assert_eq!(provider.look_up().await, Found::Missing);
    let provider_id = provider.a_message_arrives().await;
    assert_eq!(provider_id, reference().text(), "the id is ours");
    assert_eq!(provider.look_up().await, Found::Taken { provider_id });
    assert_eq!(provider.heard().remove(0).unwrap().told.remove(0).attempt, Some(reference()));
    assert!(provider.paths()[0].ends_with("/a-secret-of-the-door"));
    // The same attempt once more is not a second message.
    assert_eq!(provider.send().await, CallOutcome::Unknown);
    assert_eq!(provider.inbox().await.len(), 1);
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    assert_eq!(provider.send_with(KIND, KEYS, &[("api_key", "wrong")]).await, refused);
    assert!(provider.inbox().await.is_empty());
    assert_eq!(provider.check().await.unwrap(), "the balance is 47.79 EUR");
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    provider.fault(&json!({"mode": "reject"})).await;
    assert_eq!(provider.send().await, CallOutcome::Failed(Reason::Blocked));
    provider.fault(&json!({"mode": "reject", "code": "REJECTED_NOT_ENOUGH_CREDITS"})).await;
    assert_eq!(provider.send().await, CallOutcome::Failed(Reason::InsufficientBalance));
    provider.fault(&json!({"mode": "failed_receipt"})).await;
    assert!(matches!(provider.send().await, CallOutcome::Taken { .. }));
    let failed =
        Fate::Failed { code: Some("EC_ABSENT_SUBSCRIBER".into()), fallback: Reason::AbsentTemporary };
    assert_eq!(provider.fates(2).await, [Fate::Sent, failed]);
}

#[tokio::test]
async fn faults_are_told_apart_and_what_was_taken_is_found() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    provider.its_faults_are_told_apart().await;
    assert_eq!(provider.look_up().await, Found::Taken { provider_id: reference().text() });
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_names() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    let url = format!("{}/sms/3/messages", provider.base);
    let send = async |body: serde_json::Value| {
        let request = provider.client.post(&url).json(&body).header("authorization", "App 003026bbc133714d");
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
