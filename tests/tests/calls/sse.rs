//! Reads `GET /v1/orders/{id}/events`.

use anyhow::Context;
use reqwest::Response;
use serde_json::Value;
use tiffin_tests::client::Client;
use tiffin_tests::wait::DEADLINE;

/// A stream, piece by piece.
pub struct Events {
    response: Response,
    unread: String,
    retry_ms: Option<u64>,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Its data, as JSON.
    pub order: Value,
}

impl Events {
    /// Asks for an order's events, after the one that was seen last.
    pub async fn ask(client: &Client, id: &str, last: Option<&str>) -> anyhow::Result<Response> {
        let http = reqwest::Client::builder().timeout(DEADLINE).build()?;
        let mut request = http.get(format!("{}/v1/orders/{id}/events", client.edge)).bearer_auth(&client.key);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Ok(request.send().await?)
    }

    /// The same, where a stream must be the answer.
    pub async fn open(client: &Client, id: &str, last: Option<&str>) -> anyhow::Result<Self> {
        let response = Self::ask(client, id, last).await?;
        let media_type = response.headers().get("content-type").cloned();
        anyhow::ensure!(response.status() == 200, "{response:?}");
        anyhow::ensure!(media_type.is_some_and(|value| value == "text/event-stream"), "{response:?}");
        anyhow::ensure!(response.headers().get("cache-control").is_some_and(|value| value == "no-store"));
        Ok(Self { response, unread: String::new(), retry_ms: None })
    }

    /// The next event; nothing when the stream is over. What is no event, such as a sign of life, is left out.
    pub async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                self.retry_ms = field("retry: ").and_then(|ms| ms.parse().ok()).or(self.retry_ms);
                let Some(data) = field("data: ") else { continue };
                anyhow::ensure!(field("event: ") == Some("order"), "{block}");
                let id = field("id: ").with_context(|| format!("no id in {block}"))?.to_owned();
                return Ok(Some(Event { id, order: serde_json::from_str(data)? }));
            }
            match self.response.chunk().await? {
                Some(chunk) => self.unread.push_str(std::str::from_utf8(&chunk)?),
                None => return Ok(None),
            }
        }
    }

    /// What it said last of when to connect again, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// The next event, which must come.
    pub async fn event(&mut self) -> anyhow::Result<Event> {
        self.next().await?.context("the stream ended")
    }

    /// Everything until the end.
    pub async fn rest(&mut self) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }
}
