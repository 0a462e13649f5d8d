//! WhatsApp's adapter against its provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::CODE;
use crate::common::PHONE;

const KEYS: &str = "name = 'whatsapp'\nkind = 'whatsapp_cloud'\nbase_url = '{base}'\nfrom = '106540352242922'\n\
                    template = 'login_code'\nbusiness_account_id = '102290129340398'";
const SECRETS: [(&str, &str); 3] =
    [("access_token", "a token"), ("app_secret", "an app secret"), ("verify_token", "a verify token")];

#[tokio::test]
async fn a_whatsapp_message_arrives_and_its_receipts_name_the_attempt() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let id = bench.taken().await;
    let inbox = bench.entries().await;
    assert_eq!((&inbox[0]["to"], &inbox[0]["channel"]), (&json!(PHONE), &json!("whatsapp")));
    assert!(inbox[0]["text"].as_str().unwrap().contains(CODE) && inbox[0]["id"] == id);
    bench.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert!(bench.check().await.unwrap().contains("GREEN"));
}

#[tokio::test]
async fn whatsapp_refuses_strangers_and_fails_with_metas_codes() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let wrong = SECRETS.map(|(name, _)| (name, "wrong"));
    assert_eq!(bench.send_as(KEYS, &wrong).await, CallOutcome::Failed(Reason::AuthFailed));
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::NotOnChannel));
    bench.fault(&json!({"mode": "http_429", "retry_after_s": 3})).await;
    assert_eq!(bench.send().await, CallOutcome::Throttled { retry_after_ms: Some(3_000) });
    bench.fault(&json!({"mode": "failed_receipt", "code": "131049"})).await;
    let id = bench.taken().await;
    let failed = Fate::Failed { code: Some("131049".into()), fallback: Reason::Rejected };
    bench.hears(&id, &[Fate::Sent, failed]).await;
    assert!(bench.inbox().await.is_empty());
}
