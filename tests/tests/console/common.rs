//! Operators, and what they ask.

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Stack;

/// `/ops/v1/{path}` with a token, or with none.
pub async fn ops(
    stack: &Stack,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> anyhow::Result<Reply> {
    ops_at(stack, method, path, (token, None), body).await
}

/// The same, in place of this version.
pub async fn ops_at(
    stack: &Stack,
    method: Method,
    path: &str,
    (token, version): (Option<&str>, Option<u64>),
    body: &Value,
) -> anyhow::Result<Reply> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let version = version.map(|version| format!("\"{version}\""));
    let fields = [("authorization", bearer.as_deref()), ("if-match", version.as_deref())];
    let headers: Vec<_> = fields.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
    stack.client.raw(method, format!("{}/ops/v1/{path}", stack.client.core), &headers, body).await
}

/// A new operator's token.
pub async fn operator(stack: &Stack, name: &str, role: &str) -> anyhow::Result<String> {
    let shared = stack.variable(OPERATOR_TOKEN)?;
    let made =
        ops(stack, Method::POST, "operators", Some(shared), &json!({"name": name, "role": role})).await?;
    anyhow::ensure!(made.status == 200, "{}", made.text);
    Ok(made.body["token"].as_str().context("a token")?.to_owned())
}
