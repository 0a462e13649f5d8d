//! `tiffin webhook`: where tenants are told what happens, through the operators' API of a running core.

use clap::Args;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::time::HOUR_MS;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;
use crate::host;

/// Which endpoint.
#[derive(Args)]
pub struct Which {
    /// Whose
    tenant: String,
    /// As `list` shows it
    name: String,
    #[command(flatten)]
    to: Core,
}

/// What to do about endpoints.
#[derive(Subcommand)]
pub enum Command {
    /// How each endpoint stands
    List {
        #[command(flatten)]
        to: Core,
    },
    /// Add one; prints the key that its receiver needs, this once
    Add {
        #[command(flatten)]
        which: Which,
        /// https://, a name on the public internet
        #[arg(long)]
        to_url: String,
        /// What it is told, such as order.delivered,order.failed; everything where there is none
        #[arg(long, value_delimiter = ',')]
        events: Vec<String>,
        /// Sign with a key pair (v1a) in place of a shared secret (v1)
        #[arg(long)]
        key_pair: bool,
    },
    /// Remove one for good
    Remove {
        #[command(flatten)]
        which: Which,
    },
    /// Give it another key; the one in use signs too for a while
    Rotate {
        #[command(flatten)]
        which: Which,
        /// For so long: 0-720
        #[arg(long, default_value_t = 24)]
        overlap_hours: u64,
    },
    /// Deliver again to one that was disabled, beginning with what it has missed
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Send it a webhook.test
    Test {
        #[command(flatten)]
        which: Which,
    },
    /// The last tries, oldest first
    Deliveries {
        #[command(flatten)]
        which: Which,
        /// At most so many: 1-1000
        #[arg(long, default_value_t = 100)]
        limit: u16,
    },
    /// Deliver events again: one, an order's, or those of the last hours
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        events: Events,
        /// Where an earlier replay stopped
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
}

/// Which events.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Events {
    /// evt_…
    #[arg(long)]
    event: Option<String>,
    /// ord_…
    #[arg(long)]
    order: Option<String>,
    /// Those of the last so many hours
    #[arg(long)]
    hours: Option<u64>,
}

/// Runs one of them. The token is in the environment.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { to } => {
            let reply = to.ask(Method::GET, "webhooks", None).await?;
            to.print(&reply, || table(&reply));
        }
        Command::Add { which: Which { tenant, name, to }, to_url, events, key_pair } => {
            let signature = if key_pair { "v1a" } else { "v1" };
            let body = json!({"name": name, "url": to_url, "events": events, "signature": signature});
            let reply = to.ask(Method::POST, &ops::path(&["webhooks", &tenant], ""), Some(body)).await?;
            to.print(&reply, || made(&reply));
        }
        Command::Remove { which } => {
            let reply = which.ask(Method::DELETE, "", None).await?;
            which.to.print(&reply, || "removed".into());
        }
        Command::Rotate { which, overlap_hours } => {
            let body = json!({"overlap_hours": overlap_hours});
            let reply = which.ask(Method::POST, "/rotate", Some(body)).await?;
            which.to.print(&reply, || made(&reply));
        }
        Command::Enable { which } => {
            let reply = which.ask(Method::POST, "/enable", None).await?;
            which.to.print(&reply, || [head(), line(&reply)].join("\n"));
        }
        Command::Test { which } => {
            let reply = which.ask(Method::POST, "/test", None).await?;
            let id = text(Some(&reply), "event");
            which.to.print(&reply, || {
                format!("{id} is on its way; `tiffin webhook deliveries` shows what comes of it")
            });
        }
        Command::Deliveries { which, limit } => {
            let reply = which.ask(Method::GET, &format!("/deliveries?limit={limit}"), None).await?;
            which.to.print(&reply, || tries(&reply));
        }
        Command::Replay { which, events: Events { event, order, hours }, from } => {
            let since = hours.map(|hours| host::now().minus(hours.saturating_mul(HOUR_MS)).0);
            let body = |from: u64| json!({"event": event, "order": order, "since_ms": since, "from": from});
            let mut reply = which.ask(Method::POST, "/replay", Some(body(from))).await?;
            // A call looks through so many rows and no more: an event of long ago takes some.
            while let Some(next) = goes_on(&reply) {
                reply = which.ask(Method::POST, "/replay", Some(body(next))).await?;
            }
            which.to.print(&reply, || replayed(&reply));
        }
    }
    Ok(())
}

impl Which {
    async fn ask(&self, method: Method, then: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.to.ask(method, &ops::path(&["webhooks", &self.tenant, &self.name], then), body).await
    }
}

fn made(reply: &Value) -> String {
    format!(
        "{} {} verifies with this key, which is not shown again:\n{}",
        text(Some(reply), "tenant"),
        text(Some(reply), "name"),
        text(Some(reply), "key")
    )
}

/// Where, if nothing was found so far and there are more rows.
fn goes_on(reply: &Value) -> Option<u64> {
    let has_none = reply.get("replayed").and_then(Value::as_u64) == Some(0);
    reply.get("next").and_then(Value::as_u64).filter(|_| has_none)
}

fn replayed(reply: &Value) -> String {
    let count = text(Some(reply), "replayed");
    match reply.get("next") {
        None => format!("{count} will be delivered again"),
        Some(next) => {
            format!("{count} will be delivered again; when they are through, go on with --from {next}")
        }
    }
}

fn head() -> String {
    format!(
        "{:<28}  {:<8}  {:>7}  {:>9}  {:<24}  ADDRESS",
        "ENDPOINT", "STATE", "WAITING", "DELIVERED", "NEXT TRY"
    )
}

fn table(reply: &Value) -> String {
    let endpoints = reply.get("endpoints").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(head()).chain(endpoints.map(line)).collect::<Vec<_>>().join("\n")
}

fn line(endpoint: &Value) -> String {
    let of = Some(endpoint);
    let disabled = endpoint.get("disabled").filter(|disabled| !disabled.is_null());
    let state = match (disabled, endpoint.get("failures").and_then(Value::as_u64)) {
        (Some(disabled), _) => text(Some(disabled), "why"),
        (None, Some(1..)) => "failing".to_owned(),
        (None, _) => "ok".to_owned(),
    };
    let name = format!("{} {}", text(of, "tenant"), text(of, "name"));
    format!(
        "{name:<28}  {state:<8}  {:>7}  {:>9}  {:<24}  {}",
        text(of, "waiting"),
        text(of, "delivered"),
        time(of, "next_at"),
        text(of, "url"),
    )
}

fn tries(reply: &Value) -> String {
    let head = format!("{:<24}  {:<20}  {:<26}  TRY  STATUS  MS     ANSWER", "SENT", "TYPE", "EVENT");
    let tries = reply.get("deliveries").and_then(Value::as_array).into_iter().flatten();
    let line = |of: &Value| {
        let said = if of.get("error").is_some_and(Value::is_string) { "error" } else { "response" };
        let of = Some(of);
        format!(
            "{:<24}  {:<20}  {:<26}  {:<3}  {:<6}  {:<5}  {}",
            time(of, "sent_at"),
            text(of, "type"),
            text(of, "event"),
            text(of, "attempt"),
            text(of, "status"),
            text(of, "duration_ms"),
            text(of, said),
        )
    };
    std::iter::once(head).chain(tries.map(line)).collect::<Vec<_>>().join("\n")
}
