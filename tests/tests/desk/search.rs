//! Orders are found by what is known of them, all that are meant and no other.

use std::io::Write;
use std::process::Stdio;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

async fn search(stack: &Stack, body: &Value) -> anyhow::Result<Reply> {
    ops(stack, Method::POST, "orders/search", &[], body).await
}

/// The ids that are found, in order.
async fn found(stack: &Stack, body: &Value) -> anyhow::Result<Vec<String>> {
    let reply = search(stack, body).await?;
    anyhow::ensure!(reply.status == 200 && reply.body["complete"] == true, "{reply:?}");
    let orders = reply.body["orders"].as_array().into_iter().flatten();
    Ok(orders.filter_map(|order| order["id"].as_str()).map(str::to_owned).collect())
}

/// An order that arrived, with its caller's name for it.
async fn arrived(stack: &Stack, phone: &str, name: &str) -> anyhow::Result<String> {
    let mut body = login(phone);
    body["client_ref"] = json!(name);
    let reply = stack.client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(reply.status == 202, "{reply:?}");
    let id = reply.id()?;
    stack.client.until_state(&id, "delivered").await?;
    Ok(id)
}

async fn orders_are_found(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let (phone, other) = (fresh_phone(), fresh_phone());
    assert_eq!(found(&stack, &json!({})).await?, Vec::<String>::new());
    // Closed, then two open ones, of which one is another's.
    let closed = arrived(&stack, &phone, "signup-1").await?;
    assert_eq!(stack.client.guess(&closed, &stack.client.code(&phone).await?).await?, "verified");
    let is_closed = |ids: &Vec<String>| ids.len() == 1;
    let verified = json!({"state": "verified"});
    wait::until("a closed order", || found(&stack, &verified), is_closed).await?;
    let (open, others) =
        (arrived(&stack, &phone, "signup-2").await?, arrived(&stack, &other, "signup-3").await?);
    let is_sent = |ids: &Vec<String>| ids.len() == 2;
    let delivered = json!({"state": "delivered"});
    wait::until("open orders", || found(&stack, &delivered), is_sent).await?;

    let all = [others.clone(), open.clone(), closed.clone()];
    for (body, meant) in [
        (json!({}), &all[..]),
        (json!({"phone": phone}), &all[1..]),
        (json!({"phone": phone, "state": "delivered"}), &all[1..2]),
        (json!({"phone": fresh_phone()}), &[]),
        (json!({"client_ref": "signup-1"}), &all[2..]),
        (json!({"client_ref": "signup-2"}), &all[1..2]),
        (json!({"client_ref": "signup-9"}), &[]),
        (json!({"tenant": "dev", "service": "login", "country": "IN", "channel": "sms"}), &all[..]),
        (json!({"gateway": "twilio-sms"}), &all[..]),
        (json!({"gateway": "twilio-sms-2"}), &[]),
        (json!({"tenant": "nobody"}), &[]),
        (json!({"country": "DE"}), &[]),
        (json!({"from": 1, "to": 4_000_000_000_000_u64}), &all[..]),
        (json!({"to": 1}), &[]),
        (json!({"from": 4_000_000_000_000_u64}), &[]),
    ] {
        assert_eq!(found(&stack, &body).await?, meant, "{body}");
    }
    shown(&stack, &closed, &phone).await?;
    paged(&stack, &all).await?;
    by_command_line(&stack, &phone, &all).await?;
    refused(&stack).await
}

/// What is told of an order, and what is not.
async fn shown(stack: &Stack, id: &str, phone: &str) -> anyhow::Result<()> {
    let reply = search(stack, &json!({"client_ref": "signup-1"})).await?;
    let order = &reply.body["orders"][0];
    let digits = phone.trim_start_matches('+');
    assert!(!reply.text.contains(digits), "{reply:?}");
    assert_eq!(
        (&order["id"], &order["tenant"], &order["service"]),
        (&json!(id), &json!("dev"), &json!("login"))
    );
    assert_eq!(
        (&order["state"], &order["verified"], &order["attempts"]),
        (&json!("verified"), &json!(true), &json!(1))
    );
    assert_eq!((&order["gateway"], &order["channel"]), (&json!("twilio-sms"), &json!("sms")), "{order}");
    assert!(
        order["to_masked"].as_str().is_some_and(|mask| mask.ends_with(&digits[digits.len() - 4..])),
        "{order}"
    );
    assert!(
        order["delivered_ms"].is_u64() && order["created_at"].is_u64() && order["cost"].is_null(),
        "{order}"
    );
    Ok(())
}

/// One at a time, the same in the same order, and then nothing.
async fn paged(stack: &Stack, all: &[String]) -> anyhow::Result<()> {
    let (mut seen, mut body) = (Vec::new(), json!({"limit": 1}));
    loop {
        let reply = search(stack, &body).await?;
        let ids = reply.body["orders"].as_array().into_iter().flatten();
        seen.extend(ids.filter_map(|order| order["id"].as_str()).map(str::to_owned));
        assert!(seen.len() <= all.len(), "{reply:?}");
        if reply.body["next"].is_null() {
            break;
        }
        body["cursor"] = reply.body["next"].clone();
    }
    assert_eq!(seen, all);
    Ok(())
}

async fn by_command_line(stack: &Stack, phone: &str, all: &[String]) -> anyhow::Result<()> {
    let (went, said) = cli(stack, &["order", "find", "--ref", "signup-1", "--since", "1h"])?;
    assert!(went && said.contains(&all[2]) && said.contains("1 orders, and no more"), "{said}");
    let (went, said) = cli(stack, &["order", "find", "--limit", "2"])?;
    assert!(went && said.contains(&all[0]) && !said.contains(&all[2]) && said.contains("--cursor"), "{said}");
    for arguments in [["--phone", phone], ["--since", "soon"], ["--state", "lost"], ["--limit", "0"]] {
        let (went, said) = cli(stack, &[&["order", "find"][..], &arguments].concat())?;
        assert!(!went, "{arguments:?}: {said}");
    }
    let mut child = std::process::Command::new(tiffin_tests::keys::tiffin()?)
        .env_clear()
        .env(OPERATOR_TOKEN, stack.variable(OPERATOR_TOKEN)?)
        .env("TIFFIN_OPS_URL", &stack.client.core)
        .args(["order", "find", "--phone", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{phone}")?;
    }
    let output = child.wait_with_output()?;
    let reply: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(reply["orders"].as_array().map(Vec::len), Some(2), "{reply}");
    Ok(())
}

async fn refused(stack: &Stack) -> anyhow::Result<()> {
    for body in [
        json!({"state": "lost"}),
        json!({"state": "accepted"}),
        json!({"limit": 0}),
        json!({"limit": 101}),
        json!({"limit": "ten"}),
        json!({"cursor": "nonsense"}),
        json!({"cursor": "eyJvIjp7InMiOjAsIm4iOjB9fQ"}),
        json!({"cursor": "x".repeat(1_000)}),
        json!({"country": "India"}),
        json!({"channel": "pigeon"}),
        json!({"tenant": "No Body"}),
        json!({"gateway": ""}),
        json!({"client_ref": ""}),
        json!({"client_ref": "x".repeat(65)}),
        json!({"from": 2, "to": 1}),
        json!({"from": -1}),
        json!({"color": "red"}),
        json!([]),
    ] {
        let reply = search(stack, &body).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{body}: {reply:?}");
    }
    let reply = search(stack, &json!({"phone": "12"})).await?;
    assert_eq!((reply.status, reply.code()), (422, Some("invalid_phone")), "{reply:?}");
    let reply = search(stack, &json!({"client_ref": "x".repeat(4_000)})).await?;
    assert_eq!((reply.status, reply.code()), (413, Some("body_too_large")), "{reply:?}");
    let in_address =
        ops(stack, Method::GET, "orders/search?phone=%2B919876543210", &[], &Value::Null).await?;
    assert_eq!(
        (in_address.status, in_address.code()),
        (404, Some("not_found")),
        "there is one way: {in_address:?}"
    );
    let anybody = format!("{}/ops/v1/orders/search", stack.client.core);
    assert_eq!(stack.client.raw(Method::POST, anybody.clone(), &[], b"{}".to_vec()).await?.status, 401);

    for (role, with_phone) in [("viewer", 403), ("support", 200)] {
        let made = ops(stack, Method::POST, "operators", &[], &json!({"name": role, "role": role})).await?;
        let bearer = format!("Bearer {}", made.body["token"].as_str().unwrap_or_default());
        let headers = [("authorization", bearer.as_str())];
        for (body, status) in [(json!({}), 200), (json!({"phone": fresh_phone()}), with_phone)] {
            let body = serde_json::to_vec(&body)?;
            let reply = stack.client.raw(Method::POST, anybody.clone(), &headers, body).await?;
            assert_eq!(reply.status, status, "{role}: {reply:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn orders_are_found_at_the_edge() -> anyhow::Result<()> {
    orders_are_found(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn orders_are_found_standalone() -> anyhow::Result<()> {
    orders_are_found(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn orders_are_found_on_redis() -> anyhow::Result<()> {
    orders_are_found(Front::Standalone, Backing::Own).await
}
