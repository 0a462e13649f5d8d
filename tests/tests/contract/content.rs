//! What a correct order may hold, what comes back, and what a newer order does to an older one.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// What the contract allows a body.
const BODY_BYTES_MAX: usize = 16 * 1024;

async fn everything_optional_is_taken_and_echoed(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let metadata: serde_json::Map<_, _> =
        (0..10).map(|n| (format!("{n}{}", "k".repeat(39)), "é".repeat(120).into())).collect();
    let order = json!({
        "to": {"phone": phone, "email": "user@example.com"}, "service": "login", "channel": "auto",
        "locale": "en", "risk": "normal",
        "binding": {"amount": "499.00", "currency": "INR", "payee": "Shop"},
        "client": {"ip": "203.0.113.7", "country": "IN"},
        "client_ref": "é".repeat(64), "metadata": metadata,
        "max_price": null, "code": null, "challenge": null,
    });
    let made = client.create(&fresh_key(), &order).await?;
    assert_eq!(made.status, 202, "{made:?}");
    let masked = format!("{}••••••{}", &phone[..3], &phone[9..]);
    client.until_state(&made.id()?, "delivered").await?;
    for shown in [&made.body, &client.fetch(&made.id()?).await?.body] {
        assert_eq!((&shown["client_ref"], &shown["metadata"]), (&order["client_ref"], &order["metadata"]));
        assert_eq!((&shown["service"], &shown["channel"]), (&"login".into(), &"sms".into()));
        assert_eq!((&shown["to"], &shown["guesses_left"]), (&masked.clone().into(), &5.into()));
        assert!(!shown.to_string().contains(&phone[3..]), "the full number is shown: {shown}");
    }
    let text = client.inbox(&phone).await?[0]["text"].to_string();
    assert!(text.contains("499.00 INR to Shop"), "{text}");
    Ok(())
}

async fn nulls_are_as_good_as_nothing(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let order = json!({
        "to": {"phone": phone, "email": null}, "service": "login", "locale": null, "risk": null, "binding": null,
        "client": null, "client_ref": null, "metadata": null, "max_price": null, "code": null, "challenge": null,
    });
    let made = client.create(&fresh_key(), &order).await?;
    assert_eq!((made.status, &made.body["client_ref"]), (202, &Value::Null), "{made:?}");
    assert_eq!(client.guess(&made.id()?, &client.code(&phone).await?).await?, "verified");
    Ok(())
}

async fn the_largest_body_is_taken_and_a_media_type_may_have_parameters(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let mut body = login(&phone).to_string().into_bytes();
    body.resize(BODY_BYTES_MAX, b' ');
    let (authorization, key) = (format!("Bearer {}", client.key), "k".repeat(255));
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "Application/JSON; charset=utf-8"),
        ("idempotency-key", &key),
    ];
    let made = client.raw(Method::POST, format!("{}/v1/orders", client.edge), &headers, body).await?;
    assert_eq!(made.status, 202, "{made:?}");
    client.code(&phone).await?;
    // The same key in quotes, the same order without the spaces: the same request.
    let again = client.create(&format!("\"{key}\""), &login(&phone)).await?;
    assert_eq!((again.id()?, again.header("idempotency-replayed")), (made.id()?, Some("true")));
    Ok(())
}

async fn a_newer_order_supersedes_the_older_one(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let older = client.order(&phone).await?;
    client.until_state(&older, "delivered").await?;
    let old_code = client.code(&phone).await?;
    let newer = client.order(&phone).await?;
    client.until_state(&newer, "delivered").await?;
    assert_eq!(client.inbox(&phone).await?.len(), 2);
    let new_code = client.code(&phone).await?;

    let shown = client.fetch(&older).await?.body;
    assert_eq!((&shown["state"], &shown["superseded"]), (&"expired".into(), &true.into()));
    assert_eq!(shown["guesses_left"], 0);
    assert_eq!(client.guess(&older, &old_code).await?, "expired");
    assert_eq!(client.guess(&older, &new_code).await?, "expired");
    let shown = client.fetch(&newer).await?.body;
    assert_eq!((&shown["guesses_left"], &shown["superseded"]), (&5.into(), &Value::Null), "{shown}");
    assert_eq!(client.guess(&newer, &new_code).await?, "verified");

    // A verified order stays what it is when a newer one comes.
    let newest = client.order(&phone).await?;
    let shown = client.fetch(&newer).await?.body;
    assert_eq!((&shown["state"], &shown["superseded"]), (&"verified".into(), &Value::Null));
    assert_eq!(client.guess(&newer, &new_code).await?, "already_verified");
    assert_ne!(newest, newer);
    Ok(())
}

#[tokio::test]
async fn the_wasm_edge_takes_and_echoes_everything_optional() -> anyhow::Result<()> {
    everything_optional_is_taken_and_echoed(Front::Edge).await
}

#[tokio::test]
async fn standalone_takes_and_echoes_everything_optional() -> anyhow::Result<()> {
    everything_optional_is_taken_and_echoed(Front::Standalone).await
}

#[tokio::test]
async fn nulls_are_as_good_as_nothing_at_the_wasm_edge() -> anyhow::Result<()> {
    nulls_are_as_good_as_nothing(Front::Edge).await
}

#[tokio::test]
async fn nulls_are_as_good_as_nothing_standalone() -> anyhow::Result<()> {
    nulls_are_as_good_as_nothing(Front::Standalone).await
}

#[tokio::test]
async fn the_wasm_edge_takes_the_largest_body_and_media_type_parameters() -> anyhow::Result<()> {
    the_largest_body_is_taken_and_a_media_type_may_have_parameters(Front::Edge).await
}

#[tokio::test]
async fn standalone_takes_the_largest_body_and_media_type_parameters() -> anyhow::Result<()> {
    the_largest_body_is_taken_and_a_media_type_may_have_parameters(Front::Standalone).await
}

#[tokio::test]
async fn a_newer_order_supersedes_the_older_one_at_the_wasm_edge() -> anyhow::Result<()> {
    a_newer_order_supersedes_the_older_one(Front::Edge).await
}

#[tokio::test]
async fn a_newer_order_supersedes_the_older_one_standalone() -> anyhow::Result<()> {
    a_newer_order_supersedes_the_older_one(Front::Standalone).await
}
