//! `tiffin order`: what core knows of one order.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

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
    /// Send its code once more: another way, or the same one after a failure that passes
    Retry {
        /// `ord_…`
        id: String,
        /// sms, whatsapp, voice, telegram or email; the best one that is new without it
        #[arg(long, default_value = "auto")]
        channel: String,
        /// Why, for whoever reads the order's story later
        #[arg(long, default_value = "asked for by support")]
        reason: String,
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
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &ops::path(&["orders", &id], ""), None).await?;
            to.print(&reply, || timeline(&id, &reply));
        }
        Command::Retry { id, channel, reason, to } => {
            let body = json!({"channel": channel, "reason": reason});
            let reply = to.ask(Method::POST, &ops::path(&["orders", &id, "retry"], ""), Some(body)).await?;
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
    format!("{} {what}: {}, {} sends left", text(order, "id"), text(order, "state"), text(order, "sends_left"))
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
    for entry in list(reply.get("story").unwrap_or(&Value::Null), "entries") {
        events.extend(support(entry.get("what")).map(|told| (number(entry, "at"), told)));
    }
    events.sort_by_key(|(at, _)| *at);
    let line = |(at, what): &(u64, String)| format!("{}  {what}", tiffin_shared::time::UnixMs(*at).rfc3339());
    lines.extend(events.iter().map(line));
    lines.join("\n")
}

/// What support did.
fn support(what: Option<&Value>) -> Option<String> {
    let what = what?;
    if let asked @ Some(_) = what.get("retry_asked") {
        let after = asked.and_then(|asked| asked.get("after"));
        let (by, channel, why) = (text(asked, "by"), text(asked, "channel"), text(asked, "reason"));
        let (failed, class) = (text(after, "reason"), text(after, "class"));
        return Some(format!("{by} asks for a retry ({channel}) after {failed} [{class}]: {why}"));
    }
    if let retried @ Some(_) = what.get("retried") {
        let (channel, others) = (text(retried, "channel"), text(retried, "may_change"));
        return Some(format!("retried by {channel}; would have been new: {others}"));
    }
    if let refused @ Some(_) = what.get("retry_refused") {
        return Some(format!("retry refused ({}): {}", text(refused, "code"), text(refused, "why")));
    }
    let cancel = what.get("cancel_asked")?;
    Some(format!("{} calls it off: {}", text(Some(cancel), "by"), text(Some(cancel), "came_to")))
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
