//! Odd requests that two HTTP servers would read in two ways: both fronts answer them alike.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

async fn an_order_without_an_address_is_400(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    for to in [json!({}), json!({"phone": null, "email": null})] {
        let reply = stack.client.create(&fresh_key(), &json!({"to": to, "service": "login"})).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{}", reply.text);
    }
    Ok(())
}

#[tokio::test]
async fn an_order_without_an_address_is_400_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_without_an_address_is_400(Front::Edge).await
}

#[tokio::test]
async fn an_order_without_an_address_is_400_standalone() -> anyhow::Result<()> {
    an_order_without_an_address_is_400(Front::Standalone).await
}

/// Status, code, detail; and the headers' names.
fn said(reply: &Reply) -> (u16, Option<&str>, Option<&str>, Vec<&str>) {
    let transport = ["connection", "content-length", "date", "transfer-encoding"];
    let mut names: Vec<_> =
        reply.headers.keys().map(|name| name.as_str()).filter(|name| !transport.contains(name)).collect();
    names.sort_unstable();
    (reply.status, reply.code(), reply.body["detail"].as_str(), names)
}

async fn same(
    name: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> anyhow::Result<()> {
    let edge = Stack::start(Front::Edge, Backing::Memory).await?;
    let core = Stack::start(Front::Standalone, Backing::Memory).await?;
    let ask = async |client: &Client| {
        let authorization = format!("Bearer {}", client.key);
        let mut all = vec![("content-type", "application/json")];
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            all.push(("authorization", &authorization));
        }
        all.extend(headers);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        client.raw(method.clone(), format!("{}{path}", client.edge), &all, body).await
    };
    let (at_edge, at_core) = (ask(&edge.client).await?, ask(&core.client).await?);
    assert_eq!(said(&at_edge), said(&at_core), "{name}: edge (left) and core (right)");
    Ok(())
}

#[tokio::test]
async fn a_key_beyond_ascii_is_refused_alike() -> anyhow::Result<()> {
    same(
        "idempotency-key",
        Method::POST,
        "/v1/orders",
        &[("idempotency-key", "\"clé\"")],
        &login(&fresh_phone()),
    )
    .await
}

#[tokio::test]
async fn an_api_key_beyond_ascii_is_refused_alike() -> anyhow::Result<()> {
    same("authorization", Method::GET, "/v1/orders", &[("authorization", "Bearer sk_clé")], &Value::Null)
        .await
}

#[tokio::test]
async fn a_content_type_beyond_ascii_is_refused_alike() -> anyhow::Result<()> {
    let headers = [("content-type", "text/plain; x=é"), ("idempotency-key", "\"k\"")];
    let edge = Stack::start(Front::Edge, Backing::Memory).await?;
    let core = Stack::start(Front::Standalone, Backing::Memory).await?;
    let mut seen = Vec::new();
    for client in [&edge.client, &core.client] {
        let authorization = format!("Bearer {}", client.key);
        let all = [("authorization", authorization.as_str()), headers[0], headers[1]];
        let body = login(&fresh_phone()).to_string().into_bytes();
        seen.push(client.raw(Method::POST, format!("{}/v1/orders", client.edge), &all, body).await?);
    }
    assert_eq!(said(&seen[0]), said(&seen[1]));
    Ok(())
}

#[tokio::test]
async fn two_idempotency_keys_are_read_alike() -> anyhow::Result<()> {
    let headers = [("idempotency-key", "\"a\""), ("idempotency-key", "\"b\"")];
    same("two keys", Method::POST, "/v1/orders", &headers, &login(&fresh_phone())).await
}

#[tokio::test]
async fn readiness_by_post_is_refused_alike() -> anyhow::Result<()> {
    same("POST /readyz", Method::POST, "/readyz", &[], &Value::Null).await
}

#[tokio::test]
async fn readiness_by_head_is_answered_alike() -> anyhow::Result<()> {
    same("HEAD /readyz", Method::HEAD, "/readyz", &[], &Value::Null).await
}
