//! `GET /v1/orders/{id}/events`: one event per change, from now to the order's end.

use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common::NEWS;
use crate::common::refusal;
use crate::sse::Events;

/// How far a state is from acceptance.
fn rank(order: &Value) -> Option<usize> {
    let states = ["accepted", "queued", "sending", "sent", "delivered", "verified"];
    states.iter().position(|state| order["state"] == *state)
}

async fn every_change_is_told_once_until_the_order_ends(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    let (start, mut events) = (Instant::now(), Events::open(client, &id, None).await?);
    let mut seen = vec![events.event().await?];
    assert!(start.elapsed() <= NEWS, "the first event came after {:?}", start.elapsed());
    while seen.last().is_some_and(|event| event.order["state"] != "delivered") {
        seen.push(events.event().await?);
    }
    for pair in seen.windows(2) {
        assert!(pair[0].id != pair[1].id && pair[0].order != pair[1].order, "{pair:?}");
        assert!(rank(&pair[0].order) <= rank(&pair[1].order), "{pair:?}");
    }
    let latest = client.fetch(&id).await?;
    let last = seen.last().map(|event| (format!("\"{}\"", event.id), event.order.clone()));
    assert_eq!(last, latest.header("etag").map(|tag| (tag.to_owned(), latest.body.clone())));

    let code = client.code(&phone).await?;
    let wrong = if code == "111111" { "222222" } else { "111111" };
    for left in [4, 3] {
        assert_eq!(client.guess(&id, wrong).await?, "wrong_code");
        let event = events.event().await?;
        assert_eq!(
            (&event.order["state"], &event.order["guesses_left"]),
            (&json!("delivered"), &json!(left))
        );
    }
    assert_eq!(client.guess(&id, &code).await?, "verified");
    let changed = Instant::now();
    let rest = events.rest().await?;
    assert!(changed.elapsed() <= NEWS, "the end came after {:?}", changed.elapsed());
    assert!(rest.len() == 1 && rest[0].order["state"] == "verified", "{rest:?}");

    // Of an order that is over: how it ended, and the end.
    let again = Events::open(client, &id, None).await?.rest().await?;
    assert!(again.len() == 1 && again[0].order == rest[0].order, "{again:?}");
    assert!(Events::open(client, &id, Some(&again[0].id)).await?.rest().await?.is_empty());
    Ok(())
}

async fn who_connects_again_is_told_only_what_is_new(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    let code = client.code(&phone).await?;
    let seen = Events::open(client, &id, None).await?.event().await?;

    let mut again = Events::open(client, &id, Some(&seen.id)).await?;
    let next = async { anyhow::Ok((again.event().await?, Instant::now())) };
    let change = async {
        // A second of silence, by a poll that sees nothing change.
        let same = client.call(Method::GET, &format!("/v1/orders/{id}?wait=1"), &[], &Value::Null).await?;
        assert_eq!(same.body, seen.order);
        assert_eq!(client.guess(&id, &code).await?, "verified");
        anyhow::Ok(Instant::now())
    };
    let (next, changed) = tokio::join!(next, change);
    let ((event, told_at), changed_at) = (next?, changed?);
    assert_eq!(event.order["state"], "verified", "{event:?}");
    let late: Duration = told_at.saturating_duration_since(changed_at);
    assert!(late <= NEWS, "told {late:?} after the change");
    assert!(again.next().await?.is_none());
    // What is no id of ours is not taken for one.
    for other in ["nonsense", "AAAAAAAAAAAA", ""] {
        let told = Events::open(client, &id, Some(other)).await?.rest().await?;
        assert!(told.len() == 1 && told[0].id == event.id, "{other}: {told:?}");
    }
    Ok(())
}

async fn there_is_no_stream_of_an_order_that_is_not_the_callers(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let id = client.order(&fresh_phone()).await?;
    let neighbour = format!("ord_{}{}", "A".repeat(21), &id[25..]);
    for unknown in [format!("ord_{}", "A".repeat(43)), neighbour, "ord_x".to_owned()] {
        let path = format!("/v1/orders/{unknown}/events");
        let reply = client.call(Method::GET, &path, &[], &Value::Null).await?;
        assert_eq!(refusal(&reply), (404, Some("not_found")), "{unknown}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    }
    let stranger = client.with_key("sk_nobody");
    let reply = stranger.call(Method::GET, &format!("/v1/orders/{id}/events"), &[], &Value::Null).await?;
    assert_eq!(refusal(&reply), (401, Some("unauthenticated")));
    Ok(())
}

#[tokio::test]
async fn every_change_is_told_once_at_the_wasm_edge() -> anyhow::Result<()> {
    every_change_is_told_once_until_the_order_ends(Front::Edge).await
}

#[tokio::test]
async fn every_change_is_told_once_standalone() -> anyhow::Result<()> {
    every_change_is_told_once_until_the_order_ends(Front::Standalone).await
}

#[tokio::test]
async fn who_connects_again_is_told_only_what_is_new_at_the_wasm_edge() -> anyhow::Result<()> {
    who_connects_again_is_told_only_what_is_new(Front::Edge).await
}

#[tokio::test]
async fn who_connects_again_is_told_only_what_is_new_standalone() -> anyhow::Result<()> {
    who_connects_again_is_told_only_what_is_new(Front::Standalone).await
}

#[tokio::test]
async fn there_is_no_stream_of_an_unknown_order_at_the_wasm_edge() -> anyhow::Result<()> {
    there_is_no_stream_of_an_order_that_is_not_the_callers(Front::Edge).await
}

#[tokio::test]
async fn there_is_no_stream_of_an_unknown_order_standalone() -> anyhow::Result<()> {
    there_is_no_stream_of_an_order_that_is_not_the_callers(Front::Standalone).await
}
