//! Bad requests are refused with exactly their problem, and leave nothing behind.

use std::collections::BTreeSet;

use reqwest::Method;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::case::Case;
use crate::case::Ground;
use crate::lists;

/// What the bucket of a fresh phone holds.
const TOKENS: usize = 3;

async fn bad_requests_get_their_problem_and_leave_nothing_behind(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let ground = Ground::of(&stack).await?;
    let client = &ground.client;
    let before = everything_sent(client).await?.len();
    let cases = lists::all(&ground);
    let mut wrong = Vec::new();
    let mut request_ids = BTreeSet::new();
    for case in &cases {
        let reply = case.send(client).await.map_err(|error| error.context(case.name))?;
        wrong.extend(differences(case, &reply).into_iter().map(|what| format!("{}: {what}", case.name)));
        request_ids.insert(reply.header("x-request-id").unwrap_or_default().to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(request_ids.len(), cases.len(), "every request has an id of its own");

    // Whatever went out before this one would have arrived before it, or is in the counts below.
    let last = fresh_phone();
    client.order(&last).await?;
    client.code(&last).await?;
    assert_eq!(everything_sent(client).await?.len(), before + 1, "a bad request sent something");
    let order = client.fetch(&ground.order).await?.body;
    assert_eq!((&order["guesses_left"], &order["state"]), (&5.into(), &"delivered".into()));
    for case in &cases {
        all_tokens_are_there(client, case).await?;
    }
    Ok(())
}

fn differences(case: &Case, reply: &Reply) -> Vec<String> {
    let expected = [
        ("status", reply.status.to_string(), case.status.to_string()),
        ("body.status", reply.body["status"].to_string(), case.status.to_string()),
        ("body.code", text(reply.code()), text(Some(case.code))),
        ("body.type", text(reply.body["type"].as_str()), format!("/problems/{}", case.code)),
        ("content-type", text(reply.header("content-type")), "application/problem+json".to_owned()),
        ("cache-control", text(reply.header("cache-control")), "no-store".to_owned()),
        (
            "www-authenticate",
            text(reply.header("www-authenticate")),
            if case.status == 401 { "Bearer".to_owned() } else { text(None) },
        ),
    ];
    let mut wrong: Vec<_> = expected
        .into_iter()
        .filter(|(_, is, should)| is != should)
        .map(|(what, is, should)| format!("{what} is {is}, not {should}"))
        .collect();
    let is_text = |field: &str| reply.body[field].as_str().is_some_and(|text| !text.is_empty());
    if !is_text("title") || !is_text("detail") || reply.body.as_object().map(serde_json::Map::len) != Some(5)
    {
        wrong.push(format!("the problem is {}", reply.text));
    }
    if !reply.header("x-request-id").is_some_and(|id| id.starts_with("req_") && id.len() > 20) {
        wrong.push(format!("x-request-id is {:?}", reply.header("x-request-id")));
    }
    wrong
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or("missing").to_owned()
}

async fn everything_sent(client: &Client) -> anyhow::Result<Vec<serde_json::Value>> {
    let reply = client.raw(Method::GET, format!("{}/inbox", client.sandbox), &[], Vec::new()).await?;
    reply.body["messages"].as_array().cloned().ok_or_else(|| anyhow::anyhow!("no inbox: {reply:?}"))
}

/// Orders correctly for the case's phone, first under the case's own idempotency key where that one was good.
async fn all_tokens_are_there(client: &Client, case: &Case) -> anyhow::Result<()> {
    let Some(phone) = &case.phone else { return Ok(()) };
    let is_good = |key: &&str| key.starts_with("\"test-") && key.len() < 100;
    let first = case.sent("idempotency-key").filter(is_good).map_or_else(fresh_key, str::to_owned);
    for token in 0..TOKENS {
        let key = if token == 0 { first.clone() } else { fresh_key() };
        let reply = client.create(&key, &login(phone)).await?;
        assert_eq!(
            (reply.status, reply.header("idempotency-replayed")),
            (202, None),
            "{}: {token}",
            case.name
        );
    }
    let reply = client.create(&fresh_key(), &login(phone)).await?;
    assert_eq!((reply.status, reply.code()), (429, Some("rate_limited")), "{}", case.name);
    Ok(())
}

#[tokio::test]
async fn the_wasm_edge_refuses_bad_requests_exactly_and_they_leave_nothing_behind() -> anyhow::Result<()> {
    bad_requests_get_their_problem_and_leave_nothing_behind(Front::Edge).await
}

#[tokio::test]
async fn standalone_refuses_bad_requests_exactly_and_they_leave_nothing_behind() -> anyhow::Result<()> {
    bad_requests_get_their_problem_and_leave_nothing_behind(Front::Standalone).await
}
