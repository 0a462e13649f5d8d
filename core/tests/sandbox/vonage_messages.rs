//! Vonage's Messages API: the adapter against the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::common::answer;
use crate::provider::Provider;
use crate::provider::reference;

const KIND: &str = "vonage_messages";
const KEYS: &str = "api_key = 'abcd1234'\nfrom = 'AcmeInc'";
const SECRETS: [(&str, &str); 2] = [("api_secret", "api secret"), ("signature_secret", "signature secret")];

#[tokio::test]
async fn a_message_arrives_and_its_signed_receipts_are_heard() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    provider.a_message_arrives().await;
    assert_eq!(provider.heard().remove(0).unwrap().told.remove(0).attempt, Some(reference()));
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    let wrong = [("api_secret", "wrong"), ("signature_secret", "signature secret")];
    assert_eq!(provider.send_with(KIND, KEYS, &wrong).await, refused);
    assert_eq!(provider.send_with(KIND, "api_key = 'wxyz9876'\nfrom = 'A'", &SECRETS).await, refused);
    assert!(provider.inbox().await.is_empty());
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    provider.fault(&json!({"mode": "reject"})).await;
    assert_eq!(provider.send().await, CallOutcome::Failed(Reason::InvalidNumber));
    provider.fault(&json!({"mode": "reject", "code": 1240})).await;
    assert_eq!(provider.send().await, CallOutcome::Failed(Reason::OptedOut));
    provider.fault(&json!({"mode": "failed_receipt"})).await;
    assert!(matches!(provider.send().await, CallOutcome::Taken { .. }));
    let failed = Fate::Failed { code: Some("1180".into()), fallback: Reason::Rejected };
    assert_eq!(provider.fates(2).await, [Fate::Sent, failed]);
}

#[tokio::test]
async fn faults_are_told_apart() {
    Provider::start(KIND, KEYS, &SECRETS).await.its_faults_are_told_apart().await;
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_codes() {
    let provider = Provider::start(KIND, KEYS, &SECRETS).await;
    let usual = json!({"channel": "sms", "message_type": "text", "to": "919876543210", "from": "AcmeInc", "text": "1"});
    for (name, value, code) in [
        ("to", json!("+919876543210"), "1430"),
        ("from", json!("+15005550006"), "1120"),
        ("text", json!(""), "1020"),
        ("text", json!("a".repeat(3_201)), "1090"),
        ("ttl", json!(19), "1130"),
        ("channel", json!("pigeon"), "1020"),
        ("client_ref", json!("a".repeat(101)), "1020"),
        ("to", json!(null), "1020"),
    ] {
        let mut body = usual.clone();
        body[name] = value;
        let request = provider.client.post(format!("{}/v1/messages", provider.base)).json(&body);
        let (status, problem) = answer(request.basic_auth("abcd1234", Some("api secret"))).await;
        let kind = format!("https://developer.vonage.com/api-errors/messages#{code}");
        assert_eq!((status, problem["type"].as_str()), (422, Some(kind.as_str())), "{name}");
    }
}
