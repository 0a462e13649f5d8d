//! An installation whose tenant pays.

use reqwest::Method;
use serde_json::Value;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::billing::paying;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// What every message costs.
pub const PRICE: u64 = 2_500;

/// With this much on the account, and messages that are overdue after `waiting_ms`.
pub async fn start(
    front: Front,
    backing: Backing,
    opening_micros: u64,
    waiting_ms: u64,
) -> anyhow::Result<Stack> {
    let edit = |toml: &str| {
        toml.replace("brand = \"Tiffin\"\n", &format!("brand = \"Tiffin\"\nwaiting_ms = {waiting_ms}\n"))
    };
    start_with(front, backing, opening_micros, edit).await
}

/// With other settings.
pub async fn start_with(
    front: Front,
    backing: Backing,
    opening_micros: u64,
    edit: impl FnOnce(&str) -> String,
) -> anyhow::Result<Stack> {
    let edit = |toml: &str| paying(&edit(toml), PRICE, opening_micros);
    let stack = Stack::start_with_settings(front, backing, edit).await?;
    let is_open = |reply: &Reply| reply.body["funded_micros"] == opening_micros;
    wait::until("an account", || balance(&stack), is_open).await?;
    Ok(stack)
}

pub async fn ask(stack: &Stack, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/{path}", stack.client.core);
    let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    stack.client.raw(method, url, &headers, body).await
}

pub async fn balance(stack: &Stack) -> anyhow::Result<Reply> {
    ask(stack, Method::GET, "tenants/dev/balance", None).await
}

/// What operators see of an order.
pub async fn bill(stack: &Stack, id: &str) -> anyhow::Result<Value> {
    Ok(ask(stack, Method::GET, &format!("orders/{id}"), None).await?.body["bill"].clone())
}

/// Waits until the account has confirmed all of a bill. The bill.
pub async fn settled(stack: &Stack, id: &str) -> anyhow::Result<Value> {
    let is_settled = |bill: &Value| bill["is_posted"] == true && bill["is_final"] == true;
    wait::until("a settled bill", || bill(stack, id), is_settled).await
}

/// Every entry of the tenant's books, oldest first.
pub async fn entries(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let page = ask(stack, Method::GET, &format!("tenants/dev/ledger?from={from}"), None).await?;
        all.extend(page.body["entries"].as_array().cloned().unwrap_or_default());
        match page.body["next"].as_u64() {
            Some(next) => from = next,
            None => return Ok(all),
        }
    }
}

/// Held, captured, released and refunded.
pub fn sums(bill: &Value) -> [u64; 4] {
    ["held", "captured", "released", "refunded"]
        .map(|name| bill[format!("{name}_micros")].as_u64().unwrap_or(u64::MAX))
}
