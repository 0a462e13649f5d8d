//! From an order whose message was never heard of to the escalation that its tenant is told of.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

/// A code lives a minute at least, and an order closes a minute after.
const PATIENCE: Duration = Duration::from_secs(200);

async fn an_overdue_message_is_escalated_and_told_of(front: Front) -> anyhow::Result<()> {
    let service = "[tenants.dev.services.login]\nbrand = \"Tiffin\"\n";
    let short = |toml: &str| {
        assert_eq!(toml.matches(service).count(), 1);
        toml.replace(service, &format!("{service}ttl_ms = 60000\nwaiting_ms = 2000\n"))
    };
    let more = [("TIFFIN_WEBHOOKS_TO_LOOPBACK", "true")];
    let stack = Stack::launch(front, Backing::Memory, &more, short).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    receiver::add(&stack, "main", &hooks.url, &json!({"events": ["escalation.opened"]})).await?;
    let url = format!("{}/faults", stack.client.sandbox);
    let played = stack.client.raw(Method::GET, url, &[], Vec::new()).await?;
    for gateway in played.body["faults"].as_array().into_iter().flatten() {
        let name = gateway["gateway"].as_str().unwrap_or_default();
        stack.client.fault_of(name, "accept_no_receipt").await?;
    }
    let phone = fresh_phone();
    let id = stack.client.order(&phone).await?;
    let look = || async { Ok(hooks.taken()) };
    let taken = wait::until_within(PATIENCE, "the escalation", look, |taken| !taken.is_empty()).await?;
    let told = &taken[0].json()["data"]["escalation"];
    assert_eq!(taken[0].kind(), "escalation.opened");
    assert_eq!((&told["kind"], &told["state"]), (&json!("refund"), &json!("open")), "{told}");
    assert_eq!(told["orders"], json!([id]), "{told}");
    assert!(!taken[0].body.contains(phone.trim_start_matches('+')), "{told}");

    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/escalations", stack.client.core);
    let listed = stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?;
    let all = listed.body["escalations"].as_array().cloned().unwrap_or_default();
    let opened = all.iter().find(|one| one["id"] == told["id"]).cloned().unwrap_or(Value::Null);
    assert_eq!((&opened["rule"], &opened["tenant"]), (&json!("overdue"), &json!("dev")), "{listed:?}");
    assert_eq!(opened["subject"], told["subject"]);
    assert!(opened.to_string().contains("beyond its window"), "{opened}");
    Ok(())
}

#[tokio::test]
async fn an_overdue_message_is_escalated_and_told_of_standalone() -> anyhow::Result<()> {
    an_overdue_message_is_escalated_and_told_of(Front::Standalone).await
}

#[tokio::test]
async fn an_overdue_message_is_escalated_and_told_of_at_the_edge() -> anyhow::Result<()> {
    an_overdue_message_is_escalated_and_told_of(Front::Edge).await
}
