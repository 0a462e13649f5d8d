//! A provider that refuses, fails, hangs or is gone.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;

/// Long enough for two failed attempts: the first pause is at least a second.
const FAILING_MS: u64 = 1_500;

#[tokio::test]
async fn an_order_that_the_gateway_refuses_fails_with_its_reason_and_is_never_sent() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    client.fault("reject").await?;
    let order = common::order(client).await?;
    let failed = client.until_state(&order.id, "failed").await?;
    assert_eq!(failed["reason"], "landline");
    let attempts = failed["attempts"].as_array().cloned().unwrap_or_default();
    assert_eq!(attempts.len(), 1, "{failed}");
    assert_eq!((&attempts[0]["state"], &attempts[0]["reason"]), (&json!("failed"), &json!("landline")));
    assert_eq!(client.guess(&order.id, "123456").await?, "expired");

    client.fault("ok").await?;
    let next = common::order(client).await?;
    common::arrive_exactly_once(client, &[next]).await?;
    assert!(client.inbox(&order.phone).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_fails_for_a_while_is_tried_again_with_pauses_until_the_code_arrives_once()
-> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    common::script_fault(client, &json!({"mode": "http_500", "for_ms": FAILING_MS})).await?;
    let order = common::order(client).await?;
    let code = client.code(&order.phone).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    let attempts = delivered["attempts"].as_array().cloned().unwrap_or_default();
    assert!((2..=ATTEMPTS_MAX as usize).contains(&attempts.len()), "{delivered}");
    assert_eq!(attempts[0]["changed"], "first attempt");
    for (at, pair) in attempts.windows(2).enumerate() {
        let [failed, next] = pair else { continue };
        assert_eq!((&failed["state"], &failed["reason"]), (&json!("failed"), &json!("provider_down")));
        // **something-changes**: time, after a transient failure. Attempt n begins 2ⁿ⁻¹ s after the failure of the
        // one before at the soonest, so that the two never overlap.
        let changed = next["changed"].as_str().unwrap_or_default();
        let paused_ms = changed.strip_suffix(" ms after a transient failure").map(str::parse::<u64>);
        assert!(matches!(paused_ms, Some(Ok(ms)) if ms >= 1_000 << at), "{delivered}");
        assert!(time(failed) < time(next), "{delivered}");
    }
    assert_eq!(client.inbox(&order.phone).await?.len(), 1);
    assert_eq!(client.guess(&order.id, &code).await?, "verified");
    Ok(())
}

/// RFC 3339 in UTC sorts as text.
fn time(attempt: &Value) -> &str {
    attempt["at"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_gateway_that_never_answers_leaves_the_attempt_unknown_and_is_not_called_again()
-> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    client.fault("timeout").await?;
    let order = common::order(client).await?;
    let unknown = common::until_attempt(client, &order, "unknown").await?;
    assert_eq!(unknown["state"], "sending");
    assert_eq!(unknown["attempts"][0]["reason"], "unknown_outcome");

    client.fault("ok").await?;
    let next = common::order(client).await?;
    common::arrive_exactly_once(client, &[next]).await?;
    let later = client.fetch(&order.id).await?.body;
    assert_eq!(later["attempts"], unknown["attempts"]);
    assert!(client.inbox(&order.phone).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_code_arrives_once_when_its_provider_was_away_for_a_while() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    stack.sandbox = None;
    let order = common::order(&stack.client).await?;
    let failed = common::until_attempt(&stack.client, &order, "failed").await?;
    assert_eq!(failed["attempts"][0]["reason"], "provider_down");
    assert_ne!(failed["state"], "failed");
    let look = || stack.client.fetch(&order.id);
    wait::until("a second attempt", look, |reply| reply.body["attempts"][1].is_object()).await?;

    stack.start_sandbox().await?;
    common::arrive_exactly_once(&stack.client, &[order]).await?;
    Ok(())
}
