//! What a hundred thousand orders weigh that nobody can deliver.

use std::time::Duration;
use std::time::Instant;

use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use serde_json::Value;
use serde_json::json;
use tiffin_core::bus::topology::Names;
use tiffin_tests::keys::Variables;

use super::ground::Ground;
use super::ground::Provider;
use super::jobs::Jobs;
use super::jobs::requests;
use super::meter;
use crate::figures::resident_kb;
use crate::figures::rounded;
use crate::load;

const ORDERS: usize = 100_000;
/// Their signatures are good for a minute.
const BATCH: usize = 10_000;
const CONNECTIONS: usize = 100;
/// After the last hand-over, for what comes late.
const WATCHED: Duration = Duration::from_secs(20);

pub async fn measure() -> anyhow::Result<Value> {
    let ground = Ground::start(Provider::Gone, 1).await?;
    let jobs = Jobs::new(&ground.keys)?;
    let pids: Vec<_> = ground.pids()?.into_iter().filter(|(name, _)| *name != "client").collect();
    let mut rows = vec![row(0, &pids)?];
    let began = Instant::now();
    for batch in 1..=ORDERS / BATCH {
        load::run_over(CONNECTIONS, ground.port, requests(jobs.make(BATCH)?), 202).await?;
        rows.push(row(batch * BATCH, &pids)?);
    }
    let took = began.elapsed().as_secs_f64();
    let mut core_mb_max = 0.0_f64;
    let until = Instant::now() + WATCHED;
    while Instant::now() < until {
        for (name, pid) in &pids {
            if *name == "core" {
                core_mb_max = core_mb_max.max(resident_kb(*pid)? / 1024.0);
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    rows.push(row(ORDERS, &pids)?);
    let waiting = waiting(&ground).await?;
    Ok(json!({
        "what": "resident megabytes while orders wait and no gateway answers; the last row is 20 s later",
        "rows": rows,
        "core_mb_max_after": rounded(core_mb_max),
        "ready_in_queues": waiting,
        "seconds": rounded(took),
        "load": meter::load(),
    }))
}

/// Orders that no worker has: core holds what is missing.
async fn waiting(ground: &Ground) -> anyhow::Result<u32> {
    let connection = Connection::connect(&ground.rabbitmq.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let settings = ground.keys.config(&Variables::new())?.file.bus;
    let names = Names::new(&settings.prefix);
    let partitions = (0..settings.partitions).flat_map(|partition| names.partition(partition));
    let mut waiting = 0;
    for queue in partitions.chain(names.common()) {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let state = channel.queue_declare(queue.name.into(), passive, FieldTable::default()).await?;
        waiting += state.message_count();
    }
    Ok(waiting)
}

fn row(orders: usize, pids: &[(&'static str, u32)]) -> anyhow::Result<Value> {
    let mut row = serde_json::Map::new();
    row.insert("orders".into(), json!(orders));
    for (name, pid) in pids {
        row.insert(format!("{name}_mb"), json!(rounded(resident_kb(*pid)? / 1024.0)));
    }
    Ok(row.into())
}
