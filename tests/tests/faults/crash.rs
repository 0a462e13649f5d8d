//! `kill -9` of core, at the worst moments.

use serde_json::json;
use tiffin_tests::process::signal;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

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
/// The provider is asked which is which: nothing is sent twice, and nothing is forgotten.
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
    // Both jobs came back from RabbitMQ; when the claims ran out, the provider did not know the other message.
    let order = client.until_state(&cut_off.id, "delivered").await?;
    assert_eq!(
        (&order["attempts"][0]["state"], order["attempts"].as_array().map(Vec::len)),
        (&json!("failed"), Some(2))
    );
    // What is ordered now passes through the same workers, after them.
    let after = common::order(&client).await?;
    common::arrive_exactly_once(&client, std::slice::from_ref(&after)).await?;
    assert_eq!(messages(&stack, &taken).await?, 1);
    assert_eq!(messages(&stack, &cut_off).await?, 1);
    assert_eq!(client.guess(&taken.id, &code).await?, "verified");
    Ok(())
}

/// Killed at any moment after acceptance: one message each, whatever the provider had taken by then.
#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_crash_in_full_work_sends_nothing_twice_and_forgets_nothing() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let client = stack.client.clone();
    common::script_fault(&client, &json!({"mode": "ok", "latency_ms": 150})).await?;
    let orders = common::order_many(&client, QUEUED).await?;
    stack.core()?.kill();
    stack.start_core(ALL).await?;
    for order in &orders {
        let settled = client.until_state(&order.id, "delivered").await?;
        assert_eq!(messages(&stack, order).await?, 1, "{settled}");
    }
    Ok(())
}

async fn messages(stack: &Stack, order: &Ordered) -> anyhow::Result<usize> {
    Ok(stack.client.inbox(&order.phone).await?.len())
}
