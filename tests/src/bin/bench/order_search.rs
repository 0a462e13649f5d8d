//! Searches among a million closed orders of a week and 20 tenants, besides 600 that are open, and the overview's three
//! spans, all in one Redis; and what they add to its memory. The floor is one client that reads one page of one log.

mod made;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::host;
use tiffin_core::journal;
use tiffin_core::journal::Stream;
use tiffin_core::overview::overview;
use tiffin_core::search::Answer;
use tiffin_core::search::search;
use tiffin_shared::country::Country;
use tiffin_shared::id::GatewayId;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::series::Span;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::wire::api::OrderState;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::keys::settings;
use tiffin_tests::servers::Server;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figures::folder;
use crate::figures::median;
use crate::figures::ms;
use crate::figures::rounded;

const TENANTS: u64 = 20;
const OPEN: u64 = 600;
const ROUNDS: usize = 9;
const LIMIT: usize = 50;

/// A week of orders in a Redis of its own, and a core that looks through them.
pub struct Ground {
    pub app: Arc<App>,
    pub keys: Keys,
    pub orders: u64,
    redis: Server,
    /// Bytes of data when it was empty, with the orders, with what the search adds to them, and with the overview's sums.
    steps: [f64; 4],
    _dir: TempDir,
}

impl Ground {
    pub async fn make() -> anyhow::Result<Self> {
        let orders =
            std::env::var("ORDERS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000_u64);
        let dir = folder()?;
        let redis = Server::redis(&dir.path().join("redis")).await?;
        let keys = Keys::make_for(&settings(), &dir.path().join("keys"))?;
        let more = Variables::from([("REDIS_URL".to_owned(), redis.url())]);
        let app = App::start(keys.config(&more)?, &[Role::Ops]).await?;
        let empty = used(&redis).await?;
        let summaries = filled(&app, orders).await?;
        let with_orders = used(&redis).await?;
        for (which, summaries) in (0..).zip(&summaries) {
            made::summaries(&app, which, summaries).await?;
        }
        let with_summaries = used(&redis).await?;
        made::figures(&app).await?;
        let with_figures = used(&redis).await?;
        made::open(&app, OPEN).await?;
        let steps = [empty, with_orders, with_summaries, with_figures];
        Ok(Self { app, keys, orders, redis, steps, _dir: dir })
    }

    /// What its data takes, all in all.
    pub async fn bytes(&self) -> anyhow::Result<f64> {
        used(&self.redis).await
    }

    pub async fn overviews(&self) -> anyhow::Result<Vec<Value>> {
        let mut times = Vec::new();
        for span in [Span::Hour, Span::Day, Span::Week] {
            let took = timed(|| async { Ok(overview(&self.app, span).await.map(drop)?) }).await?;
            times.push(json!({"overview": span, "ms": took}));
        }
        Ok(times)
    }
}

pub async fn measure() -> anyhow::Result<Value> {
    let ground = Ground::make().await?;
    let (app, orders) = (&ground.app, ground.orders);
    let [empty, with_orders, with_summaries, with_figures] = ground.steps;
    let per_order = |bytes: f64| rounded(bytes / f64::from(u32::try_from(orders).unwrap_or(u32::MAX)));
    let mut times = searches(app, orders).await?;
    times.extend(ground.overviews().await?);
    Ok(json!({
        "what": "searches among a million closed orders of 7 days and 20 tenants, with 600 open ones, and the overview; first and median of \
                 the rounds. The floor is one read of a page of 64 orders",
        "orders": orders, "rounds": ROUNDS, "floor_ms": floor(app).await?, "times": times,
        "redis_bytes_per_order": {"log": per_order(with_orders - empty), "summaries": per_order(with_summaries - with_orders)},
        "redis_bytes_of_figures": rounded(with_figures - with_summaries),
    }))
}

async fn filled(app: &Arc<App>, orders: u64) -> anyhow::Result<Vec<Vec<tiffin_shared::search::Summary>>> {
    let mut tasks = JoinSet::new();
    for which in 0..TENANTS {
        let app = app.clone();
        tasks.spawn(async move {
            anyhow::Ok((which, made::orders(&app, which, TENANTS, orders / TENANTS).await?))
        });
    }
    let mut made = tasks.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    made.sort_by_key(|(which, _)| *which);
    Ok(made.into_iter().map(|(_, summaries)| summaries).collect())
}

async fn searches(app: &Arc<App>, orders: u64) -> anyhow::Result<Vec<Value>> {
    let all = Filter::default();
    let gateway = |name: &str| GatewayId::parse(name).ok();
    let old = format!("signup-{}", orders / 10);
    let filters = [
        ("newest", all.clone()),
        ("failed", Filter { state: Some(OrderState::Failed), ..all.clone() }),
        (
            "gateway_and_country",
            Filter { gateway: gateway("plivo"), country: Country::parse("IN").ok(), ..all.clone() },
        ),
        ("rare_country", Filter { country: Country::parse("IS").ok(), ..all.clone() }),
        ("one_tenant", Filter { tenant: made::tenant(3).ok(), ..all.clone() }),
        ("client_ref", Filter { client_ref: Some(old), ..all.clone() }),
        ("phone", Filter { ledger: Some(made::ledger(12_345)), ..all.clone() }),
        ("six_days_ago", Filter { to: Some(host::now().minus(6 * DAY_MS)), ..all.clone() }),
        ("nothing", Filter { client_ref: Some("nobody's".into()), ..all.clone() }),
        ("nothing_by_gateway", Filter { gateway: gateway("nobodys"), ..all }),
    ];
    let mut times = Vec::new();
    for (name, filter) in filters {
        let answer = search(app, filter.clone(), None, LIMIT).await?;
        let took = timed(|| async { Ok(search(app, filter.clone(), None, LIMIT).await.map(drop)?) }).await?;
        let Answer { orders, scanned, complete, next } = &answer;
        let mut figures = json!({"search": name, "ms": took, "found": orders.len(), "scanned": scanned, "complete": complete});
        if let Some(cursor) = next.as_deref().and_then(Cursor::parse) {
            let again =
                || async { Ok(search(app, filter.clone(), Some(cursor.clone()), LIMIT).await.map(drop)?) };
            let took = timed(again).await?;
            figures.as_object_mut().and_then(|figures| figures.insert("next_page_ms".into(), took));
        }
        times.push(figures);
    }
    Ok(times)
}

async fn timed<F: Future<Output = anyhow::Result<()>>>(run: impl Fn() -> F) -> anyhow::Result<Value> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        run().await?;
        times.push(ms(begun.elapsed()));
    }
    let most = times.iter().copied().fold(0.0, f64::max);
    Ok(
        json!({"first": rounded(times.first().copied().unwrap_or_default()), "median": rounded(median(times)), "most": rounded(most)}),
    )
}

async fn floor(app: &App) -> anyhow::Result<Value> {
    let stream = Stream::Orders(made::tenant(0)?);
    let head = journal::head(app, &stream).await?;
    timed(|| async { Ok(journal::page(app, &stream, &head, 0).await.map(drop)?) }).await
}

/// Memory that its data takes.
async fn used(redis: &Server) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).await?;
    stream.write_all(b"INFO memory\r\n").await?;
    let mut reply = vec![0; 16 * 1024];
    let read = stream.read(&mut reply).await?;
    let text = String::from_utf8_lossy(reply.get(..read).unwrap_or_default()).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("used_memory_dataset:"));
    Ok(line.unwrap_or_default().trim().parse()?)
}
