//! What several scenarios do.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::process::signal;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// How soon news must be told.
pub const NEWS: Duration = Duration::from_secs(1);

/// The settings with one thing changed, which must be there once.
pub fn replaced(settings: &str, from: &str, to: &str) -> String {
    assert_eq!(settings.matches(from).count(), 1, "{from}");
    settings.replace(from, to)
}

/// With resends taken this soon.
pub async fn resending_after(front: Front, ms: u64) -> anyhow::Result<Stack> {
    let edit = |toml: &str| replaced(toml, "resend_after_ms = 30000", &format!("resend_after_ms = {ms}"));
    Stack::start_with_settings(front, Backing::Memory, edit).await
}

/// With one lane: jobs are worked on one after the other, whosever they are.
pub async fn in_one_lane(front: Front) -> anyhow::Result<Stack> {
    Stack::start_with_settings(front, Backing::Memory, |toml| replaced(toml, "lanes = 256", "lanes = 1"))
        .await
}

/// `POST /v1/orders/{id}/resend`.
pub async fn resend(client: &Client, id: &str, key: &str, body: &Value) -> anyhow::Result<Reply> {
    let path = format!("/v1/orders/{id}/resend");
    client.call(Method::POST, &path, &[("idempotency-key", key)], body).await
}

/// The same with a key of its own, by any way.
pub async fn resend_anyhow(client: &Client, id: &str) -> anyhow::Result<Reply> {
    resend(client, id, &fresh_key(), &json!({})).await
}

/// `POST /v1/orders/{id}/cancel`.
pub async fn cancel(client: &Client, id: &str) -> anyhow::Result<Reply> {
    client.call(Method::POST, &format!("/v1/orders/{id}/cancel"), &[], &Value::Null).await
}

/// Status and problem code.
pub fn refusal(reply: &Reply) -> (u16, Option<&str>) {
    (reply.status, reply.code())
}

/// Waits until attempt `n` of an order, counted from 1, is in a state. The order.
pub async fn until_attempt(client: &Client, id: &str, n: usize, state: &str) -> anyhow::Result<Value> {
    let is = |reply: &Reply| reply.body["attempts"][n - 1]["state"] == state;
    Ok(wait::until(&format!("attempt {n} {state}"), || client.fetch(id), is).await?.body)
}

/// How many attempts an order has.
pub fn attempts(order: &Value) -> usize {
    order["attempts"].as_array().map_or(0, Vec::len)
}

/// Attempts until both gateways have failed twice. The next one is due two to three seconds later.
pub const FAILED: usize = 4;

const GATEWAYS: [&str; 2] = ["twilio-sms", "twilio-sms-2"];

/// An order that has failed for the second time through every gateway.
pub async fn failing_twice(client: &Client, body: &Value) -> anyhow::Result<String> {
    for gateway in GATEWAYS {
        client.fault_of(gateway, "http_500").await?;
    }
    let reply = client.create(&fresh_key(), body).await?;
    anyhow::ensure!(reply.status == 202, "{reply:?}");
    let id = reply.id()?;
    until_attempt(client, &id, FAILED, "failed").await?;
    Ok(id)
}

/// Lets the gateways work again, and returns when whatever failed twice before the call would have been tried again:
/// `later` was ordered after it and fails twice too, with a second and two between its tries.
pub async fn outlast_retries(client: &Client, later: &str) -> anyhow::Result<()> {
    until_attempt(client, later, FAILED, "failed").await?;
    for gateway in GATEWAYS {
        client.fault_of(gateway, "ok").await?;
    }
    let delivered = client.until_state(later, "delivered").await?;
    anyhow::ensure!(attempts(&delivered) > FAILED, "{delivered}");
    Ok(())
}

/// The provider, standing still with a message in its hands. Its one lane waits with it.
pub struct Stopped {
    pid: u32,
    /// What it stands still with.
    pub first: String,
}

impl Stopped {
    /// Stops it. A call to it is given up after ten seconds.
    pub async fn with_a_message(stack: &Stack) -> anyhow::Result<Self> {
        let pid = stack.sandbox.as_ref().map(tiffin_tests::process::Process::pid);
        let pid = pid.ok_or_else(|| anyhow::anyhow!("the sandbox does not run"))?;
        signal("STOP", pid);
        let mut stopped = Self { pid, first: String::new() };
        stopped.first = stack.client.order(&fresh_phone()).await?;
        until_attempt(&stack.client, &stopped.first, 1, "sending").await?;
        Ok(stopped)
    }

    /// Lets it go on; returns when everything that waits in the lane by now was worked on.
    pub async fn go_on(self, client: &Client) -> anyhow::Result<()> {
        let last = client.order(&fresh_phone()).await?;
        signal("CONT", self.pid);
        client.until_state(&self.first, "delivered").await?;
        client.until_state(&last, "delivered").await?;
        Ok(())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("CONT", self.pid);
    }
}
