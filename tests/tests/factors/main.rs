//! TOTP factors through the public door, on both hosts.
#![expect(clippy::indexing_slicing, reason = "tests fail by panicking")]

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
use tiffin_tests::authenticator::seed;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

const ENROL: &str = "/v1/factors";

async fn post(client: &Client, path: &str, headers: &[(&str, &str)], body: Value) -> anyhow::Result<Reply> {
    client.call(Method::POST, path, headers, &body).await
}

fn code(seed: &Seed, steps_back: u64) -> String {
    let step = totp::step_at(host::now()) - steps_back;
    totp::code(Algorithm::Sha1, seed, step, 6).to_string()
}

async fn result(client: &Client, id: &str, code: &str) -> anyhow::Result<(u16, Value)> {
    let reply = post(client, &format!("{ENROL}/{id}/verify"), &[], json!({ "code": code })).await?;
    let told = if reply.status == 200 { reply.body["result"].clone() } else { reply.body["code"].clone() };
    Ok((reply.status, told))
}

async fn an_app_is_enrolled_and_no_code_counts_twice(front: Front) -> anyhow::Result<()> {
    let mut stack = Stack::start(front, Backing::Memory).await?;
    let client = stack.client.clone();
    let body = json!({"account": "alice@example.com", "issuer": "Shop"});
    let key = [("idempotency-key", "\"enrol-1\"")];
    let enrolled = post(&client, ENROL, &key, body.clone()).await?;
    assert_eq!(enrolled.status, 201, "{enrolled:?}");
    let id = enrolled.id()?;
    let uri = enrolled.body["otpauth_uri"].as_str().context("no URI")?.to_owned();
    assert!(uri.starts_with("otpauth://totp/Shop:alice"), "{uri}");
    assert!(enrolled.body["qr_svg"].as_str().is_some_and(|svg| svg.starts_with("<svg")));
    let again = post(&client, ENROL, &key, body).await?;
    assert_eq!((again.status, again.body["id"].as_str()), (201, Some(id.as_str())));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));

    let seed = seed(&uri)?;
    let first = code(&seed, 0);
    assert_eq!(result(&client, &id, &first).await?, (200, json!("verified")));
    assert_eq!(result(&client, &id, &first).await?, (200, json!("already_used")));
    assert_eq!(result(&client, &id, &code(&seed, 4)).await?, (200, json!("wrong_code")), "out of the window");
    if front == Front::Edge {
        stack.edge = None;
        stack.start_edge().await?;
        assert_eq!(
            result(&client, &id, &first).await?,
            (200, json!("already_used")),
            "it outlives the worker"
        );
    }
    let removed = client.call(Method::DELETE, &format!("{ENROL}/{id}"), &[], &Value::Null).await?;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_eq!(result(&client, &id, &code(&seed, 0)).await?, (404, json!("not_found")));
    Ok(())
}

#[tokio::test]
async fn an_app_is_enrolled_and_no_code_counts_twice_at_the_wasm_edge() -> anyhow::Result<()> {
    an_app_is_enrolled_and_no_code_counts_twice(Front::Edge).await
}

#[tokio::test]
async fn an_app_is_enrolled_and_no_code_counts_twice_standalone() -> anyhow::Result<()> {
    an_app_is_enrolled_and_no_code_counts_twice(Front::Standalone).await
}

async fn bad_requests_are_refused_and_guesses_run_out(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    for (body, status) in [
        (json!({"account": "", "issuer": "Shop"}), 400),
        (json!({"account": "a@example.com"}), 400),
        (json!({"account": "a@example.com", "issuer": "Shop", "colour": "red"}), 400),
        (json!({"account": "a@example.com", "issuer": "x".repeat(500)}), 400),
    ] {
        assert_eq!(post(client, ENROL, &[], body.clone()).await?.status, status, "{body}");
    }
    let app = client.with_key(&stack.keys.publishable);
    let body = json!({"account": "a@example.com", "issuer": "Shop"});
    assert_eq!(post(&app, ENROL, &[], body.clone()).await?.status, 403, "keys in apps enrol nothing");
    assert_eq!(result(client, "fac_AAAA", "123456").await?, (404, json!("not_found")));

    let enrolled = post(client, ENROL, &[], body).await?;
    let (id, seed) = (enrolled.id()?, seed(enrolled.body["otpauth_uri"].as_str().unwrap_or_default())?);
    let wrong = code(&seed, 1_000);
    let mut evaluated = 0;
    for _ in 0..10 {
        match result(client, &id, &wrong).await? {
            (200, told) if told == json!("wrong_code") => evaluated += 1,
            (429, _) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(evaluated, 5);
    assert_eq!(result(client, &id, &code(&seed, 0)).await?.0, 429, "a right one has to wait too");
    Ok(())
}

#[tokio::test]
async fn bad_requests_are_refused_and_guesses_run_out_at_the_wasm_edge() -> anyhow::Result<()> {
    bad_requests_are_refused_and_guesses_run_out(Front::Edge).await
}

#[tokio::test]
async fn bad_requests_are_refused_and_guesses_run_out_standalone() -> anyhow::Result<()> {
    bad_requests_are_refused_and_guesses_run_out(Front::Standalone).await
}
