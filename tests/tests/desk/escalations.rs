//! Escalations: opened by rule and by hand, deduplicated, worked off, and told of.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

async fn listed(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let reply = ops(stack, Method::GET, "escalations", &[], &Value::Null).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(reply.body["escalations"].as_array().cloned().unwrap_or_default())
}

/// Failures of one gateway open one escalation, whatever number of orders has them.
async fn failures_of_a_route_open_one_escalation(backing: Backing) -> anyhow::Result<()> {
    let more = [("TIFFIN_ESCALATIONS_FAILURES", "1"), ("TIFFIN_ESCALATIONS_OF", "5")];
    let stack = Stack::start_with(Front::Standalone, backing, &more).await?;
    stack.client.fault_of("twilio-sms", "http_500").await?;
    for _ in 0..6 {
        let phone = fresh_phone();
        let id = stack.client.order(&phone).await?;
        stack.client.until_state(&id, "delivered").await?;
        let code = stack.client.code(&phone).await?;
        assert_eq!(stack.client.guess(&id, &code).await?, "verified");
    }
    let all = wait::until("an escalation", || listed(&stack), |all| !all.is_empty()).await?;
    assert_eq!(
        (all.len(), &all[0]["kind"], &all[0]["rule"]),
        (1, &json!("supplier_fallback"), &json!("route_failing"))
    );
    assert_eq!((&all[0]["gateway"], &all[0]["state"]), (&json!("twilio-sms"), &json!("open")), "{all:?}");
    assert!(all[0]["due_at"].as_u64() > all[0]["opened_at"].as_u64(), "{all:?}");
    assert!(all[0].get("request").is_none(), "{all:?}");
    Ok(())
}

async fn people_work_escalations_off(stack: &Stack) -> anyhow::Result<()> {
    let (went, said) = cli(stack, &["escalation", "list"])?;
    assert!(went && said.contains("nothing is escalated"), "{said}");
    let (went, said) = cli(
        stack,
        &["escalation", "open", "--kind", "abuse", "--subject", "one shop", "--text", "all unverified"],
    )?;
    assert!(went && said.contains("asha: all unverified"), "{said}");
    let (went, said) = cli(stack, &["escalation", "assign", "1", "ravi"])?;
    assert!(went && said.contains("acknowledged"), "{said}");
    let (went, said) = cli(stack, &["escalation", "note", "1", "called +919876543210"])?;
    assert!(!went && said.contains("phone number"), "{said}");
    let (went, said) = cli(stack, &["escalation", "note", "1", "called them about 889464"])?;
    assert!(went && said.contains("called them about 000000"), "{said}");
    let (went, said) = cli(stack, &["escalation", "assign", "1", "889464"])?;
    assert!(!went && said.contains("owner: must not hold"), "{said}");
    let (went, said) = cli(stack, &["escalation", "resolve", "1", "it was a test"])?;
    assert!(went && said.contains("resolved"), "{said}");
    let (went, said) = cli(stack, &["escalation", "note", "1", "late"])?;
    assert!(!went && said.contains("resolved"), "{said}");
    let (_, said) = cli(stack, &["escalation", "list"])?;
    assert!(said.contains("nothing is escalated"), "{said}");
    let (_, said) = cli(stack, &["escalation", "list", "--all"])?;
    assert!(said.contains("one shop"), "{said}");
    what_a_person_names_is_checked(stack).await?;
    let (_, said) = cli(stack, &["audit"])?;
    assert!(said.contains("escalation.open") && said.contains("escalation.resolve 1"), "{said}");
    for (path, body, status) in [
        ("escalations", json!({"kind": "lunch", "subject": "x", "text": "x"}), 400),
        ("escalations", json!({"kind": "abuse", "subject": "", "text": "x"}), 400),
        ("escalations", json!({"kind": "abuse", "subject": "x", "text": "x", "due_ms": 1}), 400),
        ("escalations/99/note", json!({"text": "x"}), 404),
        ("escalations/1/eat", json!({"text": "x"}), 404),
    ] {
        let reply = ops(stack, Method::POST, path, &[], &body).await?;
        assert_eq!(reply.status, status, "{path} {body}: {reply:?}");
    }
    Ok(())
}

async fn what_a_person_names_is_checked(stack: &Stack) -> anyhow::Result<()> {
    let order = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&order, "delivered").await?;
    let shop = json!({"countries": ["DE"], "services": {"login": {"brand": "Shop", "channels": ["sms"]}}});
    let made = ops(stack, Method::PUT, "tenants/shop", &[], &shop).await?;
    assert_eq!(made.status, 200, "{made:?}");
    let unknown = "ord_AgICAgICAgICAgICAgICAgcHBwcHBwcHBwcHBwcHBwc";
    for (more, status, why) in [
        (json!({"tenant": "nosuch"}), 400, "there is no nosuch"),
        (json!({"gateway": "nogw"}), 400, "there is no nogw"),
        (json!({"orders": [unknown]}), 400, "no record"),
        (json!({"tenant": "shop", "orders": [order]}), 400, "is not shop's"),
        (json!({"tenant": "dev", "orders": [order], "gateway": "twilio-sms"}), 200, ""),
        (json!({"orders": [order]}), 200, ""),
    ] {
        let mut body = json!({"kind": "refund", "subject": "down 2026-11-22", "text": "invoice 20261122"});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let reply = ops(stack, Method::POST, "escalations", &[], &body).await?;
        assert!(reply.status == status && reply.text.contains(why), "{more}: {reply:?}");
    }
    Ok(())
}

#[tokio::test]
async fn failures_of_a_route_open_one_escalation_on_memory() -> anyhow::Result<()> {
    failures_of_a_route_open_one_escalation(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn failures_of_a_route_open_one_escalation_on_redis() -> anyhow::Result<()> {
    failures_of_a_route_open_one_escalation(Backing::Shared).await
}

#[tokio::test]
async fn people_work_escalations_off_by_command_line() -> anyhow::Result<()> {
    people_work_escalations_off(&Stack::start(Front::Standalone, Backing::Memory).await?).await
}
