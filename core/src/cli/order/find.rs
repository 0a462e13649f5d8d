//! `tiffin order find`: which orders there are.

use clap::Args;
use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::ops::Core;
use super::super::ops::text;
use super::super::ops::time;
use super::filters::Filters;

/// Calls of one search that finds little: each looks at a million orders.
const CALLS_MAX: usize = 64;

/// Which, and how many.
#[derive(Args)]
#[command(after_help = "Examples:\n  tiffin order find --phone -\n  tiffin order find --ref signup-42\n  \
    tiffin order find --tenant shop --state failed --since 2h --country IN --json")]
pub struct Arguments {
    #[command(flatten)]
    filters: Filters,
    /// So many at most, 1 to 100
    #[arg(long, default_value_t = 50)]
    limit: u64,
    #[command(flatten)]
    to: Core,
}

/// Looks for them, and prints what is found.
pub async fn run(Arguments { filters, limit, to }: Arguments) -> anyhow::Result<()> {
    let reply = whole(&to, filters.body()?, limit).await?;
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
