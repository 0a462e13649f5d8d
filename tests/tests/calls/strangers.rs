//! What a publishable key sees of an order's changes: the public order, and not that anything else changed.

use std::collections::BTreeSet;

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::sse::Events;

/// All that a publishable key may see.
const PUBLIC: [&str; 11] = [
    "id",
    "state",
    "service",
    "channel",
    "to",
    "created_at",
    "expires_at",
    "resend_at",
    "cancel",
    "waiting",
    "advice",
];

async fn an_app_is_told_of_the_public_order_alone(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (secret, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let phone = fresh_phone();
    let id = app.order(&phone).await?;
    let mut events = Events::open(&app, &id, None).await?;
    secret.until_state(&id, "delivered").await?;
    let code = secret.code(&phone).await?;
    let wrong = if code == "111111" { "222222" } else { "111111" };
    // The first guess closes the cancellation window, which is public.
    assert_eq!(secret.guess(&id, wrong).await?, "wrong_code");
    let (before, secret_before) = (app.fetch(&id).await?, secret.fetch(&id).await?);
    let mut seen = vec![events.event().await?];
    while seen.last().is_some_and(|event| event.order != before.body) {
        seen.push(events.event().await?);
    }

    // The second changes nothing that is public: not even a tag may tell.
    assert_eq!(secret.guess(&id, wrong).await?, "wrong_code");
    let after = app.fetch(&id).await?;
    assert_eq!((after.header("etag"), &after.body), (before.header("etag"), &before.body));
    assert_ne!(secret.fetch(&id).await?.header("etag"), secret_before.header("etag"));
    let known = before.header("etag").unwrap_or_default();
    let path = format!("/v1/orders/{id}?wait=1");
    let same =
        app.call(reqwest::Method::GET, &path, &[("if-none-match", known)], &serde_json::Value::Null).await?;
    assert_eq!(same.status, 304, "{same:?}");

    assert_eq!(secret.guess(&id, &code).await?, "verified");
    let rest = events.rest().await?;
    assert!(rest.len() == 1 && rest[0].order["state"] == "verified", "{rest:?}");
    for event in seen.iter().chain(&rest) {
        let names: BTreeSet<_> =
            event.order.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert!(names.is_subset(&PUBLIC.into()) && names.contains("state"), "{event:?}");
    }
    for pair in seen.windows(2) {
        assert!(pair[0].id != pair[1].id && pair[0].order != pair[1].order, "{pair:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_app_is_told_of_the_public_order_alone_at_the_wasm_edge() -> anyhow::Result<()> {
    an_app_is_told_of_the_public_order_alone(Front::Edge).await
}

#[tokio::test]
async fn an_app_is_told_of_the_public_order_alone_standalone() -> anyhow::Result<()> {
    an_app_is_told_of_the_public_order_alone(Front::Standalone).await
}
