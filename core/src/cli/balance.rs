//! `tiffin balance`: what tenants have, money put in, and their books.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::price::amount;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about an account.
#[derive(Subcommand)]
pub enum Command {
    /// Every tenant that pays
    List {
        #[command(flatten)]
        to: Core,
    },
    /// One of them
    Show {
        /// As in the settings
        tenant: String,
        #[command(flatten)]
        to: Core,
    },
    /// Put money in, or take it out with a negative amount; the same reference again does nothing
    Credit {
        /// As in the settings
        tenant: String,
        /// In millionths of the currency: 25000000 is 25.00
        #[arg(long, allow_negative_numbers = true)]
        micros: i64,
        /// Names it, such as an invoice's number
        #[arg(long)]
        reference: String,
        /// Why
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        to: Core,
    },
    /// Its books, oldest first
    Entries {
        /// As in the settings
        tenant: String,
        /// Leave out the entries before this many
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many
        #[arg(long, default_value_t = 1_000)]
        max: usize,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let (reply, to) = match command {
        Command::List { to } => {
            let reply = to.ask(Method::GET, "balances", None).await?;
            to.print(&reply, || table(list(&reply, "balances")));
            return Ok(());
        }
        Command::Entries { tenant, from, max, to } => return entries(&tenant, from, max, &to).await,
        Command::Show { tenant, to } => {
            (to.ask(Method::GET, &ops::path(&["tenants", &tenant, "balance"], ""), None).await?, to)
        }
        Command::Credit { tenant, micros, reference, note, to } => {
            let body = json!({"amount_micros": micros, "reference": reference, "note": note});
            let path = ops::path(&["tenants", &tenant, "balance", "credit"], "");
            (to.ask(Method::POST, &path, Some(body)).await?, to)
        }
    };
    to.print(&reply, || table(std::iter::once(&reply)));
    Ok(())
}

async fn entries(tenant: &str, from: u64, max: usize, to: &Core) -> anyhow::Result<()> {
    let (mut all, mut from) = (Vec::new(), from);
    while all.len() < max {
        let path = ops::path(&["tenants", tenant, "ledger"], &format!("?from={from}"));
        let reply = to.ask(Method::GET, &path, None).await?;
        all.extend(list(&reply, "entries").cloned());
        match reply.get("next").and_then(Value::as_u64) {
            Some(next) => from = next,
            None => break,
        }
    }
    all.truncate(max);
    let reply = json!({"entries": all});
    to.print(&reply, || {
        let head = format!(
            "{:>8}  {:<24}  {:<11}  {:>16}  {:>16}  {:>16}  FOR",
            "ENTRY", "AT", "KIND", "AMOUNT", "AVAILABLE", "HELD"
        );
        let lines: Vec<_> = std::iter::once(head).chain(list(&reply, "entries").map(entry)).collect();
        lines.join("\n")
    });
    Ok(())
}

fn entry(entry: &Value) -> String {
    let of = Some(entry);
    let moved = list(entry, "lines").filter_map(|line| line.get("micros")?.as_i64()).last().unwrap_or(0);
    let whom = ["order", "reference"].iter().filter_map(|name| entry.get(*name)?.as_str()).next();
    format!(
        "{:>8}  {:<24}  {:<11}  {:>16}  {:>16}  {:>16}  {}",
        text(of, "seq"),
        time(of, "at"),
        text(of, "kind"),
        signed(moved),
        signed(entry.get("available_micros").and_then(Value::as_i64).unwrap_or(0)),
        amount(entry.get("held_micros").and_then(Value::as_u64).unwrap_or(0)),
        whom.unwrap_or("-"),
    )
}

fn table<'a>(balances: impl Iterator<Item = &'a Value>) -> String {
    let head = format!(
        "{:<20}  {:<8}  {:>16}  {:>16}  {:>16}  {:>16}  {:>6}",
        "TENANT", "CURRENCY", "AVAILABLE", "HELD", "CHARGED", "TODAY", "ORDERS"
    );
    let line = |balance: &Value| {
        let of = Some(balance);
        let sum = |name: &str| amount(balance.get(name).and_then(Value::as_u64).unwrap_or(0));
        let is_low = balance.get("is_low").and_then(Value::as_bool).unwrap_or(false);
        format!(
            "{:<20}  {:<8}  {:>16}  {:>16}  {:>16}  {:>16}  {:>6}{}",
            text(of, "tenant"),
            text(of, "currency"),
            signed(balance.get("available_micros").and_then(Value::as_i64).unwrap_or(0)),
            sum("held_micros"),
            sum("charged_micros"),
            sum("spent_today_micros"),
            text(of, "open_orders"),
            if is_low { "  low" } else { "" },
        )
    };
    let lines: Vec<_> = std::iter::once(head).chain(balances.map(line)).collect();
    lines.join("\n")
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// `-0.0125` for 12,500 millionths less than nothing.
pub fn signed(amount_micros: i64) -> String {
    let sign = if amount_micros < 0 { "-" } else { "" };
    format!("{sign}{}", amount(amount_micros.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_has_its_sign() {
        assert_eq!(
            (signed(-12_500), signed(12_500), signed(0)),
            ("-0.0125".into(), "0.0125".into(), "0.00".into())
        );
    }
}
