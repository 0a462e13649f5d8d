//! `tiffin route`: the ways out, and the operator's hand on their breakers.

mod show;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::price::Money;

use super::ops;
use super::ops::Core;
use super::ops::text;
use super::ops::time;

/// What to do about the ways out.
#[derive(Subcommand)]
pub enum Command {
    /// How each gateway stands: its breaker, the calls of the last minute, why it changed last
    List {
        #[command(flatten)]
        to: Core,
    },
    /// How messages fare on each of late: arrived, verified, how long receipts take, and what one costs
    Stats {
        /// ISO 3166-1 alpha-2; without it all countries together
        #[arg(long)]
        country: Option<String>,
        #[command(flatten)]
        to: Core,
    },
    /// One gateway: what moved its breaker, how long its receipts take, what went wrong, and how messages fare by country
    Show {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
    /// Hold a breaker open: the gateway drains. Nothing more is sent through it until `release`; what was sent is followed
    #[command(visible_alias = "drain")]
    Open {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
    /// Hold a breaker closed: orders go through the gateway, whatever its calls come to, until `release`
    Close {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
    /// Prefer a gateway otherwise than the settings file does; what is not given is as the file says
    Set {
        /// As `list` shows it
        gateway: String,
        /// Lower goes first
        #[arg(long)]
        priority: Option<u16>,
        /// Its share of the orders among gateways of one priority: one of 5 beside one without gets 5 of 105. 0 begins none
        #[arg(long)]
        weight: Option<u16>,
        /// Where it delivers: all, or IN,DE
        #[arg(long)]
        countries: Option<String>,
        /// Of one message, in millionths of your currency
        #[arg(long)]
        price_micros: Option<u64>,
        /// As the last change told it; none the first time
        #[arg(long)]
        version: Option<u64>,
        #[command(flatten)]
        to: Core,
    },
    /// Take back what `set` said: as the settings file says again
    Unset {
        /// As `list` shows it
        gateway: String,
        /// As the last change told it
        #[arg(long)]
        version: u64,
        #[command(flatten)]
        to: Core,
    },
    /// Let the breaker decide again
    Release {
        /// As `list` shows it
        gateway: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Runs one of them.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let (gateway, hand, to) = match command {
        Command::List { to } => {
            let reply = to.ask(Method::GET, "routes", None).await?;
            to.print(&reply, || table(&reply));
            return Ok(());
        }
        Command::Set { gateway, priority, weight, countries, price_micros, version, to } => {
            let countries = countries.map(|countries| match countries.as_str() {
                "all" => json!("all"),
                some => json!(some.split(',').map(str::trim).collect::<Vec<_>>()),
            });
            let mut settings = json!({
                "priority": priority,
                "weight": weight,
                "countries": countries,
                "price_micros": price_micros,
            });
            if let Some(fields) = settings.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            let path = ops::path(&["routes", &gateway, "settings"], "");
            let reply = to.ask_at(Method::PUT, &path, Some(settings), version).await?;
            to.print(&reply, || {
                let of = Some(&reply);
                format!("{gateway}: {} (version {})", text(of, "settings"), text(of, "version"))
            });
            return Ok(());
        }
        Command::Unset { gateway, version, to } => {
            let path = ops::path(&["routes", &gateway, "settings"], "");
            let reply = to.ask_at(Method::DELETE, &path, None, Some(version)).await?;
            to.print(&reply, || format!("{gateway}: as the settings file says"));
            return Ok(());
        }
        Command::Stats { country, to } => {
            let query =
                country.map(|country| format!("?country={}", ops::path(&[&country], ""))).unwrap_or_default();
            let reply = to.ask(Method::GET, &ops::path(&["routes"], &query), None).await?;
            to.print(&reply, || stats(&reply));
            return Ok(());
        }
        Command::Show { gateway, to } => {
            let reply = to.ask(Method::GET, &ops::path(&["routes", &gateway], ""), None).await?;
            to.print(&reply, || show::page(&reply));
            return Ok(());
        }
        Command::Open { gateway, to } => (gateway, "open", to),
        Command::Close { gateway, to } => (gateway, "close", to),
        Command::Release { gateway, to } => (gateway, "release", to),
    };
    let reply = to.ask(Method::POST, &ops::path(&["routes", &gateway, hand], ""), None).await?;
    to.print(&reply, || [head(), line(&reply)].join("\n"));
    Ok(())
}

fn head() -> String {
    format!(
        "{:<20}  {:<9}  {:<10}  {:<12}  {:<24}  LAST CHANGE",
        "GATEWAY", "CHANNEL", "BREAKER", "FAILED/CALLS", "SINCE"
    )
}

fn table(reply: &Value) -> String {
    let routes = reply.get("routes").and_then(Value::as_array).into_iter().flatten();
    let lines: Vec<_> = std::iter::once(head()).chain(routes.map(line)).collect();
    lines.join("\n")
}

fn stats(reply: &Value) -> String {
    let row = |cells: [&str; 9]| {
        let [gateway, sent, delivered, failed, delivery, conversion, p50, p95, price] = cells;
        format!(
            "{gateway:<20}  {sent:>7}  {delivered:>9}  {failed:>7}  {delivery:>9}  {conversion:>10}  {p50:>8}  {p95:>8}  {price}"
        )
    };
    let routes = reply.get("routes").and_then(Value::as_array).into_iter().flatten();
    let lines = routes.map(|route| {
        let fared = route.get("fared");
        let percent = |name: &str| {
            let share = fared.and_then(|fared| fared.get(name)?.as_u64());
            share.map_or("-".to_owned(), |share| format!("{}.{} %", share / 10, share % 10))
        };
        let ms = |name: &str| {
            fared.and_then(|fared| fared.get(name)?.as_u64()).map_or("-".to_owned(), |ms| format!("{ms} ms"))
        };
        row([
            &text(Some(route), "gateway"),
            &text(fared, "sent"),
            &text(fared, "delivered"),
            &text(fared, "failed"),
            &percent("delivery"),
            &percent("conversion"),
            &ms("p50_ms"),
            &ms("p95_ms"),
            &prices(route),
        ])
    });
    let head =
        row(["GATEWAY", "SENT", "DELIVERED", "FAILED", "DELIVERY", "CONVERSION", "P50", "P95", "PRICE"]);
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

/// One message's, by each list.
fn prices(route: &Value) -> String {
    let of = |money: &Value| serde_json::from_value::<Money>(money.clone()).ok().map(|it| it.to_string());
    let prices = route.get("prices").and_then(Value::as_array).into_iter().flatten();
    let prices: Vec<_> = prices.filter_map(of).collect();
    if prices.is_empty() { "-".to_owned() } else { prices.join(", ") }
}

fn line(route: &Value) -> String {
    let of = Some(route);
    let held = route.get("forced").is_some_and(|forced| !forced.is_null());
    let phase = match route.get("phase") {
        Some(Value::Object(phase)) => phase.keys().next().cloned().unwrap_or_default(),
        Some(Value::String(phase)) => phase.clone(),
        _ => "-".to_owned(),
    };
    let breaker = if held { format!("held {}", text(of, "forced")) } else { phase };
    let against = ["failed", "slow"].iter().filter_map(|name| route.get(*name)?.as_u64()).sum::<u64>();
    let calls = format!("{against}/{}", text(of, "made"));
    let last = route.get("changes").and_then(Value::as_array).and_then(|changes| changes.last());
    format!(
        "{:<20}  {:<9}  {breaker:<10}  {calls:<12}  {:<24}  {}",
        text(of, "gateway"),
        text(of, "channel"),
        time(of, "since"),
        text(last, "because"),
    )
}
