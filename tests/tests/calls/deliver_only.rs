//! A code that the caller brings: it arrives as it is, verifies, and is told to nobody.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common;
use crate::common::refusal;
use crate::common::replaced;
use crate::sse::Events;

/// With zeros in front, and longer than the service's own.
const CODE: &str = "0073451986";
/// Too much like it.
const SHORTER: &str = "73451986";

fn with_code(phone: &str, code: impl Into<Value>) -> Value {
    json!({"to": {"phone": phone}, "service": "login", "code": code.into()})
}

/// Nothing in a reply gives the code away.
fn keeps_quiet(reply: Reply) -> Reply {
    let headers = format!("{:?}", reply.headers);
    assert!(!reply.text.contains(SHORTER) && !headers.contains(SHORTER), "{reply:?}");
    reply
}

async fn a_callers_own_code_arrives_verifies_and_is_never_repeated(front: Front) -> anyhow::Result<()> {
    let edit = |toml: &str| replaced(toml, "resend_after_ms = 30000", "resend_after_ms = 0");
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    let body = with_code(&phone, CODE);
    let headers = [("idempotency-key", key.as_str())];
    keeps_quiet(client.call(Method::POST, "/v1/preflight", &headers, &body).await?);
    let order = keeps_quiet(client.create(&key, &body).await?);
    assert_eq!(order.status, 202, "{order:?}");
    let id = order.id()?;
    let replay = keeps_quiet(client.create(&key, &body).await?);
    assert_eq!((replay.id()?, replay.header("idempotency-replayed")), (id.clone(), Some("true")));
    let other = keeps_quiet(client.create(&key, &with_code(&phone, "0073451987")).await?);
    assert_eq!(refusal(&other), (422, Some("idempotency_mismatch")), "the code is part of the content");

    client.until_state(&id, "delivered").await?;
    assert_eq!(common::resend_anyhow(client, &id).await?.status, 202);
    common::until_attempt(client, &id, 2, "delivered").await?;
    let messages = client.inbox(&phone).await?;
    assert_eq!(messages.len(), 2);
    for message in messages {
        let text = message["text"].as_str().unwrap_or_default();
        assert!(text.starts_with(&format!("{CODE} is your Tiffin code.")), "{text}");
    }

    keeps_quiet(client.fetch(&id).await?);
    let event = Events::open(client, &id, None).await?.event().await?;
    assert!(!event.order.to_string().contains(SHORTER));
    for wrong in [SHORTER, "073451986", "0073451987"] {
        let guess = keeps_quiet(client.verify(&id, wrong).await?);
        assert_eq!(guess.body["result"], "wrong_code", "{wrong}");
    }
    let number = client
        .call(Method::POST, &format!("/v1/orders/{id}/verify"), &[], &json!({"code": 73_451_986}))
        .await?;
    assert_eq!(refusal(&keeps_quiet(number)), (400, Some("invalid_request")));
    let verified = keeps_quiet(client.verify(&id, CODE).await?);
    assert_eq!(verified.body["result"], "verified");
    keeps_quiet(client.fetch(&id).await?);
    Ok(())
}

async fn only_digits_from_a_server_are_taken_for_a_code(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let app = client.with_key(&stack.keys.publishable);
    let refused = keeps_quiet(app.create(&fresh_key(), &with_code(&phone, CODE)).await?);
    assert_eq!(refusal(&refused), (400, Some("invalid_request")), "{refused:?}");
    let bad = [
        json!(73_451_986),
        json!("731"),
        json!("73451986000"),
        json!("73451986a"),
        json!("+73451986"),
        json!(" 73451986"),
        json!("7345٣1986"),
        json!(["73451986"]),
    ];
    for code in bad {
        let reply = keeps_quiet(client.create(&fresh_key(), &with_code(&phone, code.clone())).await?);
        assert_eq!(refusal(&reply), (400, Some("invalid_request")), "{code}: {reply:?}");
    }
    // Null is none of their own; and none of all that spent a token.
    for code in [json!(null), json!("0000"), json!("9999999999")] {
        let reply = client.create(&fresh_key(), &with_code(&phone, code.clone())).await?;
        assert_eq!(reply.status, 202, "{code}: {reply:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_callers_own_code_arrives_and_verifies_at_the_wasm_edge() -> anyhow::Result<()> {
    a_callers_own_code_arrives_verifies_and_is_never_repeated(Front::Edge).await
}

#[tokio::test]
async fn a_callers_own_code_arrives_and_verifies_standalone() -> anyhow::Result<()> {
    a_callers_own_code_arrives_verifies_and_is_never_repeated(Front::Standalone).await
}

#[tokio::test]
async fn only_digits_from_a_server_are_taken_for_a_code_at_the_wasm_edge() -> anyhow::Result<()> {
    only_digits_from_a_server_are_taken_for_a_code(Front::Edge).await
}

#[tokio::test]
async fn only_digits_from_a_server_are_taken_for_a_code_standalone() -> anyhow::Result<()> {
    only_digits_from_a_server_are_taken_for_a_code(Front::Standalone).await
}
