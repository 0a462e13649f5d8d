//! Evidence packets through the public door, the operators' API and the command line.

#![expect(
    clippy::indexing_slicing,
    reason = "tests fail by panicking; JSON gives null for what is not there"
)]

mod cli;
mod many;
mod ops;
mod page;
mod public;

use reqwest::Method;
use serde_json::Value;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// A PNG of one pixel.
pub const PIXEL: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63,
    0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60,
    0x82,
];

/// A support address for the tenant of the tests.
pub fn with_email(settings: &str) -> String {
    settings.replacen("[tenants.dev]\n", "[tenants.dev]\nsupport_email = \"help@shop.example\"\n", 1)
}

/// By the public API.
pub async fn get(client: &Client, id: &str, accept: &str) -> anyhow::Result<Reply> {
    let path = format!("/v1/orders/{id}/evidence");
    client.call(Method::GET, &path, &[("accept", accept)], &Value::Null).await
}

/// By the operators' API.
pub async fn ops(
    stack: &Stack,
    method: Method,
    path: &str,
    accept: &str,
    body: Vec<u8>,
) -> anyhow::Result<Reply> {
    let token = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let headers = [("authorization", token.as_str()), ("accept", accept)];
    stack.client.raw(method, format!("{}/ops/v1/{path}", stack.client.core), &headers, body).await
}

/// An order that arrived, and whose receipts are kept.
pub async fn delivered(stack: &Stack) -> anyhow::Result<String> {
    let id = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&id, "delivered").await?;
    let path = format!("orders/{id}/evidence");
    let look = || ops(stack, Method::GET, &path, "application/json", Vec::new());
    let has_all = |reply: &Reply| {
        let receipts = &reply.body["evidence"]["attempts"][0]["receipts"];
        let fates: Vec<_> = receipts.as_array().into_iter().flatten().map(|it| it["fate"].clone()).collect();
        fates.contains(&"delivered".into())
            && reply.body["evidence"]["attempts"][0]["exchanges"][0].is_object()
    };
    wait::until("receipts", look, has_all).await?;
    Ok(id)
}
