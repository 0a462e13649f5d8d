//! The operators' API and the command line, on a whole installation.

use std::process::Command;
use std::process::Output;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::jobs;
use tiffin_tests::keys::tiffin;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

const CODE: &str = "271828";
const LONELY: &str = "forgotten-service";
/// More than one call replays.
const LETTERS: usize = 130;

#[tokio::test]
async fn dead_letters_are_handled_by_api_and_command_line_on_memory() -> anyhow::Result<()> {
    handled_by_api_and_command_line(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn dead_letters_are_handled_by_api_and_command_line_on_rabbitmq() -> anyhow::Result<()> {
    handled_by_api_and_command_line(Backing::Shared).await
}

async fn handled_by_api_and_command_line(backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, backing).await?;
    let token = stack.variable(OPERATOR_TOKEN)?.to_owned();
    for wrong in [None, Some("Bearer "), Some("Bearer wrong"), Some(token.as_str())] {
        let reply = ask(&stack, Method::GET, "", wrong, "").await?;
        assert_eq!((reply.status, reply.code()), (401, Some("unauthenticated")), "{reply:?}");
    }
    let order = jobs::poison(&stack, LONELY, CODE).await?;
    let bearer = format!("Bearer {token}");
    let list = || ask(&stack, Method::GET, "", Some(&bearer), "");
    let has_one = |reply: &Reply| reply.body["letters"].as_array().is_some_and(|all| all.len() == 1);
    let listed = wait::until("a dead letter", list, has_one).await?;
    let letter = &listed.body["letters"][0];
    assert_eq!((&letter["id"], &letter["job"]["service"]), (&json!(order), &json!(LONELY)), "{listed:?}");
    assert_eq!(letter["reason"], "unknown tenant or service");
    assert!(!listed.text.contains(CODE) && !listed.text.contains("ciphertext"), "{listed:?}");
    for (path, status) in [("?limit=0", 400), ("?limit=1001", 400), ("?limit=x", 400), ("/ord_none", 404)] {
        let reply = ask(&stack, Method::GET, path, Some(&bearer), "").await?;
        assert_eq!(reply.status, status, "{path}: {reply:?}");
    }
    let refused = ask(&stack, Method::POST, "/replay", Some(&bearer), r#"{"all":1}"#).await?;
    assert_eq!(refused.status, 400, "{refused:?}");

    // The service still is unknown, so it comes back.
    let replayed = ask(&stack, Method::POST, &format!("/{order}/replay"), Some(&bearer), "").await?;
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    wait::until("dead again", list, has_one).await?;
    command_line(&stack, &token, &order).await
}

/// They die again at once: each is replayed once nevertheless.
#[tokio::test]
async fn more_letters_than_one_call_takes_are_each_replayed_once() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let token = stack.variable(OPERATOR_TOKEN)?.to_owned();
    for _ in 0..LETTERS {
        jobs::poison(&stack, LONELY, CODE).await?;
    }
    let bearer = format!("Bearer {token}");
    let list = || ask(&stack, Method::GET, "?limit=1000", Some(&bearer), "");
    let are_all_there =
        |reply: &Reply| reply.body["letters"].as_array().is_some_and(|all| all.len() == LETTERS);
    wait::until("dead letters", list, are_all_there).await?;
    for (max, replayed) in [("110", 110), ("1000", LETTERS)] {
        let shown = run(&stack, &token, &["replay", "--all", "--max", max, "--json"])?;
        let report: Value = serde_json::from_str(&text(&shown.stdout))?;
        assert_eq!((&report["replayed"], text(&shown.stderr)), (&json!(replayed), String::new()), "{max}");
        wait::until("dead again", list, are_all_there).await?;
    }
    Ok(())
}

async fn command_line(stack: &Stack, token: &str, order: &str) -> anyhow::Result<()> {
    let shown = run(stack, token, &["list"])?;
    assert!(shown.status.success() && text(&shown.stdout).contains(order), "{shown:?}");
    let shown = run(stack, token, &["show", order, "--json"])?;
    let json: Value = serde_json::from_str(&text(&shown.stdout))?;
    assert_eq!(json["letters"][0]["id"], order, "{shown:?}");
    let replayed = run(stack, token, &["replay", "--all"])?;
    assert!(replayed.status.success() && text(&replayed.stdout).contains("1 replayed"), "{replayed:?}");
    let discard = || async { run(stack, token, &["discard", order]) };
    let discarded = wait::until("dead again", discard, |output| output.status.success()).await?;
    assert!(text(&discarded.stdout).contains("1 discarded"), "{discarded:?}");
    let listed = run(stack, token, &["list"])?;
    assert_eq!(text(&listed.stdout).trim(), "no dead letters");
    for (token, arguments, told) in [
        (token, ["show", "ord_none"], "dead list"),
        ("wrong-wrong-wrong-wrong-wrong-wrong", ["replay", "--all"], OPERATOR_TOKEN),
        ("", ["discard", order], OPERATOR_TOKEN),
        (token, ["list", "--url=http://127.0.0.1:9"], "TIFFIN_OPS_URL"),
    ] {
        let output = run(stack, token, &arguments)?;
        assert!(!output.status.success() && text(&output.stderr).contains(told), "{arguments:?}: {output:?}");
    }
    Ok(())
}

async fn ask(
    stack: &Stack,
    method: Method,
    path: &str,
    authorization: Option<&str>,
    body: &str,
) -> anyhow::Result<Reply> {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    stack.client.raw(method, format!("{}/ops/v1/dead{path}", stack.client.core), &headers, body.into()).await
}

fn run(stack: &Stack, token: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(tiffin()?);
    command.env_clear().env("TIFFIN_OPS_URL", &stack.client.core).arg("dead").args(arguments);
    if !token.is_empty() {
        command.env(OPERATOR_TOKEN, token);
    }
    Ok(command.output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
