//! `tiffin tenant`, `tiffin key`, `tiffin audit`: administration through the operators' API of a running core.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about tenants.
#[derive(Subcommand)]
pub enum Command {
    /// All, with who manages them: the settings file, or the store
    List {
        #[command(flatten)]
        to: Core,
    },
    /// One, as tiffin.toml would have it
    Show {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
    /// Add one, or with --version replace the one of that version
    Put {
        /// a-z, 0-9, '-' and '_'
        id: String,
        /// TOML as under [tenants.ID] of tiffin.toml, or JSON
        #[arg(long)]
        file: PathBuf,
        /// As `show` told it
        #[arg(long)]
        version: Option<u64>,
        #[command(flatten)]
        to: Core,
    },
    /// Remove one; before, revoke its keys, remove its webhooks and settle its account
    Remove {
        /// As `list` shows it
        id: String,
        /// As `show` told it
        #[arg(long)]
        version: u64,
        #[command(flatten)]
        to: Core,
    },
}

/// What to do about API keys.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// All, without the keys themselves
    List {
        #[command(flatten)]
        to: Core,
    },
    /// Make one; it is printed this once
    Make {
        /// Whose
        #[arg(long)]
        tenant: String,
        /// In apps and pages: replies tell a stranger nothing
        #[arg(long)]
        publishable: bool,
        /// Its name; one is made up without it
        #[arg(long)]
        id: Option<String>,
        /// A service it is for; all without it
        #[arg(long = "service")]
        services: Vec<String>,
        /// A page that may use it, as https://example.com; any without it
        #[arg(long = "origin")]
        origins: Vec<String>,
        #[command(flatten)]
        to: Core,
    },
    /// End one, for good
    Revoke {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of the first.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { to } => {
            let reply = to.ask(Method::GET, "tenants", None).await?;
            to.print(&reply, || table(&reply, "tenants", ["id", "managed_by", "version", "services"]));
        }
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &ops::path(&["tenants", &id], ""), None).await?;
            to.print(&reply, || shown(&reply));
        }
        Command::Put { id, file, version, to } => {
            let path = ops::path(&["tenants", &id], "");
            let reply = to.ask_at(Method::PUT, &path, Some(document(&file)?), version).await?;
            to.print(&reply, || shown(&reply));
        }
        Command::Remove { id, version, to } => {
            let path = ops::path(&["tenants", &id], "");
            let reply = to.ask_at(Method::DELETE, &path, None, Some(version)).await?;
            to.print(&reply, || format!("{id} is removed"));
        }
    }
    Ok(())
}

/// Runs one of the others.
pub async fn run_key(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { to } => {
            let reply = to.ask(Method::GET, "keys", None).await?;
            to.print(&reply, || {
                table(&reply, "keys", ["id", "tenant", "kind", "managed_by", "services", "revoked"])
            });
        }
        KeyCommand::Make { tenant, publishable, id, services, origins, to } => {
            let kind = if publishable { "publishable" } else { "secret" };
            let mut body = json!({"tenant": tenant, "kind": kind, "services": services, "origins": origins});
            if let (Some(id), Some(fields)) = (id, body.as_object_mut()) {
                fields.insert("id".into(), id.into());
            }
            let reply = to.ask(Method::POST, "keys", Some(body)).await?;
            to.print(&reply, || {
                let (id, key) = (text(Some(&reply), "id"), text(Some(&reply), "key"));
                format!("{id}: keep it now, it is not shown again\n{key}")
            });
        }
        KeyCommand::Revoke { id, to } => {
            let reply = to.ask(Method::POST, &ops::path(&["keys", &id, "revoke"], ""), None).await?;
            to.print(&reply, || format!("{id} opens nothing any more, within half a minute at every edge"));
        }
    }
    Ok(())
}

/// Prints the audit log from a row on.
pub async fn audit(mut from: u64, to: Core) -> anyhow::Result<()> {
    loop {
        let reply = to.ask(Method::GET, &format!("audit?from={from}"), None).await?;
        let rows: Vec<_> = reply.get("rows").and_then(Value::as_array).into_iter().flatten().collect();
        for row in &rows {
            to.print(row, || line(row));
        }
        match reply.get("next").and_then(Value::as_u64) {
            Some(next) if !rows.is_empty() => from = next,
            _ => return Ok(()),
        }
    }
}

fn line(row: &Value) -> String {
    let body = row.get("body");
    let by = body.and_then(|body| body.get("by"));
    format!(
        "{:>6}  {}  {} ({})  {}  {} -> {}",
        text(Some(row), "n"),
        time(body, "at"),
        text(by, "name"),
        text(by, "token"),
        text(body, "what"),
        text(body, "before"),
        text(body, "after"),
    )
}

fn shown(reply: &Value) -> String {
    let of = Some(reply);
    let tenant = reply.get("tenant").and_then(|tenant| toml::to_string(tenant).ok()).unwrap_or_default();
    let (id, by, version) = (text(of, "id"), text(of, "managed_by"), text(of, "version"));
    format!("# {id}, managed by the {by}, version {version}\n{tenant}")
}

fn table<const N: usize>(reply: &Value, list: &str, columns: [&str; N]) -> String {
    let rows = reply.get(list).and_then(Value::as_array).into_iter().flatten();
    let head = columns.map(|name| format!("{:<20}", name.to_uppercase())).join("  ");
    let row = |row: &Value| columns.map(|name| format!("{:<20}", text(Some(row), name))).join("  ");
    let lines: Vec<_> = std::iter::once(head).chain(rows.map(row)).collect();
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn document(path: &PathBuf) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()));
    }
    toml::from_str(&text).with_context(|| format!("{} is no TOML", path.display()))
}
