//! **accepted-is-durable**, while core is away.

use std::time::Duration;

use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::common;

/// How long core is down: what the README promises to survive, in real time.
const OUTAGE: Duration = Duration::from_secs(30);
const ORDERS: usize = 20;

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn codes_ordered_while_core_is_down_all_arrive_exactly_once() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    stack.core()?.stop();
    let down_at = Instant::now();
    let orders = common::order_many(&stack.client, ORDERS).await?;
    sleep_until(down_at + OUTAGE).await;
    for order in &orders {
        assert_eq!(common::state(&stack.client, order).await?, "accepted");
    }
    stack.start_core("ingest,deliver,callbacks").await?;
    common::arrive_exactly_once(&stack.client, &orders).await?;
    println!("{ORDERS} of {ORDERS} codes arrived once, {:?} after core went down", down_at.elapsed());
    Ok(())
}
