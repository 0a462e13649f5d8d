//! What operators see of routes and orders, and their hand on a breaker: by API and by command line.

use std::process::Command;
use std::process::Output;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::keys::tiffin;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;

#[tokio::test]
async fn a_breaker_opens_by_itself_and_orders_go_elsewhere_without_a_call() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let client = &stack.client;
    client.fault("http_500").await?;
    let orders = common::order_many(client, 24).await?;
    common::arrive_exactly_once(client, &orders).await?;
    let is_open = |reply: &Reply| reply.body["routes"][0]["phase"]["open"].is_object();
    let opened = wait::until("an open breaker", || ask(&stack, Method::GET, "routes"), is_open).await?;
    let route = &opened.body["routes"][0];
    assert_eq!(
        (&route["gateway"], &route["up"], &route["changes"][0]["to"]),
        (&json!("twilio-sms"), &json!(false), &json!("open"))
    );
    let order = common::order(client).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    assert_eq!(delivered["attempts"].as_array().map(Vec::len), Some(1), "{delivered}");
    assert_eq!(delivered["attempts"][0]["gateway"], "twilio-sms-2");
    Ok(())
}

#[tokio::test]
async fn operators_hold_a_breaker_and_read_why_an_order_went_where_it_went() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let client = &stack.client;
    for path in ["routes", "orders/ord_none"] {
        let reply =
            client.raw(Method::GET, format!("{}/ops/v1/{path}", client.core), &[], Vec::new()).await?;
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    let held = run(&stack, &["route", "open", "twilio-sms"])?;
    assert!(held.status.success() && text(&held.stdout).contains("held open"), "{held:?}");
    let order = common::order(client).await?;
    let delivered = client.until_state(&order.id, "delivered").await?;
    assert_eq!(delivered["attempts"][0]["gateway"], "twilio-sms-2");
    let shown = ask(&stack, Method::GET, &format!("orders/{}", order.id)).await?;
    let attempt = &shown.body["attempts"][0];
    assert_eq!(
        (&attempt["gateway"], &shown.body["job"]["service"]),
        (&json!("twilio-sms-2"), &json!("login"))
    );
    assert!(attempt["route"].as_str().is_some_and(|route| route.starts_with("up, ")), "{shown:?}");
    assert!(!shown.text.contains(&order.phone), "{shown:?}");
    let read = run(&stack, &["order", "show", &order.id])?;
    assert!(
        text(&read.stdout).contains("attempt 1 by twilio-sms-2 from +15005550007 (sms): first attempt"),
        "{read:?}"
    );

    let released = run(&stack, &["route", "release", "twilio-sms", "--json"])?;
    assert_eq!(serde_json::from_str::<Value>(&text(&released.stdout))?["up"], true);
    let next = common::order(client).await?;
    let delivered = client.until_state(&next.id, "delivered").await?;
    assert_eq!(delivered["attempts"][0]["gateway"], "twilio-sms");

    for (arguments, told) in [
        (["route", "open", "nobody"], "twilio-sms, twilio-sms-2"),
        (["order", "show", "ord_none"], "no record"),
    ] {
        let output = run(&stack, &arguments)?;
        assert!(!output.status.success() && text(&output.stderr).contains(told), "{arguments:?}: {output:?}");
    }
    for path in ["routes/twilio-sms/burn", "orders/ord_none"] {
        let method = if path.starts_with("routes") { Method::POST } else { Method::GET };
        assert_eq!(ask(&stack, method, path).await?.status, 404, "{path}");
    }
    Ok(())
}

async fn ask(stack: &Stack, method: Method, path: &str) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/{path}", stack.client.core);
    stack.client.raw(method, url, &[("authorization", &bearer)], Vec::new()).await
}

fn run(stack: &Stack, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(tiffin()?);
    command.env_clear().env("TIFFIN_OPS_URL", &stack.client.core);
    Ok(command.env(OPERATOR_TOKEN, stack.variable(OPERATOR_TOKEN)?).args(arguments).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
