//! Providers that are asked how a message fares: an order whose receipt never comes is found delivered.

use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::replaced;

/// One way for each country, so that a number decides by which gateway its order goes.
const GATEWAYS: &str = r#"
[[gateways]]
name = "plivo-fr"
kind = "plivo"
auth_id = "MA0123456789ABCDEFGH"
from = "+14155550100"
countries = ["FR"]
sandbox = true

[[gateways]]
name = "infobip-gb"
kind = "infobip"
from = "TIFFIN"
countries = ["GB"]
sandbox = true
"#;

async fn an_order_whose_receipt_never_comes_is_found_delivered(front: Front) -> anyhow::Result<()> {
    let edit = |text: &str| {
        let before = text.split("[[gateways]]").next().unwrap_or_default();
        let before = replaced(before, "brand = \"Tiffin\"\n", "brand = \"Tiffin\"\nwaiting_ms = 4000\n");
        format!("{before}{GATEWAYS}")
    };
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let client = &stack.client;
    for (gateway, phone, word) in
        [("plivo-fr", "+33612345681", "delivered"), ("infobip-gb", "+447400123481", "delivered_to_handset")]
    {
        let script = json!({"mode": "late_receipt", "receipt_after_ms": 60_000});
        client.fault_as(gateway, &script).await?;
        let body = json!({"to": {"phone": phone}, "service": "login", "channel": "sms"});
        let created = client.create(&fresh_key(), &body).await?;
        anyhow::ensure!(created.status == 202, "{gateway}: {created:?}");
        let id = created.id()?;
        let is_there = |reply: &Reply| reply.body["state"] == "delivered";
        let order = wait::until(gateway, || client.fetch(&id), is_there).await?.body;
        let attempt = &order["attempts"][0];
        assert_eq!(
            (&attempt["gateway"], &attempt["state"], &attempt["provider_status"]["status"]),
            (&json!(gateway), &json!("delivered"), &json!(word)),
            "{order}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn messages_without_receipts_are_asked_after_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_whose_receipt_never_comes_is_found_delivered(Front::Edge).await
}

#[tokio::test]
async fn messages_without_receipts_are_asked_after_standalone() -> anyhow::Result<()> {
    an_order_whose_receipt_never_comes_is_found_delivered(Front::Standalone).await
}
