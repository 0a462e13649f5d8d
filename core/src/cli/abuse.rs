//! `tiffin abuse` and `tiffin phone`: what is stopped and why, letting it go, and unlocking a phone.

use anyhow::Context;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about what looks like abuse.
#[derive(Subcommand)]
pub enum Command {
    /// What is challenged or blocked and why, and what is watched most closely
    List {
        #[command(flatten)]
        core: Core,
    },
    /// Look at the network of a client's address
    Network {
        /// IPv4 or IPv6, or - to read it from standard input, past the shell's history
        ip: String,
        /// Have it forgotten: it starts anew
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        core: Core,
    },
    /// Let something go: what was learnt of it is forgotten
    Release {
        /// Whose
        tenant: String,
        /// As `list` shows it: IN, IN/AAECAwQFBgc, guesses
        subject: String,
        #[command(flatten)]
        core: Core,
    },
}

/// What to do about a phone.
#[derive(Subcommand)]
pub enum PhoneCommand {
    /// Forget its wrong guesses, so that its owner can verify again; do it for its owner only
    Unlock {
        /// For whose orders
        #[arg(long)]
        tenant: String,
        /// +919876543210, or - to read it from standard input, past the shell's history
        #[arg(long)]
        phone: String,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        core: Core,
    },
}

/// Asks core, and prints.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { core } => {
            let reply = core.ask(Method::GET, "abuse", None).await?;
            core.print(&reply, || listed(&reply));
        }
        Command::Network { ip, release, core } => {
            let path = if release { "abuse/network/release" } else { "abuse/network" };
            let body = json!({"ip": given(ip)?.trim()});
            let reply = core.ask(Method::POST, path, Some(body)).await?;
            core.print(&reply, || network(&reply, release));
        }
        Command::Release { tenant, subject, core } => {
            let body = json!({"tenant": tenant, "subject": subject});
            let reply = core.ask(Method::POST, "abuse/release", Some(body)).await?;
            core.print(&reply, || match reply.get("released").and_then(Value::as_bool) {
                Some(true) => "let go: the edge knows within seconds".to_owned(),
                _ => "no verdict stood; what was learnt of it is forgotten".to_owned(),
            });
        }
    }
    Ok(())
}

/// Asks core, and prints.
pub async fn run_phone(command: PhoneCommand) -> anyhow::Result<()> {
    let PhoneCommand::Unlock { tenant, phone, reason, core } = command;
    let body = json!({"tenant": tenant, "phone": given(phone)?.trim(), "reason": reason});
    let reply = core.ask(Method::POST, "phones/unlock", Some(body)).await?;
    core.print(&reply, || match reply.get("unlocked").and_then(Value::as_bool) {
        Some(true) => format!(
            "unlocked: it had {} wrong guesses in a row, {} of the last day",
            text(Some(&reply), "wrong_in_a_row"),
            text(Some(&reply), "wrong_today")
        ),
        _ => "it was not locked: no wrong guess was known".to_owned(),
    });
    Ok(())
}

fn given(text: String) -> anyhow::Result<String> {
    match text.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("nothing on standard input"),
        _ => Ok(text),
    }
}

fn rows<'a>(reply: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    reply.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn listed(reply: &Value) -> String {
    let mut lines = Vec::new();
    for row in rows(reply, "verdicts") {
        let of = Some(row);
        let recorded =
            if row.get("enforced").and_then(Value::as_bool) == Some(false) { ", recorded only" } else { "" };
        lines.push(format!(
            "{} {}  {}{recorded} until {}: {}",
            text(of, "tenant"),
            text(of, "subject"),
            text(of, "verdict"),
            time(of, "until"),
            text(of, "why")
        ));
    }
    if lines.is_empty() {
        lines.push("nothing is challenged or blocked".to_owned());
    }
    for row in rows(reply, "watched") {
        let of = Some(row);
        lines.push(format!(
            "watched: {} {}  {} sent, {} verified, would be {}",
            text(of, "tenant"),
            text(of, "subject"),
            text(of, "sent"),
            text(of, "verified"),
            row.get("verdict").and_then(Value::as_str).unwrap_or("open")
        ));
    }
    lines.join("\n")
}

fn network(reply: &Value, released: bool) -> String {
    let of = Some(reply);
    let line = format!(
        "orders left {}, challenged until {}, blocked until {}; guesses left {}, challenged until {}, blocked until {}",
        text(of, "orders_left"),
        time(of, "challenge_until"),
        time(of, "blocked_until"),
        text(of, "guesses_left"),
        time(of, "guesses_challenge_until"),
        time(of, "guesses_blocked_until")
    );
    if released { format!("let go; it stood so: {line}") } else { line }
}
