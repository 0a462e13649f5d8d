//! Thousands of closed orders of several tenants are searched by summaries of their pages, and nothing is left out.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::config::REDIS_URL;
use tiffin_core::host;
use tiffin_core::journal;
use tiffin_core::journal::Stream;
use tiffin_core::search::search;
use tiffin_core::store::Key;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::Row;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Command;
use tiffin_shared::order::Order;
use tiffin_shared::order::Terms;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::search::Found;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_tests::jobs;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::servers::Server;

const TENANTS: [&str; 3] = ["bank", "dev", "shop"];
/// Of each tenant: more than a page of summaries is about.
const ORDERS: usize = 64 * 140 + 9;
/// More than one call reads.
const OPEN: u64 = 2_500;

fn ledger(n: usize) -> LedgerId {
    LedgerId::new(bytes::truncate(bytes::sha256(&(n % 997).to_be_bytes())))
}

/// Of every kind, some of them rare.
fn body(tenant: usize, n: usize, began_at: UnixMs) -> Value {
    let random = bytes::truncate(bytes::sha256(format!("{tenant}/{n}").as_bytes()));
    let state = ["verified", "delivered", "failed", "expired", "cancelled"][(n / 3) % 5];
    let gateway = if n % 2_000 == 7 { "rare".to_owned() } else { format!("gateway-{}", n % 23) };
    let channel = if n.is_multiple_of(7) { "voice" } else { "sms" };
    json!({
        "order": OrderId::new(random, ledger(n)), "service": if n % 1_000 == 3 { "payment" } else { "login" },
        "country": if n % 50 == 1 { "DE" } else { "IN" }, "channel": "sms", "state": state, "created_at": began_at.plus(n as u64),
        "client_ref": format!("ref-{}", n / 2), "attempts": [{"n": 1, "gateway": gateway, "channel": channel, "state": "sent", "at": 5}],
    })
}

async fn filled(app: &Arc<App>, began_at: UnixMs) -> anyhow::Result<Vec<(Row, Found)>> {
    let mut all = Vec::new();
    for (number, name) in TENANTS.iter().enumerate() {
        let tenant = TenantId::parse(name)?;
        let stream = Stream::Orders(tenant.clone());
        for start in (0..ORDERS).step_by(500) {
            let append = |n: usize| {
                let row = NewRow { id: n.to_string(), body: body(number, n, began_at) };
                journal::append(app, &stream, row, DAY_MS)
            };
            let appended = futures::future::join_all((start..ORDERS.min(start + 500)).map(append)).await;
            appended.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        let mut from = 0;
        loop {
            let rows = journal::read(app, &stream, from).await?;
            let Some(last) = rows.last() else { break };
            from = last.n + 1;
            let found = |row: Row| Found::closed(&tenant, &row.body).map(|found| (row, found));
            all.extend(rows.into_iter().filter_map(found));
        }
    }
    assert_eq!(all.len(), TENANTS.len() * ORDERS);
    all.sort_by_key(|(row, found)| Reverse((row.at, found.tenant.clone(), row.n)));
    Ok(all)
}

fn filters(began_at: UnixMs) -> anyhow::Result<Vec<Filter>> {
    let all = Filter::default();
    let gateway = |name: &str| GatewayId::parse(name).ok();
    Ok(vec![
        all.clone(),
        Filter { tenant: TenantId::parse("shop").ok(), ..all.clone() },
        Filter { state: Some(OrderState::Failed), country: Country::parse("DE").ok(), ..all.clone() },
        Filter { gateway: gateway("rare"), ..all.clone() },
        Filter { gateway: gateway("gateway-22"), channel: Some(Channel::Voice), ..all.clone() },
        Filter { gateway: gateway("nobodys"), ..all.clone() },
        Filter { service: ServiceId::parse("payment").ok(), ..all.clone() },
        Filter { client_ref: Some("ref-70".into()), ..all.clone() },
        Filter { ledger: Some(ledger(5)), ..all.clone() },
        Filter { from: Some(began_at.plus(100)), to: Some(began_at.plus(110)), ..all.clone() },
        Filter { client_ref: Some("nobody's".into()), ..all },
    ])
}

/// From page to page, what a look at every row finds.
async fn nothing_is_left_out(more: &Variables) -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-search-")?;
    let app = App::start(Keys::make(&dir.path().join("keys"))?.config(more)?, &[Role::Ops]).await?;
    let began_at = host::now();
    let all = filled(&app, began_at).await?;
    let mut stopped_early = 0;
    for filter in filters(began_at)? {
        let meant = all.iter().filter(|(_, found)| filter.is_met(found)).map(|(_, found)| &found.id);
        // Of what is found often, the beginning says enough.
        let meant: Vec<_> = meant.take(400).collect();
        let (mut seen, mut cursor, mut scanned) = (Vec::new(), None, 0);
        while seen.len() < meant.len() || cursor.is_none() {
            let answer = search(&app, filter.clone(), cursor, 97).await?;
            seen.extend(answer.orders.into_iter().map(|found| found.id));
            scanned += answer.scanned;
            stopped_early += usize::from(!answer.complete);
            match answer.next {
                Some(next) => {
                    cursor = Some(Cursor::parse(&next).ok_or_else(|| anyhow::anyhow!("no cursor: {next}"))?)
                }
                None => break,
            }
        }
        seen.truncate(400);
        assert_eq!(seen.iter().collect::<Vec<_>>(), meant, "{filter:?}");
        assert!(scanned >= seen.len(), "{filter:?}");
    }
    assert!(stopped_early > 0, "no search had to go on");
    Ok(())
}

/// They come in slices, each newest first, and each order once.
#[tokio::test]
async fn all_open_orders_are_found_however_many() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-search-")?;
    let app =
        App::start(Keys::make(&dir.path().join("keys"))?.config(&Variables::new())?, &[Role::Ops]).await?;
    let mut open = BTreeSet::new();
    for n in 0..OPEN {
        let header = Box::new(jobs::header(host::now().minus(n))?);
        let (order, token) = (header.order.clone(), Bytes(host::random()?));
        let offers = vec![Offer {
            way: Way { channel: Channel::Sms, gateway: GatewayId::parse("a")?, sender: None },
            health: Health::Closed,
            free_at: UnixMs(0),
            window_ms: 12_000,
            looks_max: 0,
            polls_max: 0,
            is_mute: false,
            price_micros: None,
            why: "up".into(),
        }];
        let ask =
            Ask::Claim { token, header, dispatch: None, taken_at: None, offers, terms: Terms::default() };
        let command = Command { entropy: Entropy::new(host::random()?), ask };
        app.store.apply::<Order>(&Key::order(&order), &command, host::now()).await?;
        open.insert(order);
    }
    let (mut seen, mut cursor, mut calls) = (Vec::new(), None, 0);
    loop {
        let answer = search(&app, Filter::default(), cursor, 100).await?;
        let times: Vec<_> = answer.orders.iter().map(|found| found.created_at).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
        seen.extend(answer.orders.into_iter().map(|found| found.id));
        calls += 1;
        let Some(next) = answer.next else { break };
        cursor = Cursor::parse(&next);
        assert!(cursor.is_some() && calls < OPEN, "{next}");
    }
    assert_eq!(seen.len(), open.len(), "each once");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), open);
    Ok(())
}

#[tokio::test]
async fn nothing_is_left_out_in_memory() -> anyhow::Result<()> {
    nothing_is_left_out(&Variables::new()).await
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn nothing_is_left_out_on_redis() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-search-")?;
    let redis = Server::redis(&dir.path().join("redis")).await?;
    nothing_is_left_out(&Variables::from([(REDIS_URL.to_owned(), redis.url())])).await
}
