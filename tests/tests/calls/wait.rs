//! `GET /v1/orders/{id}?wait=`: told when there is news, and not before.

use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common::NEWS;
use crate::common::refusal;

/// How often news is waited for.
const ROUNDS: usize = 3;

async fn look(client: &Client, method: Method, id: &str, query: &str, known: &str) -> anyhow::Result<Reply> {
    let headers: &[(&str, &str)] = if known.is_empty() { &[] } else { &[("if-none-match", known)] };
    client.call(method, &format!("/v1/orders/{id}{query}"), headers, &Value::Null).await
}

async fn waiting(client: &Client, id: &str, query: &str, known: &str) -> anyhow::Result<(Reply, Duration)> {
    let start = Instant::now();
    Ok((look(client, Method::GET, id, query, known).await?, start.elapsed()))
}

/// A delivered order, with its code and its tag.
async fn delivered(client: &Client) -> anyhow::Result<(String, String, String)> {
    let phone = fresh_phone();
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    let tag = client.fetch(&id).await?.header("etag").unwrap_or_default().to_owned();
    anyhow::ensure!(tag.starts_with('"') && tag.len() > 2, "no tag: {tag:?}");
    Ok((id, client.code(&phone).await?, tag))
}

async fn a_poll_ends_within_a_second_of_the_news(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    for round in 0..ROUNDS {
        let (id, code, tag) = delivered(client).await?;
        let known = if round % 2 == 0 { "" } else { tag.as_str() };
        let long =
            async { anyhow::Ok((look(client, Method::GET, &id, "?wait=30", known).await?, Instant::now())) };
        let change = async {
            // Meanwhile a short one sees nothing change for its second.
            let (same, took) = waiting(client, &id, "?wait=1", "").await?;
            assert_eq!((same.status, &same.body["state"]), (200, &json!("delivered")), "{same:?}");
            assert!(took >= Duration::from_secs(1), "{took:?}");
            assert_eq!(client.guess(&id, &code).await?, "verified");
            anyhow::Ok(Instant::now())
        };
        let (told, changed) = tokio::join!(long, change);
        let ((reply, told_at), changed_at) = (told?, changed?);
        assert_eq!((reply.status, &reply.body["state"]), (200, &json!("verified")), "{reply:?}");
        let late = told_at.saturating_duration_since(changed_at);
        assert!(late <= NEWS, "told {late:?} after the change");

        // Nothing changes any more: at once.
        let (over, took) = waiting(client, &id, "?wait=30", "").await?;
        assert_eq!((over.status, over.body), (200, reply.body));
        assert!(took <= NEWS, "{took:?}");
    }
    Ok(())
}

async fn a_poll_tells_what_the_caller_does_not_know_yet(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let (id, code, tag) = delivered(client).await?;
    let second = Duration::from_secs(1);

    let (same, took) = waiting(client, &id, "?wait=1", &tag).await?;
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", Some(tag.as_str())));
    assert!(took >= second, "{took:?}");
    let weak = look(client, Method::GET, &id, "", &format!("W/{tag}")).await?;
    assert_eq!(weak.status, 304, "{weak:?}");
    for other in ["\"AAAAAAAAAAAA\"", "\"nonsense\"", "*"] {
        let plain = look(client, Method::GET, &id, "", other).await?;
        assert_eq!((plain.status, plain.header("etag")), (200, Some(tag.as_str())), "{other}");
    }
    let (other, took) = waiting(client, &id, "?wait=30", "\"AAAAAAAAAAAA\"").await?;
    assert_eq!((other.status, &other.body["state"]), (200, &json!("delivered")));
    assert!(took <= NEWS, "{took:?}");
    let (none, took) = waiting(client, &id, "?wait=0", "").await?;
    assert!(none.status == 200 && took <= NEWS, "{took:?}");

    assert_eq!(client.guess(&id, &code).await?, "verified");
    let (news, took) = waiting(client, &id, "?wait=30", &tag).await?;
    assert_eq!((news.status, &news.body["state"]), (200, &json!("verified")));
    assert!(took <= NEWS && news.header("etag") != Some(tag.as_str()), "{took:?}");

    for bad in ["56", "-1", "1.5", "abc", "", "99999999999999999999", "30s"] {
        let reply = look(client, Method::GET, &id, &format!("?wait={bad}"), "").await?;
        assert_eq!(refusal(&reply), (400, Some("invalid_request")), "{bad}: {reply:?}");
    }
    Ok(())
}

async fn head_is_get_without_a_body(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let (id, _, tag) = delivered(client).await?;
    let unknown = format!("ord_{}", "A".repeat(43));
    let asked = [
        (&id, "", ""),
        (&id, "?wait=1", ""),
        (&id, "", tag.as_str()),
        (&id, "?wait=56", ""),
        (&unknown, "", ""),
    ];
    for ((id, query, known), status) in asked.into_iter().zip([200, 200, 304, 400, 404]) {
        let get = look(client, Method::GET, id, query, known).await?;
        let (head, took) = {
            let start = Instant::now();
            (look(client, Method::HEAD, id, query, known).await?, start.elapsed())
        };
        assert_eq!((get.status, head.status, head.text.as_str()), (status, status, ""), "{query} {known}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{query} {known} {name}");
        }
        assert!(query != "?wait=1" || took >= Duration::from_secs(1), "{took:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_poll_ends_within_a_second_of_the_news_at_the_wasm_edge() -> anyhow::Result<()> {
    a_poll_ends_within_a_second_of_the_news(Front::Edge).await
}

#[tokio::test]
async fn a_poll_ends_within_a_second_of_the_news_standalone() -> anyhow::Result<()> {
    a_poll_ends_within_a_second_of_the_news(Front::Standalone).await
}

#[tokio::test]
async fn a_poll_tells_what_the_caller_does_not_know_yet_at_the_wasm_edge() -> anyhow::Result<()> {
    a_poll_tells_what_the_caller_does_not_know_yet(Front::Edge).await
}

#[tokio::test]
async fn a_poll_tells_what_the_caller_does_not_know_yet_standalone() -> anyhow::Result<()> {
    a_poll_tells_what_the_caller_does_not_know_yet(Front::Standalone).await
}

#[tokio::test]
async fn head_is_get_without_a_body_at_the_wasm_edge() -> anyhow::Result<()> {
    head_is_get_without_a_body(Front::Edge).await
}

#[tokio::test]
async fn head_is_get_without_a_body_standalone() -> anyhow::Result<()> {
    head_is_get_without_a_body(Front::Standalone).await
}
