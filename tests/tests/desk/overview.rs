//! The overview's figures are what was ordered.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

async fn overview(stack: &Stack, query: &str) -> anyhow::Result<Reply> {
    ops(stack, Method::GET, &format!("overview{query}"), &[], &Value::Null).await
}

/// Three that arrive, of which one is verified; two that no way is left for; one that is called off before it arrives.
async fn orders(stack: &Stack) -> anyhow::Result<()> {
    let client = &stack.client;
    for n in 0..3 {
        let phone = fresh_phone();
        let id = client.order(&phone).await?;
        client.until_state(&id, "delivered").await?;
        if n == 0 {
            assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
        }
    }
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "reject").await?;
    }
    for _ in 0..2 {
        let id = client.order(&fresh_phone()).await?;
        client.until_state(&id, "failed").await?;
    }
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "ok").await?;
    }
    Ok(())
}

async fn figures_are_what_was_ordered(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let before = overview(&stack, "").await?;
    assert_eq!(
        (before.status, &before.body["totals"]["delivery_permille"]),
        (200, &Value::Null),
        "{before:?}"
    );
    orders(&stack).await?;
    let is_all = |reply: &Reply| {
        let totals = &reply.body["totals"];
        totals["accepted"] == 5
            && totals["verified"] == 1
            && totals["failed"] == 2
            && totals["delivered"] == 3
    };
    let hour = wait::until("all orders", || overview(&stack, "?span=hour"), is_all).await?.body;
    for (span, step_ms, points) in [("hour", 60_000, 60), ("day", 900_000, 96), ("week", 3_600_000, 168)] {
        let shown = overview(&stack, &format!("?span={span}")).await?.body;
        assert_eq!((&shown["span"], &shown["step_ms"]), (&json!(span), &json!(step_ms)), "{shown}");
        assert_eq!(shown["totals"], hour["totals"], "{span}");
        let rows = shown["points"].as_array().cloned().unwrap_or_default();
        assert_eq!(rows.len(), points, "{span}");
        let steps = rows.windows(2).map(|two| two[1]["at"].as_u64().zip(two[0]["at"].as_u64()));
        assert!(steps.flatten().all(|(later, earlier)| later - earlier == step_ms), "{shown}");
        for name in ["accepted", "delivered", "failed", "expired", "cancelled", "verified"] {
            let sum: u64 = rows.iter().filter_map(|row| row[name].as_u64()).sum();
            assert_eq!(json!(sum), hour["totals"][name], "{span} {name}");
        }
    }
    let totals = &hour["totals"];
    assert_eq!((&totals["delivery_permille"], &totals["verification_permille"]), (&json!(600), &json!(200)));
    assert!(totals["p50_ms"].as_u64() <= totals["p99_ms"].as_u64() && totals["p50_ms"].is_u64(), "{totals}");
    assert_eq!(hour["queue"]["partitions"], 2, "{hour}");
    assert!(hour["queue"]["depth"].is_u64() && hour["queue"]["dead"] == 0, "{hour}");
    assert_eq!(hour["breakers"][0]["gateway"], "twilio-sms", "{hour}");
    assert_eq!((&hour["balances"], &hour["escalations"]["open"]), (&json!([]), &json!(0)), "{hour}");
    let sent = |shown: &Reply| shown.body["breakers"][0]["countries"][0]["sent"].as_u64() >= Some(3);
    let shown = wait::until("its countries", || overview(&stack, ""), sent).await?.body;
    assert_eq!(shown["breakers"][0]["countries"][0]["country"], "IN", "{shown}");
    for query in ["?span=month", "?span=", "?tenant=dev"] {
        assert_eq!(overview(&stack, query).await?.status, 400, "{query}");
    }
    let (went, said) = cli(&stack, &["top", "--once"])?;
    assert!(
        went && said.contains("accepted 5  delivered 3  failed 2") && said.contains("twilio-sms"),
        "{said}"
    );
    let (went, said) = cli(&stack, &["top", "--span", "week", "--json"])?;
    assert!(went && serde_json::from_str::<Value>(&said)?["totals"] == hour["totals"], "{said}");
    let (went, said) = cli(&stack, &["top", "--span", "year"])?;
    assert!(!went && said.contains("hour, day or week"), "{said}");
    Ok(())
}

#[tokio::test]
async fn figures_are_what_was_ordered_at_the_edge() -> anyhow::Result<()> {
    figures_are_what_was_ordered(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn figures_are_what_was_ordered_standalone() -> anyhow::Result<()> {
    figures_are_what_was_ordered(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn figures_are_what_was_ordered_on_redis() -> anyhow::Result<()> {
    figures_are_what_was_ordered(Front::Standalone, Backing::Own).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn what_is_away_is_said_to_be() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Own).await?;
    if let Some(rabbitmq) = &mut stack.rabbitmq {
        rabbitmq.kill();
        let without = |reply: &Reply| reply.status == 200 && reply.body["queue"].is_null();
        wait::until("no queue", || overview(&stack, ""), without).await?;
    }
    if let Some(redis) = &mut stack.redis {
        redis.kill();
        let reply = overview(&stack, "").await?;
        assert_eq!((reply.status, reply.code()), (503, Some("unavailable")), "{reply:?}");
        let search = ops(&stack, Method::POST, "orders/search", &[], &json!({})).await?;
        assert_eq!((search.status, search.code()), (503, Some("unavailable")), "{search:?}");
    }
    Ok(())
}
