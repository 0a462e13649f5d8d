//! `kill -9` of core between the receiver's answer and the mark, and a store that is gone.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Answer;
use crate::receiver::Receiver;
use crate::receiver::status;
use crate::signatures::library;
use crate::signatures::question;

const ROLES: &str = "ingest,deliver,callbacks,ops";

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn an_event_whose_sender_was_killed_is_delivered_again_with_its_id_and_the_next_one_after_it()
-> anyhow::Result<()> {
    let mut stack = receiver::stack(Backing::Shared).await?;
    let held = Duration::from_secs(20);
    let hooks = Receiver::start(move |n, _| Answer {
        status: 200,
        header: None,
        after: if n == 0 { held } else { Duration::ZERO },
    })
    .await?;
    receiver::add(&stack, "main", &hooks.url, &json!({})).await?;
    let phone = fresh_phone();
    let order = stack.client.order(&phone).await?;
    hooks.until(1).await?;
    stack.client.until_state(&order, "delivered").await?;
    // The receiver has it, and core will never hear so.
    stack.core()?.kill();
    stack.start_core(ROLES).await?;
    let code = stack.client.code(&phone).await?;
    assert_eq!(stack.client.guess(&order, &code).await?, "verified");
    let taken = hooks.until_all(|taken| taken.iter().any(|hook| hook.kind() == "order.verified")).await?;
    assert_eq!(taken[0].id(), taken[1].id());
    let kinds: Vec<_> = taken.iter().skip(1).map(receiver::Hook::kind).collect();
    assert_eq!(kinds, ["order.attempt.started", "order.sent", "order.delivered", "order.verified"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn nothing_is_lost_while_the_store_is_gone() -> anyhow::Result<()> {
    let mut stack = receiver::stack(Backing::Own).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    receiver::add(&stack, "main", &hooks.url, &json!({})).await?;
    let before = stack.client.order(&fresh_phone()).await?;
    hooks.until(3).await?;
    stack.redis.as_mut().unwrap().stop();
    let reply = receiver::ops(&stack, Method::POST, "/dev/main/test", &Value::Null).await?;
    assert_eq!(reply.status, 503, "{reply:?}");
    stack.redis.as_mut().unwrap().start().await?;
    let look = || receiver::ops(&stack, Method::POST, "/dev/main/test", &Value::Null);
    let reply = wait::until("the store", look, |reply| reply.status == 200).await?;
    let event = reply.body["event"].as_str().unwrap().to_owned();
    hooks.until_all(|taken| taken.iter().any(|hook| hook.id() == event)).await?;
    let after = stack.client.order(&fresh_phone()).await?;
    for order in [before, after] {
        let is_told = |taken: &Vec<receiver::Hook>| {
            taken
                .iter()
                .any(|hook| hook.kind() == "order.delivered" && hook.json()["data"]["order"]["id"] == order)
        };
        hooks.until_all(is_told).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn the_key_of_an_endpoint_outlives_the_key_of_core_that_sealed_it() -> anyhow::Result<()> {
    let mut stack = receiver::stack(Backing::Shared).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    let key = receiver::add(&stack, "main", &hooks.url, &json!({})).await?;
    for command in ["stage", "promote", "retire"] {
        stack.change_keys(&[command, "core-signing"])?;
        stack.reload_keys()?;
        stack.core = None;
        stack.start_core(ROLES).await?;
        // A look reads the endpoints, and seals anew what is sealed with an older key.
        assert_eq!(receiver::view(&stack, "main").await?["signs"], json!(["v1"]), "{command}");
    }
    receiver::ops(&stack, Method::POST, "/dev/main/test", &Value::Null).await?;
    let hook = hooks.until(1).await?[0].clone();
    assert!(library(&[question(&key, &hook)])?[0], "it signs as before");
    Ok(())
}
