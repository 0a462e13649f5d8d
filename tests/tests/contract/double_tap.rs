//! The same order asked for twice: one message, one id.

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const TAPS: usize = 20;

/// The same request, so many times at once, spread over the clients.
async fn tap(clients: &[Client], phone: &str, key: &str) -> anyhow::Result<Vec<Reply>> {
    let mut tasks = JoinSet::new();
    let start = Arc::new(Barrier::new(TAPS));
    for client in clients.iter().cycle().take(TAPS) {
        let (client, key, body, start) = (client.clone(), key.to_owned(), login(phone), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            client.create(&key, &body).await
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// 20 creates under one key: one order, one message.
pub async fn taps_make_one_order_and_one_message(clients: &[Client]) -> anyhow::Result<()> {
    let (client, phone, key) = (&clients[0], fresh_phone(), fresh_key());
    let replies = tap(clients, &phone, &key).await?;
    let ids = replies.iter().map(Reply::id).collect::<anyhow::Result<BTreeSet<_>>>()?;
    let replayed = replies.iter().filter(|reply| reply.header("idempotency-replayed") == Some("true"));
    let accepted = replies.iter().filter(|reply| reply.status == 202);
    assert_eq!((ids.len(), replayed.count(), accepted.count()), (1, TAPS - 1, TAPS), "{replies:?}");
    let Some(id) = ids.first() else { anyhow::bail!("no id") };
    let order = client.until_state(id, "delivered").await?;
    assert_eq!(order["attempts"].as_array().map(Vec::len), Some(1), "{order}");
    // A second message would be on its way before this one's.
    let last = fresh_phone();
    let after = client.order(&last).await?;
    client.until_state(&after, "delivered").await?;
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    // The other taps spent no token: two are left.
    let left = [client.order(&phone).await, client.order(&phone).await, client.order(&phone).await];
    assert_eq!(left.map(|order| order.is_ok()), [true, true, false]);
    Ok(())
}

async fn a_double_tap_sends_once(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    for _ in 0..crate::guesses::REPETITIONS {
        taps_make_one_order_and_one_message(std::slice::from_ref(&stack.client)).await?;
    }
    Ok(())
}

async fn a_key_stands_for_the_content_of_its_request(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    let body = json!({"to": {"phone": phone}, "service": "login", "metadata": {"a": "1", "b": "2"}});
    let first = client.create(&key, &body).await?;
    let id = first.id()?;
    client.until_state(&id, "delivered").await?;

    let respelt = format!(
        "\n{{ \"metadata\" : {{\"b\":\"\\u0032\",\t\"a\":\"1\"}},\r\n \"service\":\"login\", \"to\":{{\"phone\":\"{phone}\"}} }} "
    );
    let authorization = format!("Bearer {}", client.key);
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", &key),
    ];
    let url = format!("{}/v1/orders", client.edge);
    let again = client.raw(Method::POST, url, &headers, respelt.into_bytes()).await?;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")), "{again:?}");
    assert_eq!(again.id()?, id);

    for (field, value) in
        [("metadata", json!({"a": "1", "b": "3"})), ("locale", json!("hi")), ("client_ref", json!("r"))]
    {
        let mut other = body.clone();
        other[field] = value;
        let reply = client.create(&key, &other).await?;
        assert_eq!((reply.status, reply.code()), (422, Some("idempotency_mismatch")), "{field}");
        assert_eq!(reply.body["type"], "/problems/idempotency_mismatch");
    }

    // Keys are remembered per tenant and address: for another phone it is another order.
    let elsewhere = client.create(&key, &login(&fresh_phone())).await?;
    assert_eq!((elsewhere.status, elsewhere.header("idempotency-replayed")), (202, None), "{elsewhere:?}");
    assert_ne!(elsewhere.id()?, id);

    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
    let late = client.create(&key, &body).await?;
    assert_eq!((late.status, late.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(late.body, client.fetch(&id).await?.body);
    assert_eq!((&late.body["state"], &late.body["verified_channel"]), (&"verified".into(), &"sms".into()));
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_double_tap_at_the_wasm_edge_sends_once() -> anyhow::Result<()> {
    a_double_tap_sends_once(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn a_double_tap_standalone_sends_once() -> anyhow::Result<()> {
    a_double_tap_sends_once(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_double_tap_through_redis_and_rabbitmq_sends_once() -> anyhow::Result<()> {
    a_double_tap_sends_once(Front::Standalone, Backing::Shared).await
}

#[tokio::test]
async fn a_key_stands_for_the_content_of_its_request_at_the_wasm_edge() -> anyhow::Result<()> {
    a_key_stands_for_the_content_of_its_request(Front::Edge).await
}

#[tokio::test]
async fn a_key_stands_for_the_content_of_its_request_standalone() -> anyhow::Result<()> {
    a_key_stands_for_the_content_of_its_request(Front::Standalone).await
}
