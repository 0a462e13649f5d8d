//! The main job.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

async fn a_code_is_ordered_delivered_and_verified(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    let order = client.until_state(&id, "delivered").await?;
    assert_eq!(order["attempts"][0]["gateway"], "twilio-sms");
    assert_eq!(order["attempts"][0]["changed"], "first attempt");
    assert_eq!(client.guess(&id, &code).await?, "verified");
    assert_eq!(client.guess(&id, &code).await?, "already_verified");
    let order = client.fetch(&id).await?.body;
    assert_eq!((&order["state"], &order["verified_channel"]), (&"verified".into(), &"sms".into()));
    Ok(())
}

#[tokio::test]
async fn a_code_ordered_at_the_wasm_edge_arrives_and_verifies() -> anyhow::Result<()> {
    a_code_is_ordered_delivered_and_verified(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn a_code_ordered_standalone_arrives_and_verifies() -> anyhow::Result<()> {
    a_code_is_ordered_delivered_and_verified(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_code_travels_through_rabbitmq_and_redis() -> anyhow::Result<()> {
    a_code_is_ordered_delivered_and_verified(Front::Edge, Backing::Shared).await
}
