//! What was made with keys that are no more.

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::Config;
use tiffin_core::host;
use tiffin_shared::bytes;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::Outgoing;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::keys::Signing;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::seal::Sealer;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::jobs;

/// RFC 5737: for documentation.
const NETWORK: (&str, &str) = ("cf-connecting-ip", "203.0.113.77");

async fn post(client: &Client, at: &str, request: &Outgoing) -> anyhow::Result<Reply> {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{at}{}", request.path);
    client.raw(Method::POST, url, &headers, request.body.clone().into_bytes()).await
}

/// Hands over a job: sealed for the workers' key in use in `sealed_for`, signed with the edge's key in use in `signed_by`.
pub async fn hand_over(client: &Client, sealed_for: &Config, signed_by: &Config) -> anyhow::Result<Reply> {
    let now = host::now();
    let sealer = Sealer::new(sealed_for.edge()?.seal_to.current(), &host::entropy()?)?;
    let header = jobs::header(now)?;
    let job = jobs::seal(&sealer, &header, &jobs::private(&fresh_phone(), "271828")?)?;
    let (order, content) = (header.order, Content::Job { job, dispatch: None });
    let parcel = Parcel { id: ParcelId { order, part: Part::Job }, content };
    let key = signed_by.edge()?.signing.current().clone();
    post(client, &client.core, &internal::parcel(&parcel, &key, &host::entropy()?, now)?).await
}

/// Tells the edge of an order that nobody made, signed with core's key in use then.
pub async fn tell(client: &Client, then: &Config) -> anyhow::Result<Reply> {
    let event = OrderEvent {
        order: OrderId::new(host::random()?, LedgerId::new(host::random()?)),
        seq: 1,
        dispatch: 0,
        state: OrderState::Failed,
        reason: None,
        attempts: Vec::new(),
        next: None,
        cost: None,
    };
    let keys = then.core_keys(false)?.signing;
    let key: &Signing = keys.current();
    let (outgoing, _) = internal::events(&[event], key, &host::entropy()?, host::now())?;
    post(client, &client.edge, &outgoing).await
}

/// A challenge as the edge gives it to a network that asks a lot, and for whom.
pub struct Challenge {
    phone: String,
    issued: Value,
}

impl Challenge {
    pub async fn ask(app: &Client) -> anyhow::Result<Self> {
        for _ in 0..10 {
            let phone = fresh_phone();
            let reply = order(app, &login(&phone)).await?;
            if reply.code() == Some("challenge_required") {
                return Ok(Self { phone, issued: reply.body["challenge"].clone() });
            }
        }
        anyhow::bail!("never challenged")
    }

    /// What the edge says to an answer that was not worked for.
    pub async fn answer(&self, app: &Client) -> anyhow::Result<String> {
        let challenge =
            json!({"parameters": self.issued["parameters"], "signature": self.issued["signature"]});
        let solution = json!({"counter": 5_000, "derivedKey": "0".repeat(64), "time": 1});
        let text = serde_json::to_vec(&json!({"challenge": challenge, "solution": solution}))?;
        let mut answer = bytes::encode(&text).replace('-', "+").replace('_', "/");
        while !answer.len().is_multiple_of(4) {
            answer.push('=');
        }
        let mut body = login(&self.phone);
        body["challenge"] = answer.into();
        let reply = order(app, &body).await?;
        anyhow::ensure!(reply.status == 403, "{reply:?}");
        Ok(reply.body["detail"].as_str().context("a detail")?.to_owned())
    }
}

async fn order(app: &Client, body: &Value) -> anyhow::Result<Reply> {
    app.call(Method::POST, "/v1/orders", &[("idempotency-key", &fresh_key()), NETWORK], body).await
}
