//! `tiffin escalation`: what people have to look at.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops;
use super::ops::Core;
use super::ops::Once;
use super::ops::text;
use super::ops::time;

/// What to do about escalations.
#[derive(Subcommand)]
pub enum Command {
    /// Those that are not resolved, oldest first
    List {
        /// The resolved ones too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        to: Core,
    },
    /// One, with its orders and notes
    Show {
        /// As `list` shows it
        id: u64,
        #[command(flatten)]
        to: Core,
    },
    /// Open one by hand
    Open {
        /// refund, `supplier_fallback` or abuse
        #[arg(long)]
        kind: String,
        /// What it is about, in a line
        #[arg(long)]
        subject: String,
        /// What happened; codes in it become zeros
        #[arg(long)]
        text: String,
        /// `ord_…`, as often as needed
        #[arg(long = "order")]
        orders: Vec<String>,
        /// Which supplier's account
        #[arg(long)]
        gateway: Option<String>,
        /// Whose orders
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        once: Once,
        #[command(flatten)]
        to: Core,
    },
    /// Say who sees to it
    Assign {
        /// As `list` shows it
        id: u64,
        /// A name
        owner: String,
        #[command(flatten)]
        to: Core,
    },
    /// Add a note
    Note {
        /// As `list` shows it
        id: u64,
        /// The note
        text: String,
        #[command(flatten)]
        to: Core,
    },
    /// End it, and say how
    Resolve {
        /// As `list` shows it
        id: u64,
        /// How it ended
        text: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let (id, verb, body, to) = match command {
        Command::List { all, to } => {
            let reply = to.ask(Method::GET, "escalations", None).await?;
            to.print(&reply, || table(&reply, all));
            return Ok(());
        }
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &ops::path(&["escalations", &id.to_string()], ""), None).await?;
            to.print(&reply, || shown(&reply));
            return Ok(());
        }
        Command::Open { kind, subject, text, orders, gateway, tenant, once, to } => {
            let body = json!({
                "kind": kind, "subject": subject, "text": text, "orders": orders,
                "gateway": gateway, "tenant": tenant,
            });
            let reply = to.ask_once("escalations", body, once).await?;
            to.print(&reply, || shown(&reply));
            return Ok(());
        }
        Command::Assign { id, owner, to } => (id, "assign", json!({"owner": owner}), to),
        Command::Note { id, text, to } => (id, "note", json!({"text": text}), to),
        Command::Resolve { id, text, to } => (id, "resolve", json!({"text": text}), to),
    };
    let path = ops::path(&["escalations", &id.to_string(), verb], "");
    let reply = to.ask(Method::POST, &path, Some(body)).await?;
    to.print(&reply, || shown(&reply));
    Ok(())
}

fn table(reply: &Value, all: bool) -> String {
    let mut lines = vec![format!(
        "{:>5}  {:<17}  {:<12}  {:<12}  {:<24}  {:>6}  SUBJECT",
        "ID", "KIND", "STATE", "OWNER", "DUE", "ORDERS"
    )];
    for row in reply.get("escalations").and_then(Value::as_array).into_iter().flatten() {
        let of = Some(row);
        if !all && text(of, "state") == "resolved" {
            continue;
        }
        let late = if row.get("overdue") == Some(&Value::Bool(true)) { " (late)" } else { "" };
        lines.push(format!(
            "{:>5}  {:<17}  {:<12}  {:<12}  {:<24}  {:>6}  {}{late}",
            text(of, "id"),
            text(of, "kind"),
            text(of, "state"),
            text(of, "owner"),
            time(of, "due_at"),
            row.get("orders").and_then(Value::as_array).map_or(0, Vec::len),
            text(of, "subject"),
        ));
    }
    if lines.len() == 1 { "nothing is escalated".to_owned() } else { lines.join("\n") }
}

fn shown(reply: &Value) -> String {
    let of = Some(reply);
    let mut lines: Vec<_> = ["id", "kind", "rule", "subject", "state", "owner", "tenant", "gateway"]
        .iter()
        .map(|name| format!("{name:<10}  {}", text(of, name)))
        .collect();
    lines.push(format!("{:<10}  {}", "due", time(of, "due_at")));
    for order in reply.get("orders").and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!("{:<10}  {}", "order", order.as_str().unwrap_or_default()));
    }
    if reply.get("has_more_orders") == Some(&Value::Bool(true)) {
        lines.push(format!("{:<10}  and more: `tiffin export evidence` has them all", ""));
    }
    for note in reply.get("notes").and_then(Value::as_array).into_iter().flatten() {
        let note = Some(note);
        lines.push(format!("{}  {}: {}", time(note, "at"), text(note, "by"), text(note, "text")));
    }
    lines.join("\n")
}
