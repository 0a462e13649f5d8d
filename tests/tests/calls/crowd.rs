//! More who wait for news than there are places: they are answered without waiting, and nobody else notices.

use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use tiffin_shared::http::WATCHERS_PER_ORDER_MAX;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::task::JoinSet;

use crate::sse::Events;

/// More than one order has places for.
const TOO_MANY: usize = 6;

async fn poll(client: &Client, id: &str) -> anyhow::Result<(Reply, Duration)> {
    let begun = Instant::now();
    let reply = client.call(Method::GET, &format!("/v1/orders/{id}?wait=8"), &[], &Value::Null).await?;
    Ok((reply, begun.elapsed()))
}

/// A delivered order that an app made.
async fn watched(app: &Client) -> anyhow::Result<(String, String)> {
    let phone = fresh_phone();
    let id = app.order(&phone).await?;
    app.until_state(&id, "delivered").await?;
    Ok((id, phone))
}

#[tokio::test]
async fn polls_without_end_take_no_place_from_orders() -> anyhow::Result<()> {
    let more = [("TIFFIN_SERVER_REQUESTS_MAX", "4"), ("TIFFIN_SERVER_WATCHERS_MAX", "12")];
    let stack = Stack::start_with(Front::Standalone, Backing::Memory, &more).await?;
    let app = stack.client.with_key(&stack.keys.publishable);
    let (id, _) = watched(&app).await?;
    let mut polls = JoinSet::new();
    for _ in 0..30 {
        let (app, id) = (app.clone(), id.clone());
        polls.spawn(async move { poll(&app, &id).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // All request places are free: none of these is turned away.
    for _ in 0..10 {
        stack.client.order(&fresh_phone()).await?;
    }
    let polls = polls.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let waited = polls.iter().filter(|(_, took)| *took >= Duration::from_secs(8)).count();
    assert_eq!(waited, 12, "{polls:?}");
    for (reply, took) in &polls {
        assert!(reply.status == 200 && reply.body["state"] == "delivered", "{reply:?}");
        let told = reply.header("retry-after");
        assert_eq!(told, (*took < Duration::from_secs(8)).then_some("5"), "{took:?}");
    }
    Ok(())
}

/// Opens streams until one ends by itself: those that stay, and what the others were told.
async fn open(client: &Client, id: &str, count: usize) -> anyhow::Result<Vec<Events>> {
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let (client, id) = (client.clone(), id.to_owned());
        opening.spawn(async move {
            let mut events = Events::open(&client, &id, None).await?;
            anyhow::ensure!(events.event().await?.order["state"] == "delivered");
            anyhow::Ok(events)
        });
    }
    opening.join_all().await.into_iter().collect()
}

/// How many of them are still open a moment later.
async fn lasting(streams: Vec<Events>) -> anyhow::Result<Vec<Events>> {
    let mut waiting = JoinSet::new();
    for mut events in streams {
        waiting.spawn(async move {
            match tokio::time::timeout(Duration::from_secs(2), events.next()).await {
                Err(_) => anyhow::Ok(Some(events)),
                Ok(over) => {
                    anyhow::ensure!(over?.is_none(), "an event that nobody caused");
                    anyhow::ensure!(events.retry_ms() == Some(5_000), "{:?}", events.retry_ms());
                    Ok(None)
                }
            }
        });
    }
    let all = waiting.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok(all.into_iter().flatten().collect())
}

async fn an_order_has_so_many_watchers_and_those_who_leave_make_room(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let (id, phone) = watched(client).await?;
    let streams = open(client, &id, WATCHERS_PER_ORDER_MAX + TOO_MANY).await?;
    let streams = lasting(streams).await?;
    assert_eq!(streams.len(), WATCHERS_PER_ORDER_MAX);
    let (reply, took) = poll(client, &id).await?;
    assert_eq!((reply.status, reply.header("retry-after")), (200, Some("5")), "{reply:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    // Another order, of another phone, has its own.
    let (other, _) = watched(client).await?;
    assert_eq!(lasting(open(client, &other, 1).await?).await?.len(), 1);

    drop(streams);
    let look = || async { lasting(open(client, &id, 1).await?).await.map(|streams| streams.len()) };
    wait::until("a free place", look, |streams| *streams == 1).await?;
    let streams = lasting(open(client, &id, WATCHERS_PER_ORDER_MAX - TOO_MANY).await?).await?;
    assert_eq!(streams.len(), WATCHERS_PER_ORDER_MAX - TOO_MANY);
    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
    for mut events in streams {
        let rest = events.rest().await?;
        assert!(rest.len() == 1 && rest[0].order["state"] == "verified", "{rest:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_order_has_so_many_watchers_and_those_who_leave_make_room_at_the_wasm_edge() -> anyhow::Result<()>
{
    an_order_has_so_many_watchers_and_those_who_leave_make_room(Front::Edge).await
}

#[tokio::test]
async fn an_order_has_so_many_watchers_and_those_who_leave_make_room_standalone() -> anyhow::Result<()> {
    an_order_has_so_many_watchers_and_those_who_leave_make_room(Front::Standalone).await
}
