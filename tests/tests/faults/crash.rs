//! `kill -9` of core, at the worst moments.

use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::process::signal;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::Ordered;

const ALL: &str = "ingest,deliver,callbacks";
const QUEUED: usize = 10;

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn codes_in_the_queue_outlive_core_and_arrive_exactly_once() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    stack.core()?.stop();
    // Takes jobs and delivers none: what a crash between RabbitMQ's confirm and the send leaves.
    stack.start_core("ingest,callbacks").await?;
    let orders = common::order_many(&stack.client, QUEUED).await?;
    for order in &orders {
        stack.client.until_state(&order.id, "queued").await?;
    }
    stack.core()?.kill();
    stack.start_core(ALL).await?;
    common::arrive_exactly_once(&stack.client, &orders).await?;
    Ok(())
}

/// One provider has the message and its answer was lost; another one was cut off before it took the message.
/// Core cannot tell one from the other, and sends neither again.
#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_crash_while_the_gateway_is_called_never_sends_twice() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let client = stack.client.clone();
    common::script_fault(&client, &json!({"mode": "ok", "latency_ms": 4_000})).await?;
    let taken = common::order(&client).await?;
    client.until_state(&taken.id, "sending").await?;
    common::script_fault(&client, &json!({"mode": "timeout"})).await?;
    let cut_off = common::order(&client).await?;
    client.until_state(&cut_off.id, "sending").await?;
    assert_eq!(common::state(&client, &taken).await?, "sending", "the answer came before the crash");

    // Frozen, so that the answer to the first call arrives and is never read.
    let core = stack.core()?;
    signal("STOP", core.pid());
    let code = client.code(&taken.phone).await?;
    stack.core()?.kill();
    common::script_fault(&client, &json!({"mode": "ok"})).await?;
    stack.start_core(ALL).await?;

    // The receipt tells what the answer would have told.
    let order = client.until_state(&taken.id, "delivered").await?;
    assert_eq!(order["attempts"].as_array().map(Vec::len), Some(1), "{order}");
    // Both jobs came back from RabbitMQ; when the claims ran out, the other attempt is unknown.
    let order = common::until_attempt(&client, &cut_off, "unknown").await?;
    assert_eq!((&order["state"], order["attempts"].as_array().map(Vec::len)), (&json!("sending"), Some(1)));
    // What is ordered now passes through the same workers, after them.
    let after = common::order(&client).await?;
    common::arrive_exactly_once(&client, std::slice::from_ref(&after)).await?;
    assert_eq!(messages(&stack, &taken).await?, 1);
    assert_eq!(messages(&stack, &cut_off).await?, 0);
    assert_eq!(client.guess(&taken.id, &code).await?, "verified");
    Ok(())
}

/// Killed at any moment after acceptance: at most one message each, and none is forgotten.
#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_crash_in_full_work_sends_nothing_twice_and_forgets_nothing() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let client = stack.client.clone();
    common::script_fault(&client, &json!({"mode": "ok", "latency_ms": 150})).await?;
    let orders = common::order_many(&client, QUEUED).await?;
    stack.core()?.kill();
    stack.start_core(ALL).await?;
    let (mut delivered, mut unknown) = (0, 0);
    for order in &orders {
        let is_settled = |reply: &Reply| {
            reply.body["state"] == "delivered" || reply.body["attempts"][0]["state"] == "unknown"
        };
        let settled = wait::until("a settled order", || client.fetch(&order.id), is_settled).await?;
        let is_delivered = settled.body["state"] == "delivered";
        let messages = messages(&stack, order).await?;
        assert!(messages <= 1 && (messages == 1 || !is_delivered), "{messages} messages: {settled:?}");
        assert_eq!(settled.body["attempts"].as_array().map(Vec::len), Some(1), "{settled:?}");
        if is_delivered { delivered += 1 } else { unknown += 1 }
    }
    println!("{delivered} delivered, {unknown} unknown, none twice");
    Ok(())
}

async fn messages(stack: &Stack, order: &Ordered) -> anyhow::Result<usize> {
    Ok(stack.client.inbox(&order.phone).await?.len())
}
