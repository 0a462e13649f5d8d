//! What a tenant is told of money that comes back.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::billing::paying;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

const PRICE: u64 = 2_500;

#[tokio::test]
async fn a_refund_is_told_with_what_the_order_cost_when_the_account_has_it() -> anyhow::Result<()> {
    let edit = |toml: &str| {
        let toml = toml.replace("brand = \"Tiffin\"\n", "brand = \"Tiffin\"\nwaiting_ms = 3000\n");
        paying(&toml, PRICE, 10 * PRICE)
    };
    let more = [("TIFFIN_WEBHOOKS_TO_LOOPBACK", "true")];
    let stack = Stack::launch(Front::Standalone, Backing::Memory, &more, edit).await?;
    let hooks = Receiver::start(|_, _| status(204)).await?;
    receiver::add(&stack, "main", &hooks.url, &Value::Null).await?;
    let client = &stack.client;
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "accept_no_receipt").await?;
    }
    let id = client.order(&fresh_phone()).await?;
    let is_overdue = |reply: &Reply| {
        reply.body["attempts"][1]["state"] == "sent" && reply.body["waiting"]["overdue"] == true
    };
    wait::until("two overdue messages", || client.fetch(&id), is_overdue).await?;
    let path = format!("/v1/orders/{id}/cancel");
    assert_eq!(client.call(Method::POST, &path, &[], &Value::Null).await?.status, 200);

    let is_refund = |hook: &receiver::Hook| hook.kind() == "order.refunded";
    let taken = hooks.until_all(|taken| taken.iter().filter(|hook| is_refund(hook)).count() >= 2).await?;
    // Told, and so on the account.
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/tenants/dev/balance", client.core);
    let balance = client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?.body;
    assert_eq!(balance["available_micros"], json!(10 * PRICE), "{balance}");

    let told: Vec<Value> = taken.iter().filter(|hook| is_refund(hook)).map(receiver::Hook::json).collect();
    let cost = json!({
        "currency": "USD", "held_micros": 0, "charged_micros": 2 * PRICE, "refunded_micros": 2 * PRICE,
    });
    for (event, attempt) in told.iter().zip(1..) {
        let data = &event["data"];
        assert_eq!((&data["order"]["id"], &data["order"]["cost"]), (&json!(id), &cost), "{event}");
        assert_eq!(
            (&data["attempt"], &data["amount_micros"], &data["rule"]),
            (&json!(attempt), &json!(PRICE), &json!("cancelled")),
            "{event}"
        );
    }
    let kinds: Vec<String> = taken.iter().map(receiver::Hook::kind).collect();
    let at = |kind: &str| kinds.iter().position(|it| it == kind);
    assert!(at("order.cancelled") < at("order.refunded"), "{kinds:?}");
    Ok(())
}
