//! What the edge knows stops what core still holds: a newer order, or a code that was verified.

use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common;
use crate::common::Stopped;

async fn a_superseded_code_in_cores_queue_is_never_sent(front: Front) -> anyhow::Result<()> {
    let stack = common::in_one_lane(front).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let stopped = Stopped::with_a_message(&stack).await?;
    let older = client.order(&phone).await?;
    client.until_state(&older, "queued").await?;
    let newer = client.order(&phone).await?;
    client.until_state(&newer, "queued").await?;
    stopped.go_on(client).await?;

    let order = client.until_state(&newer, "delivered").await?;
    assert_eq!(common::attempts(&order), 1, "{order}");
    let order = client.fetch(&older).await?.body;
    assert_eq!((&order["superseded"], &order["attempts"]), (&json!(true), &json!([])), "{order}");
    assert_eq!(client.inbox(&phone).await?.len(), 1, "the superseded code was sent");
    let code = client.code(&phone).await?;
    assert_eq!(client.guess(&older, &code).await?, "expired");
    assert_eq!(client.guess(&newer, &code).await?, "verified");
    Ok(())
}

async fn a_superseded_code_that_waits_for_its_next_try_is_not_tried_again(
    front: Front,
) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let older = common::failing_twice(client, &login(&phone)).await?;
    let newer = client.order(&phone).await?;
    common::outlast_retries(client, &newer).await?;
    let order = client.fetch(&older).await?.body;
    assert_eq!((&order["superseded"], common::attempts(&order)), (&json!(true), common::FAILED), "{order}");
    assert_eq!(client.inbox(&phone).await?.len(), 1, "the superseded code was sent");
    assert_eq!(client.guess(&newer, &client.code(&phone).await?).await?, "verified");
    Ok(())
}

/// The caller's own code is known before it arrives.
async fn a_verified_code_is_not_sent_any_more(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let body = json!({"to": {"phone": phone}, "service": "login", "code": "271828"});
    let id = common::failing_twice(client, &body).await?;
    assert_eq!(client.guess(&id, "271828").await?, "verified");
    let later = client.create(&fresh_key(), &login(&fresh_phone())).await?.id()?;
    common::outlast_retries(client, &later).await?;
    let order = client.fetch(&id).await?.body;
    assert_eq!((&order["state"], common::attempts(&order)), (&json!("verified"), common::FAILED), "{order}");
    assert!(client.inbox(&phone).await?.is_empty(), "the verified code was sent");
    Ok(())
}

#[tokio::test]
async fn a_superseded_code_in_cores_queue_is_never_sent_at_the_wasm_edge() -> anyhow::Result<()> {
    a_superseded_code_in_cores_queue_is_never_sent(Front::Edge).await
}

#[tokio::test]
async fn a_superseded_code_in_cores_queue_is_never_sent_standalone() -> anyhow::Result<()> {
    a_superseded_code_in_cores_queue_is_never_sent(Front::Standalone).await
}

#[tokio::test]
async fn a_superseded_code_is_not_tried_again_at_the_wasm_edge() -> anyhow::Result<()> {
    a_superseded_code_that_waits_for_its_next_try_is_not_tried_again(Front::Edge).await
}

#[tokio::test]
async fn a_superseded_code_is_not_tried_again_standalone() -> anyhow::Result<()> {
    a_superseded_code_that_waits_for_its_next_try_is_not_tried_again(Front::Standalone).await
}

#[tokio::test]
async fn a_verified_code_is_not_sent_any_more_at_the_wasm_edge() -> anyhow::Result<()> {
    a_verified_code_is_not_sent_any_more(Front::Edge).await
}

#[tokio::test]
async fn a_verified_code_is_not_sent_any_more_standalone() -> anyhow::Result<()> {
    a_verified_code_is_not_sent_any_more(Front::Standalone).await
}
