//! Orders a second, from the first hand-over to the last record of a receipt.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tiffin_tests::keys::Variables;

use super::floor::Floor;
use super::ground::Ground;
use super::ground::Provider;
use super::jobs::Jobs;
use super::jobs::requests;
use super::meter;
use super::meter::Reading;
use crate::figures::float;
use crate::figures::median;
use crate::figures::rounded;
use crate::load;

/// Alternating, so that a busy machine hurts both alike.
const ROUNDS: usize = 3;
/// In each round.
const ORDERS: usize = 10_000;
/// Hand-overs under way at once.
const CONNECTIONS: usize = 100;

pub async fn measure() -> anyhow::Result<Value> {
    let ground = Ground::start(Provider::Sandbox, 1).await?;
    let jobs = Jobs::new(&ground.keys)?;
    let floor = Floor::start(&ground.rabbitmq.url()).await?;
    run(&ground, &jobs, ORDERS / 5).await?;
    let (mut ours, mut floors, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    let load_before = meter::load();
    for _ in 0..ROUNDS {
        floors.push(run_floor(&floor, &ground, &jobs).await?);
        let (rate, cost) = run(&ground, &jobs, ORDERS).await?;
        ours.push(rate);
        costs.push(cost);
    }
    let ratios = ours.iter().zip(&floors).map(|(ours, floor)| ours / floor).collect();
    let what = "orders a second, two cores for everything; the floor publishes under a confirm (100 at once), consumes, \
                checks one signature, opens one job and acknowledges; ours is a signed hand-over to the record of the \
                provider's signed receipt, and the edge told of it";
    Ok(json!({
        "what": what,
        "orders_a_round": ORDERS,
        "ours": ours.iter().copied().map(rounded).collect::<Vec<_>>(),
        "floor": floors.iter().copied().map(rounded).collect::<Vec<_>>(),
        "ours_a_second": rounded(median(ours)),
        "floor_a_second": rounded(median(floors)),
        "ratio": rounded(median(ratios)),
        "per_order": costs,
        "load_before": load_before,
        "load_after": meter::load(),
    }))
}

async fn run_floor(floor: &Floor, ground: &Ground, jobs: &Jobs) -> anyhow::Result<f64> {
    let envelopes = jobs.make(ORDERS)?.into_iter().map(|hand_over| hand_over.envelope).collect();
    let keys = ground.keys.config(&Variables::new())?.core_keys(true)?;
    Ok(float(ORDERS) / floor.run(&Arc::new(envelopes), &keys).await?.as_secs_f64())
}

/// Orders a second, and what each cost.
pub async fn run(ground: &Ground, jobs: &Jobs, orders: usize) -> anyhow::Result<(f64, Value)> {
    let made = requests(jobs.make(orders)?);
    let (pids, redis) = (ground.pids()?, ground.redis.url());
    let before = Reading::take(&pids, Some(&redis)).await?;
    let began = Instant::now();
    let accepted = load::run_over(CONNECTIONS, ground.port, made, 202).await?;
    let told = ground.until_delivered(orders).await?;
    let last = told.delivered.values().max().copied().unwrap_or_else(Instant::now);
    let took = last.duration_since(began).as_secs_f64();
    let after = Reading::take(&pids, Some(&redis)).await?;
    let count = float(orders);
    let mut cost = before.per(&after, count, began.elapsed().as_secs_f64());
    if let Some(cost) = cost.as_object_mut() {
        cost.insert("events".into(), json!(rounded(float(told.events) / count)));
        cost.insert("event_requests".into(), json!(rounded(float(told.requests) / count)));
        cost.insert("accepted_a_second".into(), json!(rounded(count / accepted.took.as_secs_f64())));
    }
    Ok((count / took, cost))
}
