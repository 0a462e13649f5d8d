//! `tiffin order find`: which orders there are.

use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::ops::Core;
use super::super::ops::text;
use super::super::ops::time;
use crate::host;

/// Calls of one search that finds little: each looks at a million orders.
const CALLS_MAX: usize = 64;

/// Which.
#[derive(Args)]
pub struct Arguments {
    /// `-`: asks for the number, or reads it from standard input. Never the number itself: the shell keeps what is typed
    #[arg(long, value_name = "-")]
    phone: Option<String>,
    /// Your own name for it: `client_ref`
    #[arg(long = "ref", value_name = "REF")]
    client_ref: Option<String>,
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    service: Option<String>,
    /// queued, sending, sent, delivered, verified, failed, expired or cancelled
    #[arg(long)]
    state: Option<String>,
    /// ISO 3166-1 alpha-2
    #[arg(long)]
    country: Option<String>,
    /// That any attempt went by
    #[arg(long)]
    gateway: Option<String>,
    /// sms, whatsapp, voice, telegram or email
    #[arg(long)]
    channel: Option<String>,
    /// Accepted since then: 90s, 30m, 2h or 7d ago
    #[arg(long, value_parser = duration_ms)]
    since: Option<u64>,
    /// So many at most, 1 to 100
    #[arg(long, default_value_t = 50)]
    limit: u64,
    /// Goes on where an earlier answer ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    to: Core,
}

/// Looks for them, and prints what is found.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments {
        phone,
        client_ref,
        tenant,
        service,
        state,
        country,
        gateway,
        channel,
        since,
        limit,
        cursor,
        to,
    } = arguments;
    let phone = match phone.as_deref() {
        None => None,
        Some("-") => Some(number()?),
        Some(_) => {
            anyhow::bail!("--phone takes `-` alone: type the number when asked, or send it to standard input")
        }
    };
    let mut body = Map::new();
    let fields = [
        ("phone", phone),
        ("client_ref", client_ref),
        ("tenant", tenant),
        ("service", service),
        ("state", state),
        ("country", country),
        ("gateway", gateway),
        ("channel", channel),
        ("cursor", cursor),
    ];
    body.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    body.extend(since.map(|since_ms| ("from".to_owned(), json!(host::now().minus(since_ms)))));
    body.insert("limit".into(), json!(limit));
    let reply = whole(&to, body, limit).await?;
    to.print(&reply, || table(&reply));
    Ok(())
}

/// Goes on where core stopped early, until there is as much as was asked for.
async fn whole(to: &Core, mut body: Map<String, Value>, limit: u64) -> anyhow::Result<Value> {
    let (mut orders, mut scanned) = (Vec::new(), 0);
    for _ in 0..CALLS_MAX {
        let left = limit.saturating_sub(orders.len() as u64);
        body.insert("limit".into(), json!(left));
        let mut reply = to.ask(Method::POST, "orders/search", Some(Value::Object(body.clone()))).await?;
        scanned += reply.get("scanned").and_then(Value::as_u64).unwrap_or(0);
        let found = reply.get_mut("orders").and_then(Value::as_array_mut).map(std::mem::take);
        orders.extend(found.unwrap_or_default());
        let next = reply.get("next").cloned().unwrap_or_default();
        let is_complete = reply.get("complete").and_then(Value::as_bool).unwrap_or(true);
        if is_complete || next.is_null() || orders.len() as u64 >= limit {
            return Ok(json!({"orders": orders, "next": next, "scanned": scanned, "complete": is_complete}));
        }
        body.insert("cursor".into(), next);
    }
    anyhow::bail!("{scanned} orders were looked at, and too few are meant. Narrow it: --since, --tenant")
}

fn number() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let mut ask = std::io::stderr();
        write!(ask, "Phone, as +919876543210: ")?;
        ask.flush()?;
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).context("no number on standard input")?;
    let number = line.trim().to_owned();
    anyhow::ensure!(!number.is_empty(), "no number on standard input");
    Ok(number)
}

fn table(reply: &Value) -> String {
    let orders = reply.get("orders").and_then(Value::as_array).map_or(&[] as &[_], Vec::as_slice);
    let mut lines: Vec<String> = orders.iter().map(line).collect();
    lines.push(match reply.get("next").and_then(Value::as_str) {
        Some(next) => format!("{} orders, and perhaps more: --cursor {next}", orders.len()),
        None => format!("{} orders, and no more ({} looked at)", orders.len(), text(Some(reply), "scanned")),
    });
    lines.join("\n")
}

fn line(order: &Value) -> String {
    let of = Some(order);
    let arrived = order.get("delivered_ms").and_then(Value::as_u64);
    let arrived = arrived.map_or("-".to_owned(), |ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100));
    format!(
        "{}  {}  {:<9}  {:<12} {:<10}  {} {:<8}  {:<14}  x{}  {:>8}  {}  {}",
        time(of, "created_at"),
        text(of, "id"),
        text(of, "state"),
        text(of, "tenant"),
        text(of, "service"),
        text(of, "country"),
        text(of, "channel"),
        text(of, "gateway"),
        text(of, "attempts"),
        arrived,
        text(of, "to_masked"),
        text(of, "client_ref"),
    )
}

/// `90s`, `30m`, `2h`, `7d`.
fn duration_ms(text: &str) -> Result<u64, String> {
    let error = || "must be a number and s, m, h or d: 2h".to_owned();
    let unit_ms = match text.chars().last() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => return Err(error()),
    };
    let count: u64 = text.get(..text.len() - 1).and_then(|count| count.parse().ok()).ok_or_else(error)?;
    count.checked_mul(unit_ms).filter(|ms| *ms > 0).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        assert_eq!(duration_ms("90s"), Ok(90_000));
        assert_eq!(duration_ms("30m"), Ok(1_800_000));
        assert_eq!((duration_ms("2h"), duration_ms("7d")), (Ok(7_200_000), Ok(604_800_000)));
        for bad in ["", "h", "2", "-1h", "0s", "2w", "1é", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
    }
}
