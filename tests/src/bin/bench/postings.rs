//! Postings to one tenant's account, each answered once the store has it, with the entries in the money log: in memory and in Redis. The
//! floor is one client that sets a key in that Redis and waits for the answer, again and again, taken between the rounds.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::host;
use tiffin_core::money;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::POSTING_MS;
use tiffin_shared::money::Posting;
use tiffin_shared::time::HOUR_MS;
use tiffin_tests::billing::paying;
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
use crate::figures::rounded;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const PRICE: u64 = 2_500;
/// A thousand million units: no round spends them.
const OPENING: u64 = 1_000_000_000_000_000;
/// Orders whose postings come at once, and those that lie open in the account meanwhile.
const ARMS: [(u64, u64); 3] = [(1, 0), (256, 0), (256, 1_000)];

pub async fn measure() -> anyhow::Result<Value> {
    let dir = folder()?;
    let redis = Server::redis(&dir.path().join("redis")).await?;
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, paying(&std::fs::read_to_string(settings())?, PRICE, OPENING))?;
    let keys = Keys::make_for(&file, &dir.path().join("keys"))?;
    let mut arms = Vec::new();
    for (at_once, open) in ARMS {
        for url in [None, Some(redis.url())] {
            let name = if url.is_some() { "redis" } else { "memory" };
            let mut more: Variables = url.map(|url| ("REDIS_URL".to_owned(), url)).into_iter().collect();
            // An account of its own, in which nothing lies yet.
            more.insert("TIFFIN_STORE_PREFIX".to_owned(), format!("bench-{at_once}-{open}"));
            let app = App::start(keys.config(&more)?, &[Role::Ops]).await?;
            let figures = arm(&app, &redis, at_once, open).await?;
            arms.push(
                json!({ "store": name, "orders_at_once": at_once, "open_besides": open, "of": figures }),
            );
        }
    }
    Ok(json!({
        "what": "postings a second to one account, of orders that hold, capture and close one after the other; the floor is SET a second \
                 by one client of the same Redis that waits for each answer",
        "rounds": ROUNDS, "seconds": ROUND.as_secs(), "arms": arms,
    }))
}

async fn arm(app: &Arc<App>, redis: &Server, at_once: u64, open: u64) -> anyhow::Result<Value> {
    money::ask_and_log(app, &tenant()?, Ask::Open).await?;
    let orders = Arc::new(AtomicU64::new(0));
    for _ in 0..open {
        post(app, orders.fetch_add(1, Ordering::Relaxed), 1, [PRICE, 0], false).await?;
    }
    let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let floor = floor(redis).await?;
        let (count, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let mut posters = JoinSet::new();
        for _ in 0..at_once {
            posters.spawn(poster(app.clone(), orders.clone(), count.clone(), begun));
        }
        posters.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
        let count = u32::try_from(count.load(Ordering::Relaxed))?;
        let postings = f64::from(count) / begun.elapsed().as_secs_f64();
        ours.push(postings);
        floors.push(floor);
        ratios.push(postings / floor);
    }
    Ok(json!({
        "postings_per_second": rounded(median(ours)),
        "floor_per_second": rounded(median(floors)),
        "ratio": rounded(median(ratios)),
    }))
}

/// One order after the other, until the round is over.
async fn poster(
    app: Arc<App>,
    orders: Arc<AtomicU64>,
    count: Arc<AtomicU64>,
    begun: Instant,
) -> anyhow::Result<()> {
    while begun.elapsed() < ROUND {
        let order = orders.fetch_add(1, Ordering::Relaxed);
        for (n, captured, closes) in [(1, 0, false), (2, PRICE, false), (3, PRICE, true)] {
            post(&app, order, n, [PRICE, captured], closes).await?;
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

async fn post(
    app: &Arc<App>,
    order: u64,
    n: u32,
    [held_micros, captured_micros]: [u64; 2],
    closes: bool,
) -> anyhow::Result<()> {
    let now = host::now();
    let posting = Posting {
        tenant: tenant()?,
        order: OrderId::new(u128::from(order).to_be_bytes(), LedgerId::new([9; 16])),
        n,
        country: None,
        held_micros,
        captured_micros,
        released_micros: 0,
        refunded_micros: 0,
        closes,
        until: now.plus(HOUR_MS),
        deadline: now.plus(POSTING_MS),
    };
    let answer = money::post(app, posting).await?;
    let Answer::Posted(standing) = answer else { anyhow::bail!("{answer:?}") };
    anyhow::ensure!(standing.refused.is_none(), "{standing:?}");
    Ok(())
}

fn tenant() -> anyhow::Result<TenantId> {
    Ok(TenantId::parse("dev")?)
}

/// `SET` a second.
async fn floor(redis: &Server) -> anyhow::Result<f64> {
    const CALL: &[u8] = b"*3\r\n$3\r\nSET\r\n$5\r\nfloor\r\n$1\r\n1\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).await?;
    stream.set_nodelay(true)?;
    let (mut count, begun, mut reply) = (0_u32, Instant::now(), [0; 5]);
    while begun.elapsed() < ROUND / 4 {
        stream.write_all(CALL).await?;
        stream.read_exact(&mut reply).await?;
        anyhow::ensure!(&reply == b"+OK\r\n", "{reply:?}");
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
