//! A code that approves a payment is for that payment: whoever checks it repeats amount, currency and payee.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

fn payment(amount: &str, payee: &str) -> Value {
    json!({"amount": amount, "currency": "INR", "payee": payee})
}

async fn verify(client: &Client, id: &str, code: &str, binding: Value) -> anyhow::Result<Reply> {
    let body = json!({"code": code, "binding": binding});
    client.call(Method::POST, &format!("/v1/orders/{id}/verify"), &[], &body).await
}

/// An order for 499 rupees to the shop, and its code.
async fn ordered(server: &Client) -> anyhow::Result<(Reply, String)> {
    let phone = fresh_phone();
    let mut body = login(&phone);
    body["binding"] = payment("499.00", "Shop");
    let made = server.create(&fresh_key(), &body).await?;
    assert_eq!(made.status, 202, "{made:?}");
    let code = server.code(&phone).await?;
    Ok((made, code))
}

async fn a_code_verifies_its_payment_alone(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (server, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let (made, code) = ordered(server).await?;
    let id = made.id()?;
    assert_eq!(made.body["binding"], payment("499.00", "Shop"));
    let silent = verify(server, &id, &code, Value::Null).await?;
    assert_eq!((silent.status, silent.code()), (422, Some("binding_required")), "{silent:?}");
    assert_eq!(server.fetch(&id).await?.body["guesses_left"], 5, "it spent no guess");
    for (amount, payee) in [("499.01", "Shop"), ("49.900", "Shop"), ("499.00", "Shop B")] {
        let other = verify(server, &id, &code, payment(amount, payee)).await?;
        assert_eq!(other.body["result"], "wrong_code", "{other:?}");
    }
    let malformed = verify(server, &id, &code, json!({"amount": "1"})).await?;
    assert_eq!((malformed.status, malformed.code()), (400, Some("invalid_request")));
    let right = verify(server, &id, &code, payment("499.00", "Shop")).await?;
    assert_eq!(right.body["result"], "verified", "{right:?}");

    let (made, code) = ordered(server).await?;
    let id = made.id()?;
    let unknown = verify(&app, &format!("ord_{}", "A".repeat(43)), &code, Value::Null).await?;
    let silent = verify(&app, &id, &code, Value::Null).await?;
    let other = verify(&app, &id, &code, payment("1", "Shop")).await?;
    assert_eq!((silent.status, &silent.text), (200, &unknown.text), "an app learns nothing");
    assert_eq!(other.text, unknown.text);
    assert_eq!(app.fetch(&id).await?.body["binding"], Value::Null, "nor is it shown the payment");
    let right = verify(&app, &id, &code, payment("499.00", "Shop")).await?;
    assert_eq!(right.body["result"], "verified", "{right:?}");
    Ok(())
}

/// Telegram's words name no payment.
const TELEGRAM: &str = "\n[[gateways]]\nname = \"telegram\"\nkind = \"telegram\"\nsandbox = true\n";

/// Nothing promises a way on which the payer could not read what the code approves.
async fn a_way_that_hides_the_payment_is_not_promised(front: Front) -> anyhow::Result<()> {
    let token = [("TIFFIN_GATEWAY_TELEGRAM_API_TOKEN", "a token")];
    let stack = Stack::launch(front, Backing::Memory, &token, |text| format!("{text}{TELEGRAM}")).await?;
    let server = &stack.client;
    let mut body = login(&fresh_phone());
    body["channel"] = "telegram".into();
    let made = server.create(&fresh_key(), &body).await?;
    assert_eq!((made.status, &made.body["channel"]), (202, &"telegram".into()), "{made:?}");
    body["to"]["phone"] = fresh_phone().into();
    body["binding"] = payment("499.00", "Shop");
    let refused = server.create(&fresh_key(), &body).await?;
    assert_eq!((refused.status, refused.code()), (422, Some("no_route")), "{refused:?}");
    let report =
        server.call(Method::POST, "/v1/preflight", &[("idempotency-key", &fresh_key())], &body).await?;
    assert_eq!((report.status, &report.body["ok"]), (200, &false.into()), "{report:?}");
    assert!(report.text.contains("shows what the code approves"), "{report:?}");

    let (made, _) = ordered(server).await?;
    let path = format!("/v1/orders/{}/resend", made.id()?);
    let asked = json!({"channel": "telegram"});
    let resent = server.call(Method::POST, &path, &[("idempotency-key", &fresh_key())], &asked).await?;
    assert_eq!((resent.status, resent.code()), (422, Some("no_route")), "{resent:?}");
    Ok(())
}

#[tokio::test]
async fn a_way_that_hides_the_payment_is_not_promised_at_the_wasm_edge() -> anyhow::Result<()> {
    a_way_that_hides_the_payment_is_not_promised(Front::Edge).await
}

#[tokio::test]
async fn a_way_that_hides_the_payment_is_not_promised_standalone() -> anyhow::Result<()> {
    a_way_that_hides_the_payment_is_not_promised(Front::Standalone).await
}

#[tokio::test]
async fn a_code_verifies_its_payment_alone_at_the_wasm_edge() -> anyhow::Result<()> {
    a_code_verifies_its_payment_alone(Front::Edge).await
}

#[tokio::test]
async fn a_code_verifies_its_payment_alone_standalone() -> anyhow::Result<()> {
    a_code_verifies_its_payment_alone(Front::Standalone).await
}
