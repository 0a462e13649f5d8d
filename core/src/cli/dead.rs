//! `tiffin dead`: dead letters, through the operators' API of a running core.

use anyhow::Context;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::progress::Progress;
use crate::bus::dead::BATCH_MAX;

/// Letters replayed in one call: each is published and confirmed.
const AT_ONCE: u64 = 100;

/// What to do about jobs that could not be worked on.
#[derive(Subcommand)]
pub enum Command {
    /// Oldest first
    List {
        /// At most so many: 1-1000
        #[arg(long, default_value_t = 100)]
        limit: u16,
        #[command(flatten)]
        to: Core,
    },
    /// One, by its order's id
    Show {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
    /// Give them back to the workers; those whose codes are over stay
    Replay {
        /// As `list` shows it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// The oldest ones
        #[arg(long)]
        all: bool,
        /// At most so many: 1-100000
        #[arg(long, default_value_t = 100, requires = "all", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        max: u64,
        #[command(flatten)]
        to: Core,
    },
    /// Forget one for good
    Discard {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them. The token is in the environment.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { limit, to } => {
            let reply = to.ask(Method::GET, &format!("dead?limit={limit}"), None).await?;
            to.print(&reply, || table(&reply));
        }
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &path(&id, ""), None).await?;
            to.print(&reply, || details(&reply));
        }
        Command::Replay { id: Some(id), to, .. } => {
            let reply = to.ask(Method::POST, &path(&id, "/replay"), None).await?;
            to.print(&reply, || report(&reply));
            if count(&reply, "replayed") == 0 {
                let why = if count(&reply, "stale") > 0 {
                    "its code's life is over"
                } else {
                    "this version of core cannot read it"
                };
                anyhow::bail!("{id} was not replayed: {why}. `tiffin dead discard {id}` forgets it");
            }
        }
        Command::Replay { id: None, max, to, .. } => {
            let reply = replay(&to, max).await?;
            to.print(&reply, || report(&reply));
        }
        Command::Discard { id, to } => {
            let reply = to.ask(Method::POST, &path(&id, "/discard"), None).await?;
            to.print(&reply, || report(&reply));
        }
    }
    Ok(())
}

/// Those that are there now, some at a time: what comes back meanwhile stands behind them. Those that are left stand before the
/// others, and are looked at again.
async fn replay(to: &Core, max: u64) -> anyhow::Result<Value> {
    let overview = to.ask(Method::GET, "overview", None).await?;
    let there = overview.pointer("/queue/dead").and_then(Value::as_u64).unwrap_or(max);
    let total = max.min(there);
    let mut progress = Progress::new("letters", Some(total), !to.is_json());
    let (mut replayed, mut stay, mut left) = (0, 0, Value::Null);
    while replayed < max && replayed + stay < there {
        let wanted = (max - replayed).min(there - replayed - stay).min(AT_ONCE);
        let some = wanted.saturating_add(stay).min(BATCH_MAX as u64);
        let asked = to.ask(Method::POST, "dead/replay", Some(json!({"max": some}))).await;
        left = asked.with_context(|| {
            format!("{replayed} letters were replayed; the same command goes on with the others")
        })?;
        let more = count(&left, "replayed");
        replayed += more;
        progress.add(more);
        let before = std::mem::replace(&mut stay, count(&left, "stale") + count(&left, "unreadable"));
        if more == 0 && stay <= before {
            break;
        }
    }
    Ok(json!({"replayed": replayed, "discarded": 0, "stale": count(&left, "stale"),
        "unreadable": count(&left, "unreadable")}))
}

fn path(id: &str, then: &str) -> String {
    ops::path(&["dead", id], then)
}

fn letters(reply: &Value) -> impl Iterator<Item = &Value> {
    reply.get("letters").and_then(Value::as_array).into_iter().flatten()
}

fn table(reply: &Value) -> String {
    let mut lines = vec![format!("{:<24}  {:<47}  {:<16}  {:<9}  REASON", "SINCE", "ID", "TENANT", "CODE")];
    for letter in letters(reply) {
        let job = letter.get("job");
        let tenant = text(job, "tenant");
        let code = match (job.is_some_and(Value::is_object), letter.get("stale")) {
            (false, _) => "unknown",
            (true, Some(Value::Bool(true))) => "over",
            (true, _) => "alive",
        };
        let (since, id, reason) =
            (text(Some(letter), "dead_at"), text(Some(letter), "id"), text(Some(letter), "reason"));
        lines.push(format!("{since:<24}  {id:<47}  {tenant:<16}  {code:<9}  {reason}"));
    }
    if lines.len() == 1 {
        return "no dead letters".to_owned();
    }
    lines.join("\n")
}

fn details(reply: &Value) -> String {
    let mut lines = Vec::new();
    for letter in letters(reply) {
        for name in ["id", "reason", "dead_at", "partition", "bytes", "stale"] {
            lines.push(format!("{name:<10}  {}", text(Some(letter), name)));
        }
        for name in ["order", "tenant", "service", "channel", "created_at", "expires_at"] {
            lines.push(format!("{name:<10}  {}", text(letter.get("job"), name)));
        }
    }
    lines.join("\n")
}

fn report(reply: &Value) -> String {
    let counts = ["replayed", "discarded", "stale", "unreadable"].map(|name| (name, count(reply, name)));
    let told = counts.into_iter().filter(|(_, count)| *count > 0);
    let told: Vec<_> = told.map(|(name, count)| format!("{count} {name}")).collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

fn count(reply: &Value, name: &str) -> u64 {
    reply.get(name).and_then(Value::as_u64).unwrap_or(0)
}
