//! Sending the same code once more, another way.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::refusal;
use crate::common::resend;
use crate::common::resend_anyhow;
use crate::common::resending_after;

/// Codes that are not `code`.
fn wrong(code: &str) -> impl Iterator<Item = String> + '_ {
    (0..10_u8).map(|digit| digit.to_string().repeat(6)).filter(move |guess| guess != code)
}

async fn the_same_code_comes_another_way_and_no_guess_comes_back(front: Front) -> anyhow::Result<()> {
    let stack = resending_after(front, 0).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    let id = client.order(&phone).await?;
    let order = client.until_state(&id, "delivered").await?;
    assert_eq!(order["sends_left"], 2, "{order}");
    let code = client.code(&phone).await?;
    for guess in wrong(&code).take(2) {
        assert_eq!(client.guess(&id, &guess).await?, "wrong_code");
    }

    let sent = resend(client, &id, &key, &json!({})).await?;
    assert_eq!((sent.status, sent.header("idempotency-replayed")), (202, None), "{sent:?}");
    assert_eq!(sent.header("location"), Some(format!("/v1/orders/{id}").as_str()));
    assert_eq!((sent.id()?, &sent.body["sends_left"]), (id.clone(), &json!(1)));
    assert_eq!(sent.body["guesses_left"], 3, "{sent:?}");
    let order = common::until_attempt(client, &id, 2, "delivered").await?;
    let second = &order["attempts"][1];
    assert_eq!((&second["n"], &second["channel"]), (&json!(2), &json!("sms")));
    assert_eq!(
        (&second["gateway"], &second["changed"]),
        (&json!("twilio-sms-2"), &json!("asked for once more"))
    );
    assert_eq!((&order["state"], &order["guesses_left"]), (&json!("delivered"), &json!(3)), "{order}");
    let messages = client.inbox(&phone).await?;
    let texts: BTreeSet<_> = messages.iter().filter_map(|message| message["text"].as_str()).collect();
    assert!(messages.len() == 2 && texts.len() == 1, "{messages:?}");
    assert!(texts.iter().all(|text| text.starts_with(&code)), "{messages:?}");
    let by = ["twilio-sms-2", "twilio-sms"].map(|gateway| json!(gateway));
    assert_eq!([&messages[0]["gateway"], &messages[1]["gateway"]], [&by[0], &by[1]]);

    let again = resend(client, &id, &key, &json!({"channel": "auto"})).await?;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")), "{again:?}");
    assert_eq!(again.body, client.fetch(&id).await?.body);
    let other = resend(client, &id, &key, &json!({"channel": "sms"})).await?;
    assert_eq!(refusal(&other), (422, Some("idempotency_mismatch")), "{other:?}");

    for (guess, left) in wrong(&code).skip(2).zip([2, 1]) {
        let reply = client.verify(&id, &guess).await?.body;
        assert_eq!((&reply["result"], &reply["guesses_left"]), (&json!("wrong_code"), &json!(left)));
    }
    assert_eq!(client.guess(&id, &code).await?, "verified");
    assert_eq!(client.inbox(&phone).await?.len(), 2);
    Ok(())
}

async fn a_resend_that_comes_too_early_is_told_when_to_come_back(front: Front) -> anyhow::Result<()> {
    let stack = resending_after(front, 2_000).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    let id = client.order(&phone).await?;
    let early = resend(client, &id, &key, &json!({})).await?;
    assert_eq!(refusal(&early), (429, Some("rate_limited")), "{early:?}");
    assert!(matches!(early.header("retry-after"), Some("1" | "2")), "{early:?}");
    let order = client.until_state(&id, "delivered").await?;
    let resend_at = order["resend_at"].as_str().unwrap_or_default().to_owned();
    assert_eq!((common::attempts(&order), &order["sends_left"]), (1, &json!(2)), "{order}");

    // The same request with the same key, as it was told.
    let any_way = json!({});
    let look = || resend(client, &id, &key, &any_way);
    let sent = wait::until("the resend", look, |reply| reply.status != 429).await?;
    assert_eq!((sent.status, sent.header("idempotency-replayed")), (202, None), "{sent:?}");
    // RFC 3339 in UTC sorts as text.
    let order = common::until_attempt(client, &id, 2, "delivered").await?;
    assert!(order["attempts"][1]["at"].as_str() >= Some(resend_at.as_str()), "{order}");
    assert!(order["resend_at"].as_str() > Some(resend_at.as_str()), "{order}");
    assert_eq!(client.inbox(&phone).await?.len(), 2);
    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
    Ok(())
}

async fn a_resend_overtakes_a_gateway_that_stays_silent(front: Front) -> anyhow::Result<()> {
    let stack = resending_after(front, 0).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    client.fault("accept_no_receipt").await?;
    let id = client.order(&phone).await?;
    client.until_state(&id, "sent").await?;
    let sent = resend_anyhow(client, &id).await?;
    assert_eq!(sent.status, 202, "{sent:?}");
    let order = client.until_state(&id, "delivered").await?;
    let resent = &order["attempts"][1];
    assert_eq!(
        (&resent["gateway"], &resent["changed"]),
        (&json!("twilio-sms-2"), &json!("asked for once more"))
    );
    assert_eq!((common::attempts(&order), client.inbox(&phone).await?.len()), (2, 1), "{order}");
    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");
    Ok(())
}

async fn an_app_resends_its_own_order(front: Front) -> anyhow::Result<()> {
    // A bucket that is full at once: within the minute it would be a challenge that is due.
    let edit = |toml: &str| {
        let toml = toml.replace("resend_after_ms = 30000", "resend_after_ms = 0");
        toml.replace("capacity = 3, refill_ms = 60000", "capacity = 3, refill_ms = 1")
    };
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let (secret, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let phone = fresh_phone();
    let id = app.order(&phone).await?;
    secret.until_state(&id, "delivered").await?;
    let sent = resend_anyhow(&app, &id).await?;
    assert_eq!((sent.status, sent.id()?), (202, id.clone()), "{sent:?}");
    for hidden in ["attempts", "guesses_left", "sends_left", "client_ref", "metadata"] {
        assert!(sent.body.get(hidden).is_none(), "{hidden}: {sent:?}");
    }
    common::until_attempt(secret, &id, 2, "delivered").await?;
    assert_eq!(secret.inbox(&phone).await?.len(), 2);
    let verified = app.verify(&id, &secret.code(&phone).await?).await?;
    assert_eq!(verified.text, r#"{"result":"verified"}"#);
    // Reading it again is no resend.
    let path = format!("/v1/orders/{id}/resend");
    let wrong = app.call(Method::GET, &path, &[], &json!(null)).await?;
    assert_eq!(refusal(&wrong), (404, Some("not_found")));
    Ok(())
}

#[tokio::test]
async fn the_same_code_comes_another_way_at_the_wasm_edge() -> anyhow::Result<()> {
    the_same_code_comes_another_way_and_no_guess_comes_back(Front::Edge).await
}

#[tokio::test]
async fn the_same_code_comes_another_way_standalone() -> anyhow::Result<()> {
    the_same_code_comes_another_way_and_no_guess_comes_back(Front::Standalone).await
}

#[tokio::test]
async fn an_early_resend_is_told_when_to_come_back_at_the_wasm_edge() -> anyhow::Result<()> {
    a_resend_that_comes_too_early_is_told_when_to_come_back(Front::Edge).await
}

#[tokio::test]
async fn an_early_resend_is_told_when_to_come_back_standalone() -> anyhow::Result<()> {
    a_resend_that_comes_too_early_is_told_when_to_come_back(Front::Standalone).await
}

#[tokio::test]
async fn a_resend_overtakes_a_silent_gateway_at_the_wasm_edge() -> anyhow::Result<()> {
    a_resend_overtakes_a_gateway_that_stays_silent(Front::Edge).await
}

#[tokio::test]
async fn a_resend_overtakes_a_silent_gateway_standalone() -> anyhow::Result<()> {
    a_resend_overtakes_a_gateway_that_stays_silent(Front::Standalone).await
}

#[tokio::test]
async fn an_app_resends_its_own_order_at_the_wasm_edge() -> anyhow::Result<()> {
    an_app_resends_its_own_order(Front::Edge).await
}

#[tokio::test]
async fn an_app_resends_its_own_order_standalone() -> anyhow::Result<()> {
    an_app_resends_its_own_order(Front::Standalone).await
}
