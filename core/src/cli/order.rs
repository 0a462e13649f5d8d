//! `tiffin order`: what core knows of an order, and which orders there are.

mod evidence;
pub(crate) mod filters;
mod find;
pub(crate) mod told;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::order::Entry;
use tiffin_shared::price::Money;
use tiffin_shared::price::amount;

use super::ops;
use super::ops::Core;
use super::ops::Once;
use super::ops::text;
use super::ops::time;
use crate::plain;

/// What to do about an order.
#[derive(Subcommand)]
pub enum Command {
    /// What speaks for it: timeline, exchanges with providers, receipts; sealed by core. Or check such a packet
    Evidence(evidence::Arguments),
    /// Which orders there are: by phone, reference, tenant, state and more; the newest first
    Find(Box<find::Arguments>),
    /// Its attempts with their routes and reasons, and why at other moments nothing was sent
    Show {
        /// `ord_…`
        id: String,
        #[command(flatten)]
        to: Core,
    },
    /// Send its code once more: another way, or the same one after a failure that passes
    Retry {
        /// `ord_…`
        id: String,
        /// sms, whatsapp, voice, telegram or email; the best one that is new without it
        #[arg(long, default_value = "auto")]
        channel: String,
        /// Why, for whoever reads the order's story later; codes in it become zeros
        #[arg(long, default_value = "asked for by support")]
        reason: String,
        #[command(flatten)]
        once: Once,
        #[command(flatten)]
        to: Core,
    },
    /// Call it off, inside its cancellation window
    Cancel {
        /// `ord_…`
        id: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Evidence(arguments) => return evidence::run(&arguments).await,
        Command::Find(arguments) => return find::run(*arguments).await,
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &ops::path(&["orders", &id], ""), None).await?;
            to.print(&reply, || timeline(&id, &reply));
        }
        Command::Retry { id, channel, reason, once, to } => {
            let body = json!({"channel": channel, "reason": reason});
            let reply = to.ask_once(&ops::path(&["orders", &id, "retry"], ""), body, once).await?;
            to.print(&reply, || stands(&reply, "is sent once more"));
        }
        Command::Cancel { id, to } => {
            let reply = to.ask(Method::POST, &ops::path(&["orders", &id, "cancel"], ""), None).await?;
            to.print(&reply, || stands(&reply, "is called off"));
        }
    }
    Ok(())
}

fn stands(reply: &Value, what: &str) -> String {
    let order = reply.get("order");
    format!(
        "{} {what}: {}, {} sends left",
        text(order, "id"),
        text(order, "state"),
        text(order, "sends_left")
    )
}

fn timeline(id: &str, reply: &Value) -> String {
    let job = reply.get("job");
    let mut lines = vec![
        format!("{:<10}  {id}", "order"),
        format!("{:<10}  {} {}", "state", text(Some(reply), "state"), reason(reply)),
        format!("{:<10}  {} / {}", "tenant", text(job, "tenant"), text(job, "service")),
        format!("{:<10}  {} until {}", "life", time(job, "created_at"), time(job, "expires_at")),
    ];
    let ids = [("request", "/request"), ("trace", "/trace/id")];
    let told = ids.map(|(name, at)| Some((name, job?.pointer(at)?.as_str()?)));
    lines.extend(told.into_iter().flatten().map(|(name, id)| format!("{name:<10}  {id}")));
    if reply.get("erased_at").is_some() {
        lines.push(format!("{:<10}  {}, on request", "erased", time(Some(reply), "erased_at")));
    }
    if let Some(advice) = reply.get("advice") {
        let of = Some(advice);
        let until = advice.get("until").and_then(Value::as_str).map(|until| format!(" until {until}"));
        let until = until.unwrap_or_default();
        lines.push(format!("{:<10}  {}{until}: {}", "advice", text(of, "do"), text(of, "because")));
    }
    if let Some(next) = reply.get("next") {
        let (channel, gateway) = (text(Some(next), "channel"), text(Some(next), "gateway"));
        lines.push(format!("{:<10}  {channel} by {gateway} at {}", "next", time(Some(next), "at")));
    }
    lines.extend(reply.get("bill").map(bill));
    let attempts = reply.get("attempts").and_then(Value::as_array).map_or(&[] as &[_], Vec::as_slice);
    lines.extend(attempts.iter().map(attempt));
    let entries = reply.pointer("/story/entries").and_then(Value::as_array).into_iter().flatten();
    lines.extend(entries.map(|entry| match serde_json::from_value::<Entry>(entry.clone()) {
        Ok(Entry { at, what }) => format!("{}  {}", at.rfc3339(), plain::line(&told::happening(&what))),
        // Of a core that is newer than this program.
        Err(_) => format!("{}  {}", time(Some(entry), "at"), text(Some(entry), "what")),
    }));
    lines.join("\n")
}

/// Why a way was taken, by the figures of the fleet, and what it cost where the provider tells.
fn attempt(attempt: &Value) -> String {
    let of = Some(attempt);
    let cost = attempt.get("cost").and_then(|cost| serde_json::from_value::<Money>(cost.clone()).ok());
    let cost = cost.map_or(String::new(), |cost| format!("; the provider took {cost}"));
    format!("{:<10}  {} by {}: {}{cost}", "attempt", text(of, "n"), text(of, "gateway"), text(of, "route"))
}

/// What the order cost, in one line.
fn bill(bill: &Value) -> String {
    let currency = text(Some(bill), "currency");
    let amount = |name| amount(bill.get(name).and_then(Value::as_u64).unwrap_or(0));
    format!(
        "{:<10}  {currency}: held {}, charged {}, released {}, refunded {}",
        "money",
        amount("held_micros"),
        amount("captured_micros"),
        amount("released_micros"),
        amount("refunded_micros"),
    )
}

fn reason(of: &Value) -> String {
    of.get("reason").and_then(Value::as_str).map_or(String::new(), |reason| format!("({reason})"))
}
