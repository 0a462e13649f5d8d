//! Closed orders of a week in a Redis, as core would have written them, without waiting a week.

use serde_json::Value;
use serde_json::json;
use tiffin_core::app::App;
use tiffin_core::host;
use tiffin_core::journal::Stream;
use tiffin_core::store::Key;
use tiffin_shared::bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_shared::log::Page;
use tiffin_shared::log::PageState;
use tiffin_shared::log::Row;
use tiffin_shared::machine::Machine;
use tiffin_shared::machine::Step;
use tiffin_shared::machine::Write;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Command;
use tiffin_shared::order::Order;
use tiffin_shared::order::Terms;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::search::Summary;
use tiffin_shared::series;
use tiffin_shared::series::Counts;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Period;
use tiffin_shared::series::Series;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_tests::jobs;

/// How long rows are kept.
const KEEP_MS: u64 = 92 * DAY_MS;
/// Phones that the orders go to.
const PHONES: u64 = 250_000;

/// A state as it is, past its machine.
enum Raw {}

impl Machine for Raw {
    type State = Value;
    type Command = (Value, UnixMs);
    type Reply = ();

    fn step(_: Option<Value>, (state, expires_at): &(Value, UnixMs), _: UnixMs) -> Step<Value, ()> {
        let (state, expires_at) = (state.clone(), *expires_at);
        Step { reply: (), write: Write::Put { state, expires_at, wake_at: None } }
    }
}

pub fn ledger(n: u64) -> LedgerId {
    LedgerId::new(bytes::truncate(bytes::sha256(format!("phone {}", n % PHONES).as_bytes())))
}

pub fn tenant(n: u64) -> anyhow::Result<TenantId> {
    Ok(TenantId::parse(&format!("tenant-{n:02}"))?)
}

fn row(n: u64, at: UnixMs) -> Value {
    let random = bytes::truncate(bytes::sha256(&n.to_be_bytes()));
    let order = OrderId::new(random, ledger(n.wrapping_mul(7_919)));
    let created_at = at.minus(9_000);
    let state = match n % 100 {
        0..70 => "verified",
        70..90 => "delivered",
        90..95 => "failed",
        95..98 => "expired",
        _ => "cancelled",
    };
    let country = match n % 1_000 {
        0 => "IS",
        1..100 => "DE",
        100..200 => "GB",
        _ => "IN",
    };
    let one_of = |names: &[&'static str]| {
        let at = usize::try_from(n).unwrap_or(0) % names.len().max(1);
        names.get(at).copied().unwrap_or_default()
    };
    let gateway = one_of(&["twilio-sms", "vonage-sms", "msg91", "plivo", "whatsapp-cloud", "infobip"]);
    json!({
        "order": order, "client_ref": format!("signup-{n}"), "request": "req_01234567890123456789012345678901", "service": one_of(&["login", "payment", "signup"]),
        "country": country, "channel": "sms", "state": state, "reason": null, "verified": state == "verified",
        "created_at": created_at, "expires_at": created_at.plus(300_000), "charged_micros": 2_500, "currency": "INR",
        "bill": {"currency": "INR", "held_micros": 2_500, "captured_micros": 2_500, "released_micros": 0, "refunded_micros": 0, "is_final": true, "charges": [{"n": 1, "micros": 2_500, "state": "captured"}]},
        "ended_at": at, "erased_at": null, "closed_at": at, "resends": 0,
        "attempts": [{"n": 1, "gateway": gateway, "channel": "sms", "state": if state == "failed" { "failed" } else { "delivered" }, "reason": null, "called_at": created_at.plus(80), "at": created_at.plus(3_000)}],
    })
}

/// `count` orders of the last week, the last of them a moment ago; the summaries of their pages.
pub async fn orders(app: &App, which: u64, tenants: u64, count: u64) -> anyhow::Result<Vec<Summary>> {
    let (tenant, now) = (tenant(which)?, host::now());
    let (began_at, step) = (now.minus(7 * DAY_MS), 7 * DAY_MS / count);
    let stream = Stream::Orders(tenant.clone()).to_string();
    let row = |n: u64| {
        let at = began_at.plus(step * n);
        let body = row(n * tenants + which, at);
        let id = body.get("order").and_then(Value::as_str).unwrap_or_default().to_owned();
        Row { n, at, id, body }
    };
    let rows = PAGE_ROWS as u64;
    let pages = (count / rows).saturating_sub(1);
    let mut summaries = Vec::new();
    for number in 0..pages {
        let rows: Vec<Row> = (number * rows..(number + 1) * rows).map(row).collect();
        let expires_at = now.plus(KEEP_MS);
        let page = PageState { rows, expires_at };
        summaries.push(Summary::of(&tenant, began_at, number, &page));
        app.store.apply::<Page>(&Key::log_page(&stream, began_at, number), &Some(page), now).await?;
    }
    let tail: Vec<Row> = (pages * rows..count).map(row).collect();
    head(app, &stream, began_at, pages, &tail).await?;
    Ok(summaries)
}

/// What the search adds to them.
pub async fn summaries(app: &App, which: u64, summaries: &[Summary]) -> anyhow::Result<()> {
    let (tenant, now) = (tenant(which)?, host::now());
    let stream = Stream::Summaries(tenant).to_string();
    let began_at = now.minus(7 * DAY_MS);
    let rows = summaries.iter().zip(0..).map(|(summary, n)| {
        let new = summary.row();
        Row { n, at: summary.until, id: new.id, body: new.body }
    });
    let rows: Vec<Row> = rows.collect();
    let full = (rows.len() / PAGE_ROWS).saturating_sub(1);
    let (pages, tail) = rows.split_at(full * PAGE_ROWS);
    for (number, rows) in pages.chunks(PAGE_ROWS).enumerate() {
        let page = PageState { rows: rows.to_vec(), expires_at: now.plus(KEEP_MS) };
        app.store.apply::<Page>(&Key::log_page(&stream, began_at, number as u64), &Some(page), now).await?;
    }
    head(app, &stream, began_at, full as u64, tail).await
}

async fn head(app: &App, stream: &str, began_at: UnixMs, pages: u64, tail: &[Row]) -> anyhow::Result<()> {
    let now = host::now();
    let state = json!({"clock": now, "keep_ms": KEEP_MS, "began_at": began_at, "pages": pages, "tail": tail});
    app.store.apply::<Raw>(&Key::log(stream), &(state, now.plus(KEEP_MS)), now).await?;
    Ok(())
}

/// Orders that are being sent now.
pub async fn open(app: &App, count: u64) -> anyhow::Result<()> {
    for n in 0..count {
        let now = host::now();
        let header = jobs::header(now.minus(n * 500))?;
        let way = Way { channel: Channel::Sms, gateway: GatewayId::parse("twilio-sms")?, sender: None };
        let offer = Offer {
            way,
            health: Health::Closed,
            free_at: UnixMs(0),
            window_ms: 12_000,
            looks_max: 0,
            polls_max: 0,
            is_mute: false,
            price_micros: Some(2_500),
            why: "up, 99 % arrived of 1,000".into(),
        };
        let key = Key::order(&header.order);
        let (token, terms) = (bytes::Bytes(host::random()?), Terms::default());
        let ask = Ask::Claim {
            token,
            header: Box::new(header),
            dispatch: None,
            taken_at: None,
            offers: vec![offer],
            terms,
        };
        let entropy = Entropy::new(host::random()?);
        app.store.apply::<Order>(&key, &Command { entropy, ask }, now).await?;
    }
    Ok(())
}

/// Eight days of sums, every minute of them with all that can be counted.
pub async fn figures(app: &App) -> anyhow::Result<()> {
    let now = host::now();
    for grain in [Grain::Minute, Grain::Hour] {
        let mut at = now.minus(8 * DAY_MS);
        while at <= now {
            let mut counts =
                Counts { accepted: 100, delivered: 95, failed: 3, verified: 70, ..Counts::default() };
            (0..60).for_each(|n| counts.latencies.add(500 * 11_u64.pow(n % 4) + u64::from(n) * 997));
            let slots = series::Slots::from([(grain.slot(at), counts)]);
            let period = Period::of(grain, at);
            let command = series::Command::Add { period, batch: bytes::Bytes(host::random()?), slots };
            app.store.apply::<Series>(&Key::series(period), &command, now).await?;
            at = at.plus(match grain {
                Grain::Minute => MINUTE_MS,
                Grain::Hour => HOUR_MS,
            });
        }
    }
    Ok(())
}
