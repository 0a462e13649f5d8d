//! Telegram's adapter against its provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::CODE;

const KEYS: &str = "name = 'telegram'\nkind = 'telegram'\nbase_url = '{base}'";
const SECRETS: [(&str, &str); 1] = [("api_token", "a token")];

#[tokio::test]
async fn a_telegram_message_arrives_and_its_reports_name_the_attempt() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let id = bench.taken().await;
    let inbox = bench.entries().await;
    assert_eq!((&inbox[0]["channel"], &inbox[0]["id"]), (&json!("telegram"), &json!(id)));
    assert!(inbox[0]["text"].as_str().unwrap().contains(CODE));
    bench.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert_eq!(bench.check().await.unwrap(), "the token is accepted");
}

#[tokio::test]
async fn telegram_refuses_strangers_and_fails_with_its_own_errors() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let stranger = bench.send_as(KEYS, &[("api_token", "wrong")]).await;
    assert_eq!(stranger, CallOutcome::Failed(Reason::AuthFailed));
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::NotOnChannel));
    bench.fault(&json!({"mode": "http_429", "retry_after_s": 3})).await;
    assert_eq!(bench.send().await, CallOutcome::Throttled { retry_after_ms: Some(3_000) });
    bench.fault(&json!({"mode": "failed_receipt"})).await;
    let id = bench.taken().await;
    let failed = Fate::Failed { code: Some("expired".into()), fallback: Reason::Rejected };
    bench.hears(&id, &[Fate::Sent, failed]).await;
    assert!(bench.inbox().await.is_empty());
}
