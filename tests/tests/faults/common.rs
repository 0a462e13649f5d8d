//! What several scenarios do.

use anyhow::Context;
use chrono::DateTime;
use reqwest::Method;
use serde_json::Value;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::wait;

/// An order under way.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// Its id.
    pub id: String,
    /// Whose.
    pub phone: String,
}

/// A job as the outbox hands it over.
pub fn parcel(job: &Job) -> anyhow::Result<Parcel> {
    let header: Header = serde_json::from_str(&job.header)?;
    let id = ParcelId { order: header.order, part: Part::Job };
    Ok(Parcel { id, content: Content::Job { job: job.clone(), dispatch: None } })
}

/// Accepts `count` orders, each for another phone.
pub async fn order_many(client: &Client, count: usize) -> anyhow::Result<Vec<Ordered>> {
    let mut orders = Vec::new();
    for _ in 0..count {
        orders.push(order(client).await?);
    }
    Ok(orders)
}

/// Accepts one order.
pub async fn order(client: &Client) -> anyhow::Result<Ordered> {
    let phone = fresh_phone();
    Ok(Ordered { id: client.order(&phone).await?, phone })
}

/// Every order's code arrives, once, and verifies. Counts again when all are delivered. The codes.
pub async fn arrive_exactly_once(client: &Client, orders: &[Ordered]) -> anyhow::Result<Vec<String>> {
    let mut codes = Vec::new();
    for order in orders {
        codes.push(client.code(&order.phone).await?);
    }
    for order in orders {
        client.until_state(&order.id, "delivered").await?;
    }
    for order in orders {
        let messages = client.inbox(&order.phone).await?;
        assert_eq!(messages.len(), 1, "{order:?}: {messages:?}");
    }
    for (order, code) in orders.iter().zip(&codes) {
        assert_eq!(client.guess(&order.id, code).await?, "verified", "{order:?}");
    }
    Ok(codes)
}

/// Waits until the first attempt of an order is in a state. The order.
pub async fn until_attempt(client: &Client, order: &Ordered, state: &str) -> anyhow::Result<Value> {
    let is = |reply: &Reply| reply.body["attempts"][0]["state"] == state;
    Ok(wait::until(&format!("attempt {state}"), || client.fetch(&order.id), is).await?.body)
}

/// Scripts the SMS gateway's fault.
pub async fn script_fault(client: &Client, script: &Value) -> anyhow::Result<()> {
    script_fault_of(client, "twilio-sms", script).await
}

/// When an attempt came into its state.
pub fn time(attempt: &Value) -> anyhow::Result<UnixMs> {
    let at = DateTime::parse_from_rfc3339(attempt["at"].as_str().unwrap_or_default())
        .map_err(|error| anyhow::anyhow!("at: {error}"))?;
    Ok(UnixMs(u64::try_from(at.timestamp_millis())?))
}

pub async fn script_fault_of(client: &Client, gateway: &str, script: &Value) -> anyhow::Result<()> {
    let url = format!("{}/faults/{gateway}", client.sandbox);
    let headers = [("content-type", "application/json")];
    let reply = client.raw(Method::PUT, url, &headers, serde_json::to_vec(script)?).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(())
}

/// Waits until core's `/readyz` answers with this status.
pub async fn until_ready(client: &Client, status: u16) -> anyhow::Result<Reply> {
    let look = || client.raw(Method::GET, format!("{}/readyz", client.core), &[], Vec::new());
    wait::until(&format!("readyz {status}"), look, |reply| reply.status == status).await
}

/// The order's state now.
pub async fn state(client: &Client, order: &Ordered) -> anyhow::Result<String> {
    let reply = client.fetch(&order.id).await?;
    Ok(reply.body["state"].as_str().with_context(|| format!("no state in {reply:?}"))?.to_owned())
}
