//! Many who watch the same order.

use std::time::Duration;
use std::time::Instant;

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::task::JoinSet;

use crate::sse::Events;

const STREAMS: usize = 50;
/// A stream's second, and room for fifty of them on a busy machine: far below the twenty of a sign of life.
const ALL_TOLD: Duration = Duration::from_secs(5);

async fn fifty_streams_all_tell_how_the_order_ends(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    let mut opening = JoinSet::new();
    for _ in 0..STREAMS {
        let (client, id) = (client.clone(), id.clone());
        opening.spawn(async move {
            let mut events = Events::open(&client, &id, None).await?;
            let first = events.event().await?;
            anyhow::ensure!(first.order["state"] == "delivered", "{first:?}");
            anyhow::Ok(events)
        });
    }
    let open = opening.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    // Others are served meanwhile.
    let other = client.order(&fresh_phone()).await?;
    client.until_state(&other, "delivered").await?;

    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
    let changed = Instant::now();
    let mut reading = JoinSet::new();
    for mut events in open {
        reading.spawn(async move { events.rest().await });
    }
    for rest in reading.join_all().await {
        let rest = rest?;
        assert!(rest.len() == 1 && rest[0].order["state"] == "verified", "{rest:?}");
    }
    assert!(changed.elapsed() <= ALL_TOLD, "the last of {STREAMS} was told after {:?}", changed.elapsed());
    Ok(())
}

#[tokio::test]
async fn fifty_streams_all_tell_how_the_order_ends_at_the_wasm_edge() -> anyhow::Result<()> {
    fifty_streams_all_tell_how_the_order_ends(Front::Edge).await
}

#[tokio::test]
async fn fifty_streams_all_tell_how_the_order_ends_standalone() -> anyhow::Result<()> {
    fifty_streams_all_tell_how_the_order_ends(Front::Standalone).await
}
