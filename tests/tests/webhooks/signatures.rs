//! Deliveries as others verify them: the public library for `v1`, Node's Ed25519 for `v1a`.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::webhook;
use tiffin_shared::webhook::Key;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::tools;

use crate::receiver;
use crate::receiver::Hook;
use crate::receiver::Receiver;
use crate::receiver::status;

/// What each says: whether it verifies.
fn asked(mut command: Command, questions: &[Value]) -> anyhow::Result<Vec<bool>> {
    let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    script.stdin.take().context("a pipe")?.write_all(&serde_json::to_vec(questions)?)?;
    let output = script.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "the script failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The package `standardwebhooks` of PyPI. It knows `v1`.
pub fn library(questions: &[Value]) -> anyhow::Result<Vec<bool>> {
    let mut command = Command::new(tools::python("standardwebhooks", "STANDARDWEBHOOKS_VERSION")?);
    command.arg(root().join("tests/tests/webhooks/verify.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    asked(command, questions)
}

/// The sample of docs/API.md, on Node. It knows both.
fn sample(questions: &[Value]) -> anyhow::Result<Vec<bool>> {
    let mut command = Command::new("node");
    command.arg(root().join("tests/tests/webhooks/verify.mjs"));
    asked(command, questions)
}

pub fn question(key: &str, hook: &Hook) -> Value {
    json!({"key": key, "headers": hook.headers, "body": hook.body})
}

/// The delivery with one thing changed each.
fn tampered(hook: &Hook) -> Vec<Hook> {
    let change = |name: &str, to: &dyn Fn(&str) -> String| {
        let mut other = hook.clone();
        let changed = to(&other.headers[name]);
        other.headers.insert(name.into(), changed);
        other
    };
    let flip = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let at = bytes.len() - 10;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    vec![
        Hook { body: hook.body.replace("webhook.test", "order.sent"), ..hook.clone() },
        Hook { body: format!("{} ", hook.body), ..hook.clone() },
        change("webhook-id", &|id| format!("{id}x")),
        change("webhook-timestamp", &|at| (at.parse::<u64>().unwrap() + 1).to_string()),
        change("webhook-signature", &flip),
        change("webhook-signature", &|signature| signature.replace("v1", "v2")),
    ]
}

#[tokio::test]
async fn the_public_library_and_the_sample_verify_what_is_delivered_and_refuse_what_was_changed()
-> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    for (name, more) in [("shared", json!({})), ("pair", json!({"signature": "v1a"}))] {
        let hooks = Receiver::start(|_, _| status(200)).await?;
        let key = receiver::add(&stack, name, &hooks.url, &more).await?;
        let reply = receiver::ops(&stack, Method::POST, &format!("/dev/{name}/test"), &Value::Null).await?;
        let taken = hooks.until(1).await?;
        assert_eq!(reply.body["event"], taken[0].id());
        let hook = taken[0].clone();
        let mut questions = vec![question(&key, &hook)];
        questions.extend(tampered(&hook).iter().map(|hook| question(&key, hook)));
        let mut expected = vec![false; questions.len()];
        expected[0] = true;
        assert_eq!(sample(&questions)?, expected, "{name}");
        if name == "shared" {
            assert!(key.starts_with("whsec_"));
            assert_eq!(library(&questions)?, expected);
        } else {
            assert!(key.starts_with("whpk_"), "the private half stays here");
        }
        receiver::ops(&stack, Method::DELETE, &format!("/dev/{name}"), &Value::Null).await?;
    }
    Ok(())
}

#[test]
fn what_is_older_or_newer_than_five_minutes_is_refused_though_it_is_signed() -> anyhow::Result<()> {
    for is_pair in [false, true] {
        let key = Key::new([5; 32], is_pair);
        let now = host::now();
        let signed = |at: UnixMs| {
            let headers = webhook::headers([&key], "evt_1", "{}", at);
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            question(&key.for_receiver(), &Hook { headers, body: "{}".into() })
        };
        let at = [
            now,
            now.minus(4 * MINUTE_MS),
            now.plus(4 * MINUTE_MS),
            now.minus(6 * MINUTE_MS),
            now.plus(6 * MINUTE_MS),
        ];
        let questions = at.map(signed);
        let expected = [true, true, true, false, false];
        assert_eq!(sample(&questions)?, expected);
        if !is_pair {
            assert_eq!(library(&questions)?, expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_rotated_key_verifies_beside_the_old_one_until_the_overlap_is_over() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    let first = receiver::add(&stack, "main", &hooks.url, &json!({})).await?;
    let rotate = |hours: u64| {
        let stack = &stack;
        async move {
            let body = json!({"overlap_hours": hours});
            let reply = receiver::ops(stack, Method::POST, "/dev/main/rotate", &body).await?;
            receiver::ops(stack, Method::POST, "/dev/main/test", &Value::Null).await?;
            anyhow::Ok(reply.body["key"].as_str().unwrap().to_owned())
        }
    };
    let second = rotate(24).await?;
    let both = hooks.until(1).await?[0].clone();
    assert_eq!(library(&[question(&first, &both), question(&second, &both)])?, [true, true]);
    let third = rotate(0).await?;
    let alone = hooks.until(2).await?[1].clone();
    let keys = [&first, &second, &third].map(|key| question(key, &alone));
    // The first was given a day; the second none.
    assert_eq!(library(&keys)?, [true, false, true]);
    Ok(())
}
