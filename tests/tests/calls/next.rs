//! What an order says of its next step, and of its provider's word.

use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::replaced;

async fn an_order_says_what_comes_next_and_what_the_provider_says(front: Front) -> anyhow::Result<()> {
    let edit = |toml: &str| {
        replaced(
            toml,
            "[tenants.dev.services.login]\nbrand = \"Tiffin\"",
            "[tenants.dev.services.login]\nbrand = \"Tiffin\"\nwaiting_ms = 6000",
        )
    };
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let client = &stack.client;
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "accept_no_receipt").await?;
    }
    let created = client.order("+33612345699").await?;
    let order = client.until_state(&created, "sent").await?;
    let attempt = &order["attempts"][0];
    assert_eq!(
        (&attempt["gateway"], &attempt["sender"]),
        (&json!("twilio-sms"), &json!("+15•••••0006")),
        "{order}"
    );
    let waiting = &order["waiting"];
    assert_eq!(
        (&waiting["next"], &waiting["next_gateway"]),
        (&json!("sms"), &json!("twilio-sms-2")),
        "{order}"
    );
    assert_eq!(waiting["next_at"], waiting["expected_by"], "{order}");
    assert_eq!(
        (&order["advice"]["do"], &order["advice"]["until"]),
        (&json!("wait"), &waiting["expected_by"])
    );
    let app = client.with_key(&stack.keys.publishable);
    let shown = app.fetch(&created).await?.body;
    assert_eq!(
        (&shown["advice"]["do"], &shown["waiting"]["next"]),
        (&json!("wait"), &json!("sms")),
        "{shown}"
    );
    assert!(shown["advice"]["because"].is_null() && shown["waiting"]["next_gateway"].is_null(), "{shown}");

    let look = || client.fetch(&created);
    let is_told = |reply: &Reply| reply.body["attempts"][0]["provider_status"]["status"] == "sent";
    wait::until("the provider's own word", look, is_told).await?;
    let is_second = |reply: &Reply| reply.body["attempts"][1]["state"] == "sent";
    let second = wait::until("the next way", look, is_second).await?.body;
    assert_eq!(second["attempts"][1]["gateway"], "twilio-sms-2");
    assert!(second["waiting"]["next"].is_null(), "{second}");
    Ok(())
}

#[tokio::test]
async fn an_order_says_what_comes_next_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_says_what_comes_next_and_what_the_provider_says(Front::Edge).await
}

#[tokio::test]
async fn an_order_says_what_comes_next_standalone() -> anyhow::Result<()> {
    an_order_says_what_comes_next_and_what_the_provider_says(Front::Standalone).await
}
