//! From one to four worker processes, on the same two cores: what a further process costs, and what it brings.

use serde_json::Value;
use serde_json::json;

use super::ground::Ground;
use super::ground::Provider;
use super::jobs::Jobs;
use super::latency;
use super::meter;
use super::throughput;
use crate::figures::resident_kb;
use crate::figures::rounded;

const WORKERS: [usize; 3] = [1, 2, 4];
const ORDERS: usize = 10_000;

pub async fn measure() -> anyhow::Result<Value> {
    let mut rows = Vec::new();
    for workers in WORKERS {
        let (rate, cost, memory) = {
            let ground = Ground::start(Provider::Sandbox, workers).await?;
            let jobs = Jobs::new(&ground.keys)?;
            throughput::run(&ground, &jobs, ORDERS / 5).await?;
            let (rate, cost) = throughput::run(&ground, &jobs, ORDERS).await?;
            let kb = ground.cores.iter().map(|core| resident_kb(core.pid()));
            let kb = kb.collect::<anyhow::Result<Vec<_>>>()?;
            (rate, cost, kb.iter().map(|kb| rounded(kb / 1024.0)).collect::<Vec<_>>())
        };
        let latency = latency::with_workers(workers).await?;
        rows.push(json!({
            "workers": workers,
            "orders_a_second": rounded(rate),
            "memory_mb": memory,
            "latency": latency,
            "per_order": cost,
        }));
    }
    let what = "the first process takes hand-overs and receipts too; all share two cores with Redis, RabbitMQ and the provider";
    Ok(json!({ "what": what, "rows": rows, "load": meter::load() }))
}
