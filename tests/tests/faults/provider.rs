//! A provider that refuses, fails, hangs or is gone.

use serde_json::json;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;

const GATEWAYS: [&str; 2] = ["twilio-sms", "twilio-sms-2"];

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
async fn a_gateway_that_fails_is_passed_by_at_once_and_the_code_arrives_once() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    client.fault("http_500").await?;
    let order = common::order(client).await?;
    let code = client.code(&order.phone).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    let attempts = delivered["attempts"].as_array().cloned().unwrap_or_default();
    assert_eq!(attempts.len(), 2, "{delivered}");
    assert_eq!(attempts[0]["changed"], "first attempt");
    assert_eq!(
        (&attempts[0]["gateway"], &attempts[0]["reason"]),
        (&json!("twilio-sms"), &json!("provider_down"))
    );
    assert_eq!(attempts[1]["gateway"], "twilio-sms-2");
    assert_eq!(attempts[1]["changed"], "another gateway after provider_down");
    assert_eq!(client.inbox(&order.phone).await?.len(), 1);
    assert_eq!(client.guess(&order.id, &code).await?, "verified");
    Ok(())
}

#[tokio::test]
async fn gateways_that_all_fail_for_a_while_are_tried_again_with_pauses_until_the_code_arrives_once()
-> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    for gateway in GATEWAYS {
        common::script_fault_of(client, gateway, &json!({"mode": "http_500"})).await?;
    }
    let order = common::order(client).await?;
    // Both have failed, and one of them after a pause as well.
    let third = || client.fetch(&order.id);
    wait::until("a third failure", third, |reply| reply.body["attempts"][2]["state"] == "failed").await?;
    for gateway in GATEWAYS {
        common::script_fault_of(client, gateway, &json!({"mode": "ok"})).await?;
    }
    let code = client.code(&order.phone).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    let attempts = delivered["attempts"].as_array().cloned().unwrap_or_default();
    assert!((4..=ATTEMPTS_MAX).contains(&attempts.len()), "{delivered}");
    for (n, attempt) in attempts.iter().enumerate() {
        // **something-changes**: the gateway, or time after a transient failure: attempt n by one gateway begins
        // 2ⁿ⁻¹ s after its failure before at the soonest.
        let earlier = attempts[..n].iter().filter(|old| old["gateway"] == attempt["gateway"]);
        let Some(failed) = earlier.clone().next_back() else { continue };
        let least_ms = 1_000 << (earlier.count() - 1);
        assert!(common::time(attempt)?.since(common::time(failed)?) >= least_ms, "{delivered}");
    }
    assert_eq!(client.inbox(&order.phone).await?.len(), 1);
    assert_eq!(client.guess(&order.id, &code).await?, "verified");
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_never_answers_is_asked_whether_it_has_the_message_before_it_is_sent_again()
-> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let client = &stack.client;
    client.fault("timeout").await?;
    let order = common::order(client).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    // It did not have it, so that nothing is doubled.
    assert_eq!(delivered["attempts"][0]["state"], "failed");
    assert_eq!(delivered["attempts"][1]["changed"], "another gateway after provider_down");
    assert_eq!(client.inbox(&order.phone).await?.len(), 1);
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
