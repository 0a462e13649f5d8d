//! Standalone: the ledgers and their outbox are in Redis, and the process dies.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::task::JoinSet;

use crate::common;
use crate::common::Ordered;

const ORDERS: usize = 20;

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn codes_accepted_just_before_a_standalone_process_dies_arrive_exactly_once() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Shared).await?;
    stack.core()?.stop();
    // Accepts and hands over, but delivers nothing before it dies.
    stack.start_core("ingest,callbacks").await?;
    let mut accepting = JoinSet::new();
    for _ in 0..ORDERS {
        let client = stack.client.clone();
        accepting.spawn(async move {
            let phone = fresh_phone();
            anyhow::Ok(Ordered { id: client.order(&phone).await?, phone })
        });
    }
    let orders = accepting.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    stack.core()?.kill();
    stack.start_core("ingest,deliver,callbacks").await?;
    common::arrive_exactly_once(&stack.client, &orders).await?;
    Ok(())
}
