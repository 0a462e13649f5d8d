//! From 202 to the call of the gateway, at a steady pace below what the machine can do.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ground::Ground;
use super::ground::Provider;
use super::jobs::Jobs;
use super::jobs::requests;
use super::meter;
use crate::figures::float;
use crate::figures::ms;
use crate::figures::rounded;
use crate::load;

const PER_SECOND: u32 = 300;
const SECONDS: usize = 20;
/// Before anything counts.
const WARM_UP: usize = 900;
const CONNECTIONS: usize = 32;
/// Between two looks at what the machine takes for nothing.
const FLOOR_PAUSE: Duration = Duration::from_millis(10);
/// Upper ends of the histogram's bars, in milliseconds.
const BARS_MS: [f64; 12] = [1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 25.0, 50.0, 100.0, 250.0, f64::INFINITY];

pub async fn measure() -> anyhow::Result<Value> {
    with_workers(1).await
}

pub async fn with_workers(workers: usize) -> anyhow::Result<Value> {
    let ground = Ground::start(Provider::Here, workers).await?;
    let jobs = Jobs::new(&ground.keys)?;
    paced(&ground, requests(jobs.make(WARM_UP)?)).await?;
    ground.until_delivered(WARM_UP).await?;
    ground.calls.take();
    let orders = SECONDS * usize::try_from(PER_SECOND)?;
    let load_before = meter::load();
    let (ended, end) = watch::channel(false);
    let floor = tokio::spawn(round_trips(ground.port, end));
    let accepted = paced(&ground, requests(jobs.make(orders)?)).await?;
    ended.send_replace(true);
    let mut floor = floor.await??;
    floor.sort_by(f64::total_cmp);
    ground.until_delivered(orders).await?;
    let calls = ground.calls.take();
    // A call may come before the client has read its 202.
    let mut times: Vec<f64> = accepted
        .iter()
        .filter_map(|(order, at)| Some(ms(calls.get(order)?.saturating_duration_since(*at))))
        .collect();
    anyhow::ensure!(times.len() == orders, "{} of {orders} orders reached the gateway", times.len());
    times.sort_by(f64::total_cmp);
    let mut from = 0;
    let bars: Vec<_> = BARS_MS
        .iter()
        .map(|end| {
            let to = times.partition_point(|time| time <= end);
            let count = to - std::mem::replace(&mut from, to);
            json!({ "up_to_ms": end.is_finite().then_some(end), "orders": count })
        })
        .collect();
    let at = |share: f64| rounded(quantile(&times, share));
    Ok(json!({
        "what": "milliseconds from the client's reading of 202 to the gateway's reading of the call; the floor is a GET \
                 /healthz of the same core meanwhile, there and back",
        "orders": orders,
        "per_second": PER_SECOND,
        "p50_ms": at(0.5),
        "p95_ms": at(0.95),
        "p99_ms": at(0.99),
        "max_ms": at(1.0),
        "floor_p50_ms": rounded(quantile(&floor, 0.5)),
        "floor_p95_ms": rounded(quantile(&floor, 0.95)),
        "floor_p99_ms": rounded(quantile(&floor, 0.99)),
        "histogram": bars,
        "load_before": load_before,
        "load_after": meter::load(),
    }))
}

/// What the machine takes for a question and an answer, in milliseconds.
async fn round_trips(port: u16, end: watch::Receiver<bool>) -> anyhow::Result<Vec<f64>> {
    let mut stream = load::connect(1, port).await?.pop().context("no connection")?;
    let mut times = Vec::new();
    while !*end.borrow() {
        tokio::time::sleep(FLOOR_PAUSE).await;
        let began = Instant::now();
        load::exchange(&mut stream, b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200).await?;
        times.push(ms(began.elapsed()));
    }
    Ok(times)
}

/// When each order's 202 was read.
async fn paced(ground: &Ground, requests: Vec<Vec<u8>>) -> anyhow::Result<HashMap<String, Instant>> {
    let accepted = Arc::<Mutex<HashMap<String, Instant>>>::default();
    // In turn: one that nobody uses for long is closed by core.
    let mut idle = VecDeque::from(load::connect(CONNECTIONS, ground.port).await?);
    let mut clients = JoinSet::new();
    let began = Instant::now();
    let gap = Duration::from_secs(1) / PER_SECOND;
    for (number, request) in (0..).zip(requests) {
        tokio::time::sleep_until((began + gap * number).into()).await;
        while let Some(done) = clients.try_join_next() {
            idle.push_back(done??);
        }
        let mut stream = match idle.pop_front() {
            Some(stream) => stream,
            None => load::connect(1, ground.port).await?.pop().context("no connection")?,
        };
        let accepted = accepted.clone();
        clients.spawn(async move {
            load::exchange(&mut stream, &request, 202).await?;
            accepted.lock().await.insert(order_of(&request), Instant::now());
            anyhow::Ok(stream)
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    Ok(std::mem::take(&mut *accepted.lock().await))
}

/// The order in the envelope's header, which is JSON within JSON.
fn order_of(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let from = text.split("\\\"order\\\":\\\"").nth(1).unwrap_or_default();
    from.split('\\').next().unwrap_or_default().to_owned()
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the sample")]
    let at = (float(sorted.len()) * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
