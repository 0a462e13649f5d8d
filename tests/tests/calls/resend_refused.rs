//! Resends that would repeat what was tried, or go nowhere: refused, sent to nobody, and nothing spent.

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;

use crate::common;
use crate::common::refusal;
use crate::common::resend;
use crate::common::resend_anyhow;
use crate::common::resending_after;

async fn what_would_change_nothing_is_refused_and_spends_nothing(front: Front) -> anyhow::Result<()> {
    let stack = resending_after(front, 0).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    assert_eq!(resend_anyhow(client, &id).await?.status, 202);
    let before = common::until_attempt(client, &id, 2, "delivered").await?;

    for channel in ["auto", "sms"] {
        let reply = resend(client, &id, &fresh_key(), &json!({ "channel": channel })).await?;
        assert_eq!(refusal(&reply), (409, Some("nothing_changed")), "{channel}: {reply:?}");
        // SMS has no third account, and the installation no other channel: what may change is the order.
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("every way was tried. Order again for a new code"), "{reply:?}");
    }
    for channel in ["voice", "whatsapp", "email"] {
        let reply = resend(client, &id, &fresh_key(), &json!({ "channel": channel })).await?;
        assert_eq!(refusal(&reply), (422, Some("no_route")), "{channel}: {reply:?}");
    }
    for body in [json!({"channel": "fax"}), json!({"code": "123456"}), json!("sms")] {
        let reply = resend(client, &id, &fresh_key(), &body).await?;
        assert_eq!(refusal(&reply), (400, Some("invalid_request")), "{body}: {reply:?}");
    }
    let path = format!("/v1/orders/{id}/resend");
    let reply = client.call(Method::POST, &path, &[], &json!({})).await?;
    assert_eq!(refusal(&reply), (400, Some("idempotency_key_missing")));
    let neighbour = format!("ord_{}{}", "A".repeat(21), &id[25..]);
    for unknown in [format!("ord_{}", "A".repeat(43)), neighbour] {
        assert_eq!(refusal(&resend_anyhow(client, &unknown).await?), (404, Some("not_found")));
    }

    let fence = client.order(&fresh_phone()).await?;
    client.until_state(&fence, "delivered").await?;
    assert_eq!(client.fetch(&id).await?.body, before);
    assert_eq!(client.inbox(&phone).await?.len(), 2);
    // Order and resend took a token each of three.
    assert!(client.order(&phone).await.is_ok());
    assert_eq!(client.create(&fresh_key(), &login(&phone)).await?.status, 429);
    Ok(())
}

async fn an_order_that_is_over_is_not_sent_again(front: Front) -> anyhow::Result<()> {
    let stack = resending_after(front, 0).await?;
    let client = &stack.client;
    let refused = async |id: &str| {
        let (before, reply) = (client.fetch(id).await?.body, resend_anyhow(client, id).await?);
        assert_eq!(refusal(&reply), (409, Some("nothing_changed")), "{before}: {reply:?}");
        let after = client.fetch(id).await?.body;
        assert_eq!((&after, &after["sends_left"]), (&before, &json!(0)));
        assert!(after.get("resend_at").is_none(), "{after}");
        anyhow::Ok(after)
    };

    let phone = fresh_phone();
    let verified = client.order(&phone).await?;
    assert_eq!(client.guess(&verified, &client.code(&phone).await?).await?, "verified");
    assert_eq!(refused(&verified).await?["state"], "verified");

    let phone = fresh_phone();
    let superseded = client.order(&phone).await?;
    let newer = client.order(&phone).await?;
    client.until_state(&newer, "delivered").await?;
    let order = refused(&superseded).await?;
    assert_eq!((&order["state"], &order["superseded"]), (&json!("expired"), &json!(true)));

    client.fault("reject").await?;
    let failed = client.order(&fresh_phone()).await?;
    client.until_state(&failed, "failed").await?;
    assert_eq!(refused(&failed).await?["reason"], "landline");

    let cancelled = common::failing_twice(client, &login(&fresh_phone())).await?;
    assert_eq!(common::cancel(client, &cancelled).await?.status, 200);
    assert_eq!(refused(&cancelled).await?["state"], "cancelled");
    Ok(())
}

#[tokio::test]
async fn what_would_change_nothing_is_refused_at_the_wasm_edge() -> anyhow::Result<()> {
    what_would_change_nothing_is_refused_and_spends_nothing(Front::Edge).await
}

#[tokio::test]
async fn what_would_change_nothing_is_refused_standalone() -> anyhow::Result<()> {
    what_would_change_nothing_is_refused_and_spends_nothing(Front::Standalone).await
}

#[tokio::test]
async fn an_order_that_is_over_is_not_sent_again_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_that_is_over_is_not_sent_again(Front::Edge).await
}

#[tokio::test]
async fn an_order_that_is_over_is_not_sent_again_standalone() -> anyhow::Result<()> {
    an_order_that_is_over_is_not_sent_again(Front::Standalone).await
}
