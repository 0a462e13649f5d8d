//! One gateway's page: what moved its breaker, how long receipts took, what went wrong, and how messages fare by country.

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

async fn show(stack: &Stack, gateway: &str) -> anyhow::Result<Reply> {
    ops(stack, Method::GET, &format!("routes/{gateway}"), &[], &Value::Null).await
}

/// Two that arrive by twilio-sms, and one that it refuses.
async fn orders(stack: &Stack) -> anyhow::Result<()> {
    let client = &stack.client;
    for _ in 0..2 {
        let id = client.order(&fresh_phone()).await?;
        client.until_state(&id, "delivered").await?;
    }
    client.fault("reject").await?;
    let id = client.order(&fresh_phone()).await?;
    client.until_state(&id, "failed").await?;
    client.fault("ok").await
}

#[tokio::test]
async fn a_gateway_tells_its_moves_receipts_errors_and_countries() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let still = show(&stack, "twilio-sms").await?.body;
    assert_eq!(still["changes"], json!([]), "{still}");
    assert_eq!((&still["errors"], &still["countries"]), (&json!([]), &json!([])), "{still}");
    let (went, said) = cli(&stack, &["route", "show", "twilio-sms"])?;
    assert!(went && said.contains("It has not moved.") && said.contains("None came."), "{said}");

    // What it refuses would go by the other one.
    let held = ops(&stack, Method::POST, "routes/twilio-sms-2/open", &[], &Value::Null).await?;
    assert_eq!(held.status, 200, "{held:?}");
    orders(&stack).await?;
    let knows = |reply: &Reply| {
        reply.body["errors"][0].is_object() && reply.body["countries"][0]["fared"]["delivered"] == 2
    };
    let shown = wait::until("its figures", || show(&stack, "twilio-sms"), knows).await?.body;
    assert_eq!(shown["errors"][0]["count"], 1, "{shown}");
    assert!(shown["errors"][0]["reason"].is_string() && shown["errors"][0]["class"].is_string(), "{shown}");
    assert_eq!((&shown["silent"], &shown["fared"]["failed"]), (&json!(0), &json!(0)), "{shown}");
    let receipts = shown["receipts"].as_array().cloned().unwrap_or_default();
    let count: u64 = receipts.iter().filter_map(|step| step["count"].as_u64()).sum();
    assert_eq!(count, 2, "{shown}");
    assert!(receipts.iter().map(|step| step["within_ms"].as_u64()).is_sorted(), "{shown}");
    let there = &shown["countries"][0];
    assert_eq!((&there["country"], &there["window_ms"]), (&json!("IN"), &Value::Null), "{shown}");
    assert_eq!(there["fared"]["sent"], 2, "{shown}");
    assert_eq!((&shown["gateway"], &shown["fared"]["sent"]), (&json!("twilio-sms"), &json!(2)), "{shown}");

    assert!(cli(&stack, &["route", "open", "twilio-sms"])?.0);
    assert!(cli(&stack, &["route", "release", "twilio-sms"])?.0);
    let moved = show(&stack, "twilio-sms").await?.body;
    let to: Vec<_> = moved["changes"].as_array().into_iter().flatten().map(|change| &change["to"]).collect();
    assert_eq!(to, ["open", "closed"], "{moved}");
    assert_eq!(moved["changes"][0]["because"], "an operator holds it open", "{moved}");
    let (went, said) = cli(&stack, &["route", "show", "twilio-sms"])?;
    assert!(went && said.contains("an operator let it go") && said.contains('█'), "{said}");
    assert!(said.contains("IN") && said.contains("CONVERSION"), "{said}");
    let (went, said) = cli(&stack, &["route", "show", "twilio-sms", "--json"])?;
    let told: Value = serde_json::from_str(said.trim())?;
    assert!(went && told["receipts"] == moved["receipts"], "{said}");

    let unknown = show(&stack, "nobodys").await?;
    assert_eq!((unknown.status, unknown.code()), (404, Some("not_found")), "{unknown:?}");
    let (went, said) = cli(&stack, &["route", "show", "nobodys"])?;
    assert!(!went && said.contains("The gateways are: twilio-sms"), "{said}");
    Ok(())
}
