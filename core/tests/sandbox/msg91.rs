//! MSG91's adapter against MSG91 as the sandbox plays it.

use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Told;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::DOOR;

const KEYS: &str = "name = 'msg91'\nkind = 'msg91'\ntemplate_id = '5e1e93cad6fc054d8e759a5b'\n\
                    minutes_variable = 'MINUTES'\nbase_url = '{base}'";
const SECRETS: [(&str, &str); 2] = [("authkey", "a key"), ("callback_secret", DOOR)];

#[tokio::test]
async fn a_message_arrives_and_its_report_names_it() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let provider_id = bench.taken().await;
    assert_eq!(bench.inbox().await, ["Flow 5e1e93cad6fc054d8e759a5b: MINUTES 5 OTP 482915"]);
    let posted = bench.posted(1).await;
    assert_eq!(posted[0].path, format!("/callbacks/msg91/{DOOR}"));
    let told = Told { attempt: None, provider_id, fate: Fate::Delivered, cost: None };
    assert_eq!(bench.hear(&posted[0]).await.unwrap().told, [told]);
    assert!(bench.check().await.unwrap().starts_with("not tried"));
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[("authkey", "another")]).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::AuthFailed));
    assert!(bench.inbox().await.is_empty());
}

#[tokio::test]
async fn faults_are_told_in_the_providers_words() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    for (script, outcome) in [
        (json!({"mode": "reject"}), CallOutcome::Failed(Reason::InvalidNumber)),
        (json!({"mode": "reject", "code": "301"}), CallOutcome::Failed(Reason::InsufficientBalance)),
        (json!({"mode": "http_500"}), CallOutcome::Failed(Reason::ProviderDown)),
        (
            json!({"mode": "http_429", "retry_after_s": 7}),
            CallOutcome::Throttled { retry_after_ms: Some(7_000) },
        ),
    ] {
        bench.fault(&script).await;
        assert_eq!(bench.send().await, outcome, "{script}");
    }
    assert!(bench.inbox().await.is_empty());
    for (code, told) in [
        ("9", Fate::Failed { code: Some("STATUS_9".into()), fallback: Reason::Dnd }),
        ("DLT_SCRUBBING", Fate::Failed { code: Some("DLT_SCRUBBING".into()), fallback: Reason::Rejected }),
    ] {
        let before = bench.posted(0).await.len();
        bench.fault(&json!({"mode": "failed_receipt", "code": code})).await;
        let provider_id = bench.taken().await;
        let posted = bench.posted(before + 1).await;
        let told = Told { attempt: None, provider_id, fate: told, cost: None };
        assert_eq!(bench.hear(&posted[before]).await.unwrap().told, [told]);
    }
}
