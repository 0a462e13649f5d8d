//! Redis and RabbitMQ away, killed and back, under one running core.

use tiffin_core::host;
use tiffin_shared::http::internal;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::servers::Server;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::Ordered;
use crate::common::parcel;
use crate::forged_jobs;

const QUEUED: usize = 5;

#[tokio::test]
#[ignore = "starts its own Redis and RabbitMQ: make test"]
async fn codes_arrive_exactly_once_after_redis_and_rabbitmq_were_away() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Own).await?;
    redis_away(&mut stack).await?;
    rabbitmq_stopped(&mut stack).await?;
    rabbitmq_killed_with_jobs(&mut stack).await
}

async fn redis_away(stack: &mut Stack) -> anyhow::Result<()> {
    server(&mut stack.redis)?.stop();
    let order = held_back(stack, "ingest cannot reach the store").await?;
    server(&mut stack.redis)?.start().await?;
    back(stack, &[order]).await
}

async fn rabbitmq_stopped(stack: &mut Stack) -> anyhow::Result<()> {
    server(&mut stack.rabbitmq)?.stop();
    let order = held_back(stack, "ingest cannot queue a job").await?;
    server(&mut stack.rabbitmq)?.start().await?;
    back(stack, &[order]).await
}

/// Jobs lie in the queue while RabbitMQ is killed; more come while it is away.
async fn rabbitmq_killed_with_jobs(stack: &mut Stack) -> anyhow::Result<()> {
    stack.core()?.stop();
    stack.start_core("ingest,callbacks").await?;
    let mut orders = common::order_many(&stack.client, QUEUED).await?;
    for order in &orders {
        stack.client.until_state(&order.id, "queued").await?;
    }
    server(&mut stack.rabbitmq)?.kill();
    orders.push(held_back(stack, "ingest cannot queue a job").await?);
    server(&mut stack.rabbitmq)?.start().await?;
    common::until_ready(&stack.client, 200).await?;
    stack.core()?.stop();
    stack.start_core("ingest,deliver,callbacks").await?;
    back(stack, &orders).await
}

/// What everyone sees while a server is away. The order that the edge holds back meanwhile.
async fn held_back(stack: &mut Stack, logged: &str) -> anyhow::Result<Ordered> {
    let reply = common::until_ready(&stack.client, 503).await?;
    assert!(reply.header("retry-after").is_some(), "{reply:?}");
    let lines = |stack: &mut Stack| anyhow::Ok(stack.core()?.log().matches(logged).count());
    let before = lines(stack)?;
    let order = common::order(&stack.client).await?;
    wait::until("the edge's hand-over refused", || std::future::ready(lines(stack)), |now| *now > before)
        .await?;

    // A stranger learns nothing of it; the edge is told to come again.
    let (key, entropy) = (forged_jobs::edge_key(stack)?, host::entropy()?);
    let mut job =
        internal::parcel(&parcel(&forged_jobs::job(stack, &fresh_phone())?)?, &key, &entropy, host::now())?;
    let refused = forged_jobs::post(stack, &stack.client.core, &job).await?;
    assert_eq!((refused.status, refused.code()), (503, Some("unavailable")));
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    job.headers.clear();
    assert_eq!(forged_jobs::post(stack, &stack.client.core, &job).await?.status, 401);
    assert_eq!(common::state(&stack.client, &order).await?, "accepted");
    Ok(order)
}

async fn back(stack: &Stack, orders: &[Ordered]) -> anyhow::Result<()> {
    common::until_ready(&stack.client, 200).await?;
    common::arrive_exactly_once(&stack.client, orders).await.map(drop)
}

fn server(server: &mut Option<Server>) -> anyhow::Result<&mut Server> {
    server.as_mut().ok_or_else(|| anyhow::anyhow!("the stack has no server of its own"))
}
