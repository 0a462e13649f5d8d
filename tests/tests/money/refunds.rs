//! What comes back to a tenant, by each rule: as its orders, its balance and its books show it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::PRICE;

const OPENING: u64 = 100 * PRICE;
/// A code lives one minute, and its order is closed one minute later.
const CLOSED: Duration = Duration::from_secs(180);

/// Two ways whose providers tell what arrives and answer no questions, so that silence lasts.
const GATEWAYS: &str = r#"
[tenants.dev.services.calm]
brand = "Calm"
waiting_ms = 240000

[[gateways]]
name = "vonage-1"
kind = "vonage_sms"
api_key = "0a1b2c3d"
from = "TIFFIN"
sandbox = true

[[gateways]]
name = "vonage-2"
kind = "vonage_sms"
api_key = "0a1b2c3e"
from = "TIFFIN"
sandbox = true
"#;

async fn start(front: Front) -> anyhow::Result<Stack> {
    let edit = |toml: &str| {
        let before = toml.split("[[gateways]]").next().unwrap_or_default();
        let login = "brand = \"Tiffin\"\n";
        let before = before.replace(login, &format!("{login}waiting_ms = 3000\nttl_ms = 60000\n"));
        format!("{before}{GATEWAYS}")
    };
    common::start_with(front, Backing::Memory, OPENING, edit).await
}

/// What both providers do with messages from here on.
async fn behave(stack: &Stack, script: Value) -> anyhow::Result<()> {
    for gateway in ["vonage-1", "vonage-2"] {
        stack.client.fault_as(gateway, &script).await?;
    }
    Ok(())
}

async fn order(stack: &Stack, service: &str, phone: &str) -> anyhow::Result<String> {
    let body = json!({"to": {"phone": phone}, "service": service, "channel": "sms"});
    let created = stack.client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(created.status == 202, "{created:?}");
    created.id()
}

/// Waits until an order is so. The order.
async fn until(stack: &Stack, what: &str, id: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let look = || stack.client.fetch(id);
    Ok(wait::until_within(CLOSED, what, look, |reply: &Reply| is(&reply.body)).await?.body)
}

/// Waits until an order costs this many messages: on hold, charged and refunded.
async fn costs(stack: &Stack, id: &str, messages: [u64; 3]) -> anyhow::Result<Value> {
    let [held, charged, refunded] = messages.map(|count| count * PRICE);
    let cost = json!({
        "currency": "USD", "held_micros": held, "charged_micros": charged, "refunded_micros": refunded,
    });
    until(stack, &cost.to_string(), id, |order| order["cost"] == cost).await
}

/// An order both of whose messages are overdue.
async fn overdue(stack: &Stack, phone: &str) -> anyhow::Result<String> {
    behave(stack, json!({"mode": "accept_no_receipt"})).await?;
    let id = order(stack, "login", phone).await?;
    let is_overdue =
        |order: &Value| order["attempts"][1]["state"] == "sent" && order["waiting"]["overdue"] == true;
    until(stack, "two overdue messages", &id, is_overdue).await?;
    costs(stack, &id, [0, 2, 0]).await?;
    Ok(id)
}

async fn call_off(stack: &Stack, id: &str) -> anyhow::Result<()> {
    let reply =
        stack.client.call(Method::POST, &format!("/v1/orders/{id}/cancel"), &[], &json!(null)).await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    Ok(())
}

/// By which rule an operator sees each message's price go back.
async fn rules(stack: &Stack, id: &str) -> anyhow::Result<Vec<Value>> {
    let bill = common::settled(stack, id).await?;
    let charges = bill["charges"].as_array().cloned().unwrap_or_default();
    Ok(charges.into_iter().map(|charge| charge["state"].clone()).collect())
}

async fn money_comes_back_by_rule(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    let client = &stack.client;
    let refunded = |rule: &str| json!({ "refunded": rule });

    // Nobody tells that its messages arrived: they are refunded when it closes, below.
    let lost = overdue(&stack, "+447400123501").await?;

    // Called off before anything has left: what was on hold is released.
    behave(&stack, json!({"mode": "http_500"})).await?;
    let unsent = order(&stack, "login", "+447400123502").await?;
    costs(&stack, &unsent, [1, 0, 0]).await?;
    call_off(&stack, &unsent).await?;
    let order_is = costs(&stack, &unsent, [0, 0, 0]).await?;
    assert_eq!(order_is["state"], "cancelled", "{order_is}");

    // Called off in time, when it was overdue.
    let called_off = overdue(&stack, "+447400123503").await?;
    call_off(&stack, &called_off).await?;
    costs(&stack, &called_off, [0, 2, 2]).await?;
    assert_eq!(rules(&stack, &called_off).await?, [refunded("cancelled"), refunded("cancelled")]);
    let app = client.with_key(&stack.keys.publishable);
    assert!(app.fetch(&called_off).await?.body["cost"].is_null(), "an app does not see what it costs");

    // A newer order takes its place when it was overdue. The newer one is paid for.
    let older = overdue(&stack, "+447400123504").await?;
    behave(&stack, json!({"mode": "ok"})).await?;
    let newer = order(&stack, "login", "+447400123504").await?;
    let order_is = costs(&stack, &older, [0, 2, 2]).await?;
    assert_eq!((&order_is["state"], &order_is["superseded"]), (&json!("expired"), &json!(true)));
    assert_eq!(rules(&stack, &older).await?, [refunded("not_delivered"), refunded("not_delivered")]);
    let code = client.code("+447400123504").await?;
    assert_eq!(client.guess(&newer, &code).await?, "verified");
    costs(&stack, &newer, [0, 1, 0]).await?;

    // The same at once: its message is on its way, and inside its usual time. It stays paid for.
    behave(&stack, json!({"mode": "accept_no_receipt"})).await?;
    let early = order(&stack, "calm", "+447400123505").await?;
    costs(&stack, &early, [0, 1, 0]).await?;
    order(&stack, "calm", "+447400123505").await?;
    until(&stack, "its end", &early, |order| order["superseded"] == true).await?;
    assert_eq!(rules(&stack, &early).await?, [json!("captured")]);

    // Two messages of one sending arrive: the second one goes back.
    behave(&stack, json!({"mode": "late_receipt", "receipt_after_ms": 8_000})).await?;
    let twice = order(&stack, "login", "+447400123506").await?;
    let has_both = |order: &Value| (0..2).all(|n| order["attempts"][n]["state"] == "delivered");
    until(&stack, "both receipts", &twice, has_both).await?;
    let code = client.code("+447400123506").await?;
    assert_eq!(client.guess(&twice, &code).await?, "verified");
    costs(&stack, &twice, [0, 2, 1]).await?;
    assert_eq!(rules(&stack, &twice).await?, [json!("captured"), refunded("duplicate")]);

    let order_is = costs(&stack, &lost, [0, 2, 2]).await?;
    assert_eq!(order_is["state"], "expired", "{order_is}");
    assert_eq!(rules(&stack, &lost).await?, [refunded("not_delivered"), refunded("not_delivered")]);
    balances(&stack).await
}

/// Four messages are paid for: the newer orders', the early one's and the first of two.
async fn balances(stack: &Stack) -> anyhow::Result<()> {
    let to_core = [("TIFFIN_OPS_URL", stack.client.core.as_str())];
    let (_, shown) = stack.run_with(&["balance", "show", "dev", "--json"], &to_core)?;
    let shown: Value = serde_json::from_str(&shown)?;
    let amount = |name: &str| shown[name].as_u64();
    assert_eq!(
        [amount("available_micros"), amount("held_micros"), amount("charged_micros")],
        [Some(OPENING - 4 * PRICE), Some(0), Some(4 * PRICE)],
        "{shown}"
    );
    let entries = common::entries(stack).await?;
    let refunds = entries.iter().filter(|entry| entry["kind"] == "refund");
    let back: i64 = refunds.filter_map(|entry| entry["lines"][1]["micros"].as_i64()).sum();
    assert_eq!(back.unsigned_abs(), 7 * PRICE, "two of three orders each, and a duplicate");
    Ok(())
}

#[tokio::test]
async fn money_comes_back_by_rule_at_the_wasm_edge() -> anyhow::Result<()> {
    money_comes_back_by_rule(Front::Edge).await
}

#[tokio::test]
async fn money_comes_back_by_rule_standalone() -> anyhow::Result<()> {
    money_comes_back_by_rule(Front::Standalone).await
}
