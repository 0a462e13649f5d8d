//! Vonage's Messages API: the adapter against the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::common::answer;

const KEYS: &str = "name = 'vonage'\nkind = 'vonage_messages'\nbase_url = '{base}'\n\
                    api_key = 'abcd1234'\nfrom = 'AcmeInc'";
const SECRETS: [(&str, &str); 2] = [("api_secret", "api secret"), ("signature_secret", "signature secret")];

#[tokio::test]
async fn a_message_arrives_and_its_signed_receipts_are_heard() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.arrives().await;
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    let wrong = [("api_secret", "wrong"), ("signature_secret", "signature secret")];
    assert_eq!(bench.send_as(KEYS, &wrong).await, refused);
    assert_eq!(bench.send_as(&KEYS.replace("abcd1234", "wxyz9876"), &SECRETS).await, refused);
    assert!(bench.inbox().await.is_empty());
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::InvalidNumber));
    bench.fault(&json!({"mode": "reject", "code": 1240})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::OptedOut));
    bench.fault(&json!({"mode": "failed_receipt"})).await;
    let provider_id = bench.taken().await;
    let failed = Fate::Failed { code: Some("1180".into()), fallback: Reason::Rejected };
    bench.hears(&provider_id, &[Fate::Sent, failed]).await;
}

#[tokio::test]
async fn faults_are_told_apart() {
    Bench::start(KEYS, &SECRETS, &[]).await.faults_are_told_apart().await;
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_codes() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
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
        let request = bench.sandbox.client.post(format!("{}/v1/messages", bench.sandbox.base)).json(&body);
        let (status, problem) = answer(request.basic_auth("abcd1234", Some("api secret"))).await;
        let kind = format!("https://developer.vonage.com/api-errors/messages#{code}");
        assert_eq!((status, problem["type"].as_str()), (422, Some(kind.as_str())), "{name}");
    }
}
