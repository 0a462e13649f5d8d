//! The guard against SMS pumping, from the orders that nobody verifies to the refusal at the front door.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::task::JoinSet;

/// The least that the guard may be set to: eleven orders are a pump, and half a minute is enough to verify.
const SMALL: [(&str, &str); 6] = [
    ("TIFFIN_GUARD_MODE", "enforce"),
    ("TIFFIN_GUARD_PREFIX_FLOOR", "10"),
    ("TIFFIN_GUARD_SAMPLES_MIN", "10"),
    ("TIFFIN_GUARD_BLOCK_BELOW_PERCENT", "20"),
    ("TIFFIN_GUARD_SETTLE_MS", "30000"),
    ("TIFFIN_GUARD_RECOVER_MS", "0"),
];
const ORDERS: u32 = 20;
/// Half a minute of orders, half a minute for their users, and half a minute on the way to the edge.
const BLOCKED_WITHIN: Duration = Duration::from_secs(150);

/// Numbers that differ in their last four digits.
fn number(prefix: &str, n: u32) -> String {
    format!("{prefix}{n:04}")
}

const PUMPED: &str = "+91987654";
const VERIFIED: &str = "+91981111";
const OWN_CODES: &str = "+91982222";
const OTHER: &str = "+91983333";

/// What an order to another number of the prefix would meet now.
async fn preflight(client: &Client, prefix: &str) -> anyhow::Result<Reply> {
    let key = fresh_key();
    let body = login(&number(prefix, 9_999));
    client.call(Method::POST, "/v1/preflight", &[("idempotency-key", &key)], &body).await
}

fn check(reply: &Reply, name: &str) -> Value {
    let checks = reply.body["checks"].as_array().cloned().unwrap_or_default();
    checks.into_iter().find(|check| check["name"] == name).unwrap_or_default()["result"].clone()
}

fn is_challenged(reply: &Reply) -> bool {
    check(reply, "limits") == "warn"
}

async fn order(client: &Client, prefix: &str, n: u32) -> anyhow::Result<Reply> {
    client.create(&fresh_key(), &login(&number(prefix, n))).await
}

/// Orders that nobody verifies, all at once, and the wait until the front door minds.
async fn pump(client: &Client) -> anyhow::Result<()> {
    let mut orders = JoinSet::new();
    for n in 0..ORDERS {
        let client = client.clone();
        orders.spawn(async move { order(&client, PUMPED, n).await });
    }
    for reply in orders.join_all().await {
        let reply = reply?;
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    wait::until("a challenge", || preflight(client, PUMPED), is_challenged).await.map(drop)
}

async fn a_pumped_prefix_is_challenged_and_then_blocked(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with(front, Backing::Memory, &SMALL).await?;
    let client = &stack.client;
    pump(client).await?;
    let challenged = order(client, PUMPED, ORDERS).await?;
    assert_eq!((challenged.status, challenged.code()), (403, Some("challenge_required")), "{challenged:?}");
    assert!(challenged.body["challenge"].is_object(), "{challenged:?}");
    assert_eq!(order(client, OTHER, 1).await?.status, 202);

    let is_blocked = |reply: &Reply| check(reply, "country") == "fail";
    let look = || preflight(client, PUMPED);
    wait::until_within(BLOCKED_WITHIN, "a block", look, is_blocked).await?;
    let blocked = order(client, PUMPED, ORDERS).await?;
    assert_eq!((blocked.status, blocked.code()), (403, Some("blocked")), "{blocked:?}");
    assert_eq!(order(client, OTHER, 2).await?.status, 202);
    Ok(())
}

async fn what_is_verified_here_or_elsewhere_is_no_pump(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with(front, Backing::Memory, &SMALL).await?;
    let client = &stack.client;
    for n in 0..ORDERS {
        let reply = order(client, VERIFIED, n).await?;
        let code = client.code(&number(VERIFIED, n)).await?;
        assert_eq!(client.guess(&reply.id()?, &code).await?, "verified");
    }
    for n in 0..ORDERS {
        let body = json!({"to": {"phone": number(OWN_CODES, n)}, "service": "login", "code": "246810"});
        let id = client.create(&fresh_key(), &body).await?.id()?;
        client.until_state(&id, "delivered").await?;
    }
    // What came before it has been counted too.
    pump(client).await?;
    for prefix in [VERIFIED, OWN_CODES] {
        assert_eq!(check(&preflight(client, prefix).await?, "limits"), "pass", "{prefix}");
        assert_eq!(order(client, prefix, ORDERS).await?.status, 202, "{prefix}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pumped_prefix_is_challenged_and_then_blocked_at_the_wasm_edge() -> anyhow::Result<()> {
    a_pumped_prefix_is_challenged_and_then_blocked(Front::Edge).await
}

#[tokio::test]
async fn a_pumped_prefix_is_challenged_and_then_blocked_standalone() -> anyhow::Result<()> {
    a_pumped_prefix_is_challenged_and_then_blocked(Front::Standalone).await
}

#[tokio::test]
async fn what_is_verified_is_no_pump_at_the_wasm_edge() -> anyhow::Result<()> {
    what_is_verified_here_or_elsewhere_is_no_pump(Front::Edge).await
}

#[tokio::test]
async fn what_is_verified_is_no_pump_standalone() -> anyhow::Result<()> {
    what_is_verified_here_or_elsewhere_is_no_pump(Front::Standalone).await
}
