//! Calling an order off: while nothing has left, and when what left is overdue; not in between, not afterwards.

use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::Stopped;
use crate::common::cancel;
use crate::common::refusal;

async fn an_order_in_the_queue_is_called_off_and_never_sent(front: Front) -> anyhow::Result<()> {
    let stack = common::in_one_lane(front).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let stopped = Stopped::with_a_message(&stack).await?;
    let id = client.order(&phone).await?;
    let queued = client.until_state(&id, "queued").await?;
    let because = "nothing has left that could still arrive";
    let open = json!({"window": "open", "until": queued["expires_at"], "because": because});
    assert_eq!(queued["cancel"], open);
    let cancelled = cancel(client, &id).await?;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")), "{cancelled:?}");
    assert!(cancelled.body.get("cancel").is_none() && cancelled.body["attempts"] == json!([]));

    stopped.go_on(client).await?;
    assert!(client.inbox(&phone).await?.is_empty());
    let again = cancel(client, &id).await?;
    assert_eq!((again.status, &again.body), (200, &cancelled.body));
    assert_eq!(client.fetch(&id).await?.body, cancelled.body);
    for _ in 0..2 {
        let guess = client.verify(&id, "123456").await?.body;
        assert_eq!((&guess["result"], &guess["guesses_left"]), (&json!("cancelled"), &json!(0)));
    }
    let app = stack.client.with_key(&stack.keys.publishable);
    assert_eq!(cancel(&app, &id).await?.body["state"], "cancelled");
    assert_eq!(refusal(&cancel(client, &format!("ord_{}", "A".repeat(43))).await?), (404, Some("not_found")));
    Ok(())
}

async fn an_order_that_waits_for_its_next_try_is_called_off_and_not_tried_again(
    front: Front,
) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = common::failing_twice(client, &login(&phone)).await?;
    let cancelled = cancel(client, &id).await?;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")), "{cancelled:?}");
    let later = client.order(&fresh_phone()).await?;
    common::outlast_retries(client, &later).await?;
    let after = client.fetch(&id).await?.body;
    assert_eq!((&after["state"], common::attempts(&after)), (&json!("cancelled"), common::FAILED), "{after}");
    assert!(client.inbox(&phone).await?.is_empty());
    Ok(())
}

/// Sent, and never heard of again: what was sent stays on its way, whoever asks.
async fn an_order_is_called_off_when_its_message_is_overdue_and_not_before(
    front: Front,
) -> anyhow::Result<()> {
    // With one gateway for this number: another one would be tried when the first is overdue.
    let edit = |toml: &str| {
        let toml = common::replaced(toml, "brand = \"Tiffin\"", "brand = \"Tiffin\"\nwaiting_ms = 3000");
        common::replaced(&toml, "+15005550007\"", "+15005550007\"\ncountries = [\"DE\"]")
    };
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let (client, code) = (&stack.client, "271828");
    client.fault("queued").await?;
    let mut body = login(&fresh_phone());
    body["code"] = json!(code);
    let id = client.create(&fresh_key(), &body).await?.id()?;
    let sent = client.until_state(&id, "sent").await?;
    let early = cancel(client, &id).await?;
    assert_eq!(refusal(&early), (409, Some("cancel_too_early")), "{early:?}");
    assert!(matches!(early.header("retry-after"), Some("1" | "2" | "3")), "{early:?}");
    let because = "a message is on its way, and inside its usual time";
    let too_early =
        json!({"window": "too_early", "until": sent["waiting"]["expected_by"], "because": because});
    assert_eq!(early.body["cancel"], too_early);
    assert_eq!((&sent["waiting"]["overdue"], &sent["cancel"]), (&json!(false), &early.body["cancel"]));

    let look = || client.fetch(&id);
    let overdue = wait::until("overdue", look, |reply| reply.body["waiting"]["overdue"] == true).await?;
    let because = "what has left is overdue";
    let open = json!({"window": "open", "until": sent["expires_at"], "because": because});
    assert_eq!(overdue.body["cancel"], open);
    // Had the message arrived after all: a guess must not count for an order that was called off.
    assert_eq!(cancel(client, &id).await?.status, 200);
    assert_eq!(client.guess(&id, code).await?, "cancelled");
    assert_eq!(client.fetch(&id).await?.body["state"], "cancelled");
    Ok(())
}

async fn an_order_whose_message_arrived_is_not_called_off(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let closed = async |id: &str, window: &str| {
        let before = client.fetch(id).await?.body;
        let reply = cancel(client, id).await?;
        assert_eq!(refusal(&reply), (409, Some("cancel_too_late")), "{reply:?}");
        assert_eq!(reply.body["cancel"]["window"], window, "{reply:?}");
        assert!(reply.body["cancel"]["until"].is_null(), "{reply:?}");
        assert_eq!((client.fetch(id).await?.body, reply.header("retry-after")), (before, None));
        anyhow::Ok(())
    };
    let phone = fresh_phone();
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    closed(&id, "closed_delivered").await?;
    let code = client.code(&phone).await?;
    let wrong = if code == "111111" { "222222" } else { "111111" };
    assert_eq!(client.guess(&id, wrong).await?, "wrong_code");
    closed(&id, "closed_checked").await?;
    assert_eq!(client.guess(&id, &code).await?, "verified");
    closed(&id, "closed_checked").await?;

    // Who guesses has a message in hand, whatever the provider says; here it has said nothing.
    client.fault("timeout").await?;
    let id = client.order(&fresh_phone()).await?;
    common::until_attempt(client, &id, 1, "sending").await?;
    client.guess(&id, "111111").await?;
    closed(&id, "closed_checked").await?;

    // An order that is over has no window.
    let phone = fresh_phone();
    let older = client.order(&phone).await?;
    client.order(&phone).await?;
    let reply = cancel(client, &older).await?;
    assert_eq!(refusal(&reply), (409, Some("cancel_too_late")));
    assert!(reply.body.get("cancel").is_none(), "{reply:?}");
    Ok(())
}

#[tokio::test]
async fn an_order_in_the_queue_is_called_off_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_in_the_queue_is_called_off_and_never_sent(Front::Edge).await
}

#[tokio::test]
async fn an_order_in_the_queue_is_called_off_standalone() -> anyhow::Result<()> {
    an_order_in_the_queue_is_called_off_and_never_sent(Front::Standalone).await
}

#[tokio::test]
async fn an_order_that_waits_for_its_next_try_is_called_off_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_that_waits_for_its_next_try_is_called_off_and_not_tried_again(Front::Edge).await
}

#[tokio::test]
async fn an_order_that_waits_for_its_next_try_is_called_off_standalone() -> anyhow::Result<()> {
    an_order_that_waits_for_its_next_try_is_called_off_and_not_tried_again(Front::Standalone).await
}

#[tokio::test]
async fn an_overdue_order_is_called_off_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_is_called_off_when_its_message_is_overdue_and_not_before(Front::Edge).await
}

#[tokio::test]
async fn an_overdue_order_is_called_off_standalone() -> anyhow::Result<()> {
    an_order_is_called_off_when_its_message_is_overdue_and_not_before(Front::Standalone).await
}

#[tokio::test]
async fn an_order_whose_message_arrived_is_not_called_off_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_whose_message_arrived_is_not_called_off(Front::Edge).await
}

#[tokio::test]
async fn an_order_whose_message_arrived_is_not_called_off_standalone() -> anyhow::Result<()> {
    an_order_whose_message_arrived_is_not_called_off(Front::Standalone).await
}
