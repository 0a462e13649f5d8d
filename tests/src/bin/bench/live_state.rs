//! From the provider's word that a message arrived to the client that watches its order: the sandbox's receipt, core, the edge, the
//! client's stream of events. The floor is the way from a request to an event of one process, taken between the orders.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::sync::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::figures::float;
use crate::figures::ms;
use crate::figures::rounded;

/// Orders, so many of them watched at once.
const ORDERS: usize = 400;
const AT_ONCE: usize = 20;
/// Longer than any event may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the provider said that a message to a phone arrived.
type Arrivals = Arc<Mutex<HashMap<String, Instant>>>;

pub async fn measure() -> anyhow::Result<Value> {
    let edge = side(Front::Edge).await?;
    let standalone = side(Front::Standalone).await?;
    Ok(json!({
        "what": "milliseconds from the sandbox's `delivered` to the client's event with the order delivered; the floor is a request \
                 to the sandbox and its event about it; the target is 1000",
        "orders": ORDERS,
        "watched_at_once": AT_ONCE,
        "wasm_edge": edge,
        "standalone": standalone,
    }))
}

async fn side(front: Front) -> anyhow::Result<Value> {
    // Nobody verifies them.
    let edit = |toml: &str| toml.replacen("mode = \"enforce\"", "mode = \"record_only\"", 1);
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let arrivals = Arrivals::default();
    let (faults, mut floor_events) = mpsc::unbounded_channel();
    let inbox = reqwest::get(format!("{}/inbox/events", stack.client.sandbox)).await?;
    let reading = tokio::spawn(read_inbox(inbox, arrivals.clone(), faults));
    let (mut times, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ORDERS.div_ceil(AT_ONCE) {
        let mut watching = JoinSet::new();
        for _ in 0..AT_ONCE {
            watching.spawn(watch(stack.client.clone()));
        }
        let seen = watching.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let arrivals = arrivals.lock().await;
        for (phone, at) in seen {
            let arrived = arrivals.get(&phone).context("the sandbox told nothing of it")?;
            times.push(ms(at.saturating_duration_since(*arrived)));
        }
        drop(arrivals);
        for _ in 0..AT_ONCE {
            let begun = Instant::now();
            stack.client.fault("ok").await?;
            let told = timeout(PATIENCE, floor_events.recv()).await?.context("no event")?;
            floor.push(ms(told.saturating_duration_since(begun)));
        }
    }
    reading.abort();
    let (ours, floor) = (figures(times), figures(floor));
    let ratio =
        |name: &str| ours[name].as_f64().zip(floor[name].as_f64()).map(|(ours, floor)| rounded(ours / floor));
    Ok(json!({ "ms": ours, "floor_ms": floor, "ratio_p50": ratio("p50"), "ratio_p99": ratio("p99") }))
}

/// Orders, watches, and returns when the stream said that the message arrived.
async fn watch(client: Client) -> anyhow::Result<(String, Instant)> {
    let phone = fresh_phone();
    let id = client.order(&phone).await?;
    let url = format!("{}/v1/orders/{id}/events", client.edge);
    let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let mut blocks = Blocks::new(http.get(url).bearer_auth(&client.key).send().await?);
    loop {
        let (block, at) = blocks.next().await?.context("the stream ended")?;
        let data = block.lines().find_map(|line| line.strip_prefix("data: "));
        let order: Value = serde_json::from_str(data.unwrap_or("null"))?;
        if order["state"] == "delivered" {
            return Ok((phone, at));
        }
    }
}

async fn read_inbox(
    inbox: Response,
    arrivals: Arrivals,
    faults: mpsc::UnboundedSender<Instant>,
) -> anyhow::Result<()> {
    let mut blocks = Blocks::new(inbox);
    let mut phones = HashMap::new();
    while let Some((block, at)) = blocks.next().await? {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let data: Value = serde_json::from_str(field("data: ").unwrap_or("null"))?;
        match field("event: ") {
            Some("message") => drop(phones.insert(text(&data, "id"), text(&data, "to"))),
            Some("status") if data["status"] == "delivered" => {
                if let Some(phone) = phones.get(&text(&data, "id")) {
                    arrivals.lock().await.insert(phone.clone(), at);
                }
            }
            Some("faults") => faults.send(at)?,
            _ => {}
        }
    }
    Ok(())
}

/// Server-sent events, each with when it came.
struct Blocks {
    response: Response,
    unread: String,
    at: Instant,
}

impl Blocks {
    fn new(response: Response) -> Self {
        Self { response, unread: String::new(), at: Instant::now() }
    }

    async fn next(&mut self) -> anyhow::Result<Option<(String, Instant)>> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return Ok(Some((block, self.at)));
            }
            let Some(chunk) = self.response.chunk().await? else { return Ok(None) };
            self.at = Instant::now();
            self.unread.push_str(std::str::from_utf8(&chunk)?);
        }
    }
}

fn figures(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (float(times.len()) * share).ceil().max(1.0) - 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let time = times.get(place as usize).copied();
        rounded(time.unwrap_or_default())
    };
    json!({ "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0), "samples": times.len() })
}
