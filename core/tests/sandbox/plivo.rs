//! Plivo: the adapter against the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::common::answer;
use crate::common::eventually;

const AUTH_ID: &str = "MAXXXXXXXXXXXXXXXXXX";
const KEYS: &str = "name = 'plivo'\nkind = 'plivo'\nbase_url = '{base}'\n\
                    auth_id = 'MAXXXXXXXXXXXXXXXXXX'\nfrom = '+15005550006'";
const SECRETS: [(&str, &str); 1] = [("auth_token", "an auth token")];

#[tokio::test]
async fn a_message_arrives_and_its_signed_callbacks_are_heard() {
    let pool = KEYS.replace("+15005550006", "3ecaf3b1-3a4e-4d3b-9f5c-0c1d2e3f4a5b");
    for keys in [KEYS, &pool] {
        let bench = Bench::start(keys, &SECRETS, &[]).await;
        bench.arrives().await;
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    assert_eq!(bench.send_as(KEYS, &[("auth_token", "wrong")]).await, refused);
    let other = KEYS.replace("MAXX", "MAYY");
    assert_eq!(bench.send_as(&other, &SECRETS).await, refused);
    assert!(bench.inbox().await.is_empty());
    assert_eq!(bench.check().await.unwrap(), "the balance is 20.00000 USD");
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::Rejected));
    bench.fault(&json!({"mode": "reject", "code": 402})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::InsufficientBalance));
    bench.fault(&json!({"mode": "failed_receipt"})).await;
    let provider_id = bench.taken().await;
    let failed = Fate::Failed { code: Some("80".into()), fallback: Reason::Rejected };
    bench.hears(&provider_id, &[Fate::Sent, failed]).await;
}

#[tokio::test]
async fn faults_are_told_apart() {
    Bench::start(KEYS, &SECRETS, &[]).await.faults_are_told_apart().await;
}

#[tokio::test]
async fn a_message_whose_report_does_not_come_is_asked_after() {
    let failed = Fate::Failed { code: Some("80".into()), fallback: Reason::Rejected };
    for (script, word, fate) in [
        (json!({"mode": "late_receipt", "receipt_after_ms": 60_000}), "delivered", Fate::Delivered),
        (json!({"mode": "failed_receipt"}), "undelivered", failed),
    ] {
        let bench = Bench::start(KEYS, &SECRETS, &[]).await;
        bench.fault(&script).await;
        let provider_id = bench.taken().await;
        assert!(matches!(bench.fares(&provider_id).await, Some((_, Fate::Underway | Fate::Sent))));
        let is_final = async || bench.fares(&provider_id).await == Some((word.to_owned(), fate.clone()));
        eventually("the provider's last word", is_final).await;
        assert_eq!(bench.fares("00000000-0000-0000-0000-000000000000").await, None);
    }
}

#[tokio::test]
async fn bad_messages_are_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let usual = json!({"src": "15005550006", "dst": "919876543210", "text": "1"});
    let url = format!("{}/v1/Account/{AUTH_ID}/Message/", bench.sandbox.base);
    let send = async |name: &str, value: serde_json::Value| {
        let mut body = usual.clone();
        body[name] = value;
        let request = bench.sandbox.client.post(&url).json(&body).basic_auth(AUTH_ID, Some("an auth token"));
        let (status, body) = answer(request).await;
        assert_eq!(status == 202, body["error"].is_null());
        status
    };
    assert_eq!(send("dst", json!("+919876543210")).await, 202);
    for (name, value) in [
        ("dst", json!("12")),
        ("src", json!(null)),
        ("powerpack_uuid", json!("3ecaf3b1-3a4e-4d3b-9f5c-0c1d2e3f4a5b")),
        ("text", json!("")),
        ("text", json!("a".repeat(1_601))),
        ("message_expiry", json!(4)),
        ("dst", json!(1)),
    ] {
        assert_eq!(send(name, value).await, 400, "{name}");
    }
}
