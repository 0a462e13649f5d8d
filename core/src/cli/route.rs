//! `tiffin route`: the ways out, and the operator's hand on their breakers.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about the ways out.
#[derive(Subcommand)]
pub enum Command {
    /// How each gateway stands: its breaker, the calls of the last minute, why it changed last
    List {
        #[command(flatten)]
        to: Core,
    },
    /// Hold a breaker open: nothing is sent through the gateway until `release`
    Open {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
    /// Hold a breaker closed: orders go through the gateway, whatever its calls come to, until `release`
    Close {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
    /// Let the breaker decide again
    Release {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let (gateway, hand, to) = match command {
        Command::List { to } => {
            let reply = to.ask(Method::GET, "routes", None).await?;
            to.print(&reply, || table(&reply));
            return Ok(());
        }
        Command::Open { gateway, to } => (gateway, "open", to),
        Command::Close { gateway, to } => (gateway, "close", to),
        Command::Release { gateway, to } => (gateway, "release", to),
    };
    let reply = to.ask(Method::POST, &ops::path(&["routes", &gateway, hand], ""), None).await?;
    to.print(&reply, || [head(), line(&reply)].join("\n"));
    Ok(())
}

fn head() -> String {
    format!(
        "{:<20}  {:<9}  {:<10}  {:<12}  {:<24}  LAST CHANGE",
        "GATEWAY", "CHANNEL", "BREAKER", "FAILED/CALLS", "SINCE"
    )
}

fn table(reply: &Value) -> String {
    let routes = reply.get("routes").and_then(Value::as_array).into_iter().flatten();
    let lines: Vec<_> = std::iter::once(head()).chain(routes.map(line)).collect();
    lines.join("\n")
}

fn line(route: &Value) -> String {
    let of = Some(route);
    let held = route.get("forced").is_some_and(|forced| !forced.is_null());
    let phase = match route.get("phase") {
        Some(Value::Object(phase)) => phase.keys().next().cloned().unwrap_or_default(),
        Some(Value::String(phase)) => phase.clone(),
        _ => "-".to_owned(),
    };
    let breaker = if held { format!("held {}", text(of, "forced")) } else { phase };
    let against = ["failed", "slow"].iter().filter_map(|name| route.get(*name)?.as_u64()).sum::<u64>();
    let calls = format!("{against}/{}", text(of, "made"));
    let last = route.get("changes").and_then(Value::as_array).and_then(|changes| changes.last());
    format!(
        "{:<20}  {:<9}  {breaker:<10}  {calls:<12}  {:<24}  {}",
        text(of, "gateway"),
        text(of, "channel"),
        time(of, "since"),
        text(last, "because"),
    )
}
