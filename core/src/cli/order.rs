//! `tiffin order`: what core knows of one order.

mod evidence;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about an order.
#[derive(Subcommand)]
pub enum Command {
    /// What speaks for it: timeline, exchanges with providers, receipts; sealed by core. Or check such a packet
    Evidence(evidence::Arguments),
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
    let (id, to) = match command {
        Command::Evidence(arguments) => return evidence::run(&arguments).await,
        Command::Show { id, to } => (id, to),
    };
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

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn reason(of: &Value) -> String {
    of.get("reason").and_then(Value::as_str).map_or(String::new(), |reason| format!("({reason})"))
}
