//! Receivers that fail, are slow, lead elsewhere, or want no more.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::webhook::outbox::AT_ONCE_MAX;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Answer;
use crate::receiver::Receiver;
use crate::receiver::status;
use crate::signatures::library;
use crate::signatures::question;

/// Events that wait for a slow receiver.
const BACKLOG: usize = 40;

async fn test(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let reply = receiver::ops(stack, Method::POST, &format!("/dev/{name}/test"), &Value::Null).await?;
    Ok(reply.body["event"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_with_its_id_and_the_log_says_both() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|n, _| status(if n == 0 { 500 } else { 200 })).await?;
    receiver::add(&stack, "main", &hooks.url, &json!({})).await?;
    let event = test(&stack, "main").await?;
    let taken = hooks.until(2).await?;
    assert_eq!((taken[0].id(), taken[1].id()), (event.as_str(), event.as_str()));
    assert_eq!(taken[0].body, taken[1].body);
    let look = || receiver::deliveries(&stack, "main");
    let log = wait::until("two tries", look, |log| log.len() == 2).await?;
    assert_eq!(
        (&log[0]["status"], &log[0]["delivered"], &log[0]["attempt"]),
        (&json!(500), &json!(false), &json!(1))
    );
    assert_eq!(
        (&log[1]["status"], &log[1]["delivered"], &log[1]["attempt"]),
        (&json!(200), &json!(true), &json!(2))
    );
    assert_eq!(log[1]["response"], "thanks ", "control characters are not kept");
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let elsewhere = Receiver::start(|_, _| status(200)).await?;
    let target: &'static str = Box::leak(elsewhere.url.clone().into_boxed_str());
    for (name, location) in [("metadata", "http://169.254.169.254/latest/meta-data/"), ("neighbour", target)]
    {
        let header = Some(("location", location));
        let hooks =
            Receiver::start(move |_, _| Answer { status: 302, header, after: Duration::ZERO }).await?;
        receiver::add(&stack, name, &hooks.url, &json!({})).await?;
        test(&stack, name).await?;
        hooks.until(1).await?;
        let look = || receiver::deliveries(&stack, name);
        let log = wait::until("a try", look, |log| !log.is_empty()).await?;
        assert_eq!((&log[0]["status"], &log[0]["delivered"]), (&json!(302), &json!(false)));
    }
    assert!(elsewhere.taken().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_wants_no_more_is_disabled_the_others_hear_of_it_and_enabling_resumes()
-> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|n, _| status(if n == 0 { 410 } else { 200 })).await?;
    let other = Receiver::start(|_, _| status(200)).await?;
    receiver::add(&stack, "main", &hooks.url, &json!({"events": ["order.sent"]})).await?;
    receiver::add(&stack, "watch", &other.url, &json!({"events": ["webhook.disabled"]})).await?;
    let event = test(&stack, "main").await?;
    hooks.until(1).await?;
    let told = other.until(1).await?;
    assert_eq!(told[0].json()["data"]["endpoint"], "main");
    assert_eq!(receiver::view(&stack, "main").await?["disabled"]["why"], "gone");
    let look = || async { Ok(stack.core.as_ref().unwrap().log()) };
    wait::until("operators to be told", look, |log| log.contains("an endpoint is disabled")).await?;
    // What it has missed is nobody's backlog: an alert on it would never end.
    assert_eq!(receiver::view(&stack, "main").await?["waiting"], 1);
    let look = || async { receiver::metrics(&stack).await };
    let is_disabled = |text: &String| text.contains("tiffin_webhook_endpoints{state=\"disabled\"} 1");
    let metrics = wait::until("figures", look, is_disabled).await?;
    let waiting = metrics.lines().find(|line| line.starts_with("tiffin_webhook_waiting"));
    assert_eq!(waiting, Some("tiffin_webhook_waiting{} 0.0"));
    receiver::ops(&stack, Method::POST, "/dev/main/enable", &Value::Null).await?;
    let taken = hooks.until(2).await?;
    assert_eq!(taken[1].id(), event, "what it missed comes first");
    Ok(())
}

#[tokio::test]
async fn a_slow_receiver_delays_no_other_and_a_flood_is_told_completely() -> anyhow::Result<()> {
    const EVENTS: usize = 120;
    let stack = receiver::stack(Backing::Memory).await?;
    let slow =
        Receiver::start(|_, _| Answer { status: 200, header: None, after: Duration::from_secs(10) }).await?;
    let quick = Receiver::start(|_, _| status(200)).await?;
    receiver::add(&stack, "slow", &slow.url, &json!({})).await?;
    receiver::add(&stack, "quick", &quick.url, &json!({})).await?;
    for _ in 0..EVENTS {
        test(&stack, "slow").await?;
        test(&stack, "quick").await?;
    }
    quick.until(EVENTS).await?;
    // Eight at once are under way to the slow one, no more; the others wait in the log.
    let taken = slow.taken().len();
    assert!((1..EVENTS / 2).contains(&taken), "{taken}");
    let look = || receiver::view(&stack, "quick");
    wait::until("the last mark", look, |view| view["delivered"] == json!(EVENTS)).await?;
    Ok(())
}

/// A receiver that holds the first eight, which are under way at once, and a backlog behind them.
async fn backlog(stack: &Stack) -> anyhow::Result<(Receiver, String)> {
    let held = |n| if n < AT_ONCE_MAX { Duration::from_secs(5) } else { Duration::ZERO };
    let hooks = Receiver::start(move |n, _| Answer { status: 200, header: None, after: held(n) }).await?;
    let key = receiver::add(stack, "main", &hooks.url, &json!({})).await?;
    for _ in 0..BACKLOG {
        test(stack, "main").await?;
    }
    hooks.until(AT_ONCE_MAX).await?;
    Ok((hooks, key))
}

#[tokio::test]
async fn a_backlog_is_signed_with_the_key_that_it_was_rotated_to() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let (hooks, old) = backlog(&stack).await?;
    let body = json!({"overlap_hours": 0});
    let rotated = receiver::ops(&stack, Method::POST, "/dev/main/rotate", &body).await?;
    let new = rotated.body["key"].as_str().unwrap();
    let taken = hooks.until(BACKLOG).await?;
    let questions = |key| taken.iter().map(|hook| question(key, hook)).collect::<Vec<_>>();
    let is_after = (0..BACKLOG).map(|n| n >= AT_ONCE_MAX).collect::<Vec<_>>();
    assert_eq!(library(&questions(new))?, is_after);
    assert_eq!(library(&questions(&old))?, is_after.iter().map(|it| !it).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn nothing_of_a_backlog_follows_once_its_endpoint_is_removed() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let (hooks, _) = backlog(&stack).await?;
    let removed = receiver::ops(&stack, Method::DELETE, "/dev/main", &Value::Null).await?;
    assert_eq!(removed.status, 200, "{removed:?}");
    // Whatever would come comes with the first answer, and before another endpoint is told by the same receiver.
    hooks.until_answered(1).await?;
    receiver::add(&stack, "other", &hooks.url, &json!({})).await?;
    let event = test(&stack, "other").await?;
    let taken = hooks.until_all(|taken| taken.iter().any(|hook| hook.id() == event)).await?;
    assert_eq!(taken.len(), AT_ONCE_MAX + 1, "those that were under way, and the other endpoint's");
    Ok(())
}

#[tokio::test]
async fn no_endpoint_is_made_of_an_address_beside_us() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    for url in [
        "http://127.0.0.1:9/",
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://@[::1]/",
        "https://1:2@[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "",
    ] {
        let reply = receiver::ops(&stack, Method::POST, "/dev", &json!({"name": "main", "url": url})).await?;
        assert_eq!(reply.status, 400, "{url}: {reply:?}");
    }
    // A name of the public internet that leads here: the resolver finds out, at every try.
    let reply = receiver::ops(
        &stack,
        Method::POST,
        "/dev",
        &json!({"name": "main", "url": "https://localtest.invalid.example/"}),
    )
    .await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    Ok(())
}
