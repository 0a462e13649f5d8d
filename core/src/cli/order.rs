//! `tiffin order`: what core knows of one order.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;
use super::balance::micros;

/// What to do about an order.
#[derive(Subcommand)]
pub enum Command {
    /// Its attempts with their routes and reasons, and why at other moments nothing was sent
    Show {
        /// `ord_…`
        id: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let Command::Show { id, to } = command;
    let reply = to.ask(Method::GET, &ops::path(&["orders", &id], ""), None).await?;
    to.print(&reply, || timeline(&id, &reply));
    Ok(())
}

fn timeline(id: &str, reply: &Value) -> String {
    let job = reply.get("job");
    let mut lines = vec![
        format!("{:<10}  {id}", "order"),
        format!("{:<10}  {} {}", "state", text(Some(reply), "state"), reason(reply)),
        format!("{:<10}  {} / {}", "tenant", text(job, "tenant"), text(job, "service")),
        format!("{:<10}  {} until {}", "life", time(job, "created_at"), time(job, "expires_at")),
    ];
    lines.extend(reply.get("bill").map(bill));
    let mut events: Vec<(u64, String)> = Vec::new();
    for attempt in list(reply, "attempts") {
        let of = Some(attempt);
        events.push((
            number(attempt, "called_at"),
            format!(
                "attempt {} by {} ({}): {} [{}]",
                text(of, "n"),
                text(of, "gateway"),
                text(of, "channel"),
                text(of, "changed"),
                text(of, "route")
            ),
        ));
        let state = text(of, "state");
        if state != "sending" {
            let told = format!("attempt {} {state} {}", text(of, "n"), reason(attempt));
            events.push((number(attempt, "at"), told));
        }
    }
    for entry in list(reply.get("story").unwrap_or(&Value::Null), "entries") {
        let what = entry.get("what");
        if let Some(noted) = what.and_then(|what| what.get("noted")) {
            events.push((number(entry, "at"), format!("waits: {}", text(Some(noted), "why"))));
        }
        if let Some(money) = what.and_then(|what| what.get("money")) {
            events.push((number(entry, "at"), moved(money)));
        }
        if let Some(ended) = what.and_then(|what| what.get("ended")) {
            let (state, why) = (text(Some(ended), "state"), text(Some(ended), "why"));
            events.push((number(entry, "at"), format!("{state}: {why}")));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    let line = |(at, what): &(u64, String)| format!("{}  {what}", tiffin_shared::time::UnixMs(*at).rfc3339());
    lines.extend(events.iter().map(line));
    lines.join("\n")
}

/// What the order cost, in one line.
fn bill(bill: &Value) -> String {
    let currency = text(Some(bill), "currency");
    let amount = |name| micros(number(bill, name));
    format!(
        "{:<10}  {currency}: held {}, charged {}, released {}, refunded {}",
        "money",
        amount("held_micros"),
        amount("captured_micros"),
        amount("released_micros"),
        amount("refunded_micros"),
    )
}

fn moved(money: &Value) -> String {
    let of = Some(money);
    let what = match money.get("what").and_then(Value::as_str).unwrap_or_default() {
        "capture" => "charged",
        "hold" => "held",
        "refund" => "refunded",
        "refused" => "not held",
        "release" => "released",
        _ => "moved",
    };
    let attempt = money.get("n").map_or(String::new(), |n| format!(" for attempt {n}"));
    let why = money.get("why").map_or(String::new(), |_| format!(": {}", text(of, "why")));
    format!("money: {what} {}{attempt}{why}", micros(number(money, "micros")))
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn reason(of: &Value) -> String {
    of.get("reason").and_then(Value::as_str).map_or(String::new(), |reason| format!("({reason})"))
}
