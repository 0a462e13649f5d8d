//! RabbitMQ stopped under load: core refuses and keeps its memory. And what a load leaves behind in Redis.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::AsyncCommands;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::stack::Backing;
use tokio::task::JoinSet;

use crate::common;
use crate::servers::until_accepted;

/// Jobs that come while there is no queue.
const REFUSED: usize = 1_500;
const AT_ONCE: usize = 50;
/// What a process may grow by meanwhile.
const GROWTH_KB_MAX: u64 = 32 * 1024;
const ANSWER_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts its own Redis and RabbitMQ: make test"]
async fn without_a_queue_ingest_refuses_and_keeps_its_memory() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Own, &[ALL, ALL], common::unchanged).await?;
    let load = Load::ordinary(&fleet.feeder, common::LOAD);
    until_accepted(&fleet, 200).await?;
    load.stop().await?;
    tally::settle(&fleet, "before RabbitMQ stopped").await?;

    fleet.rabbitmq.as_mut().unwrap().stop();
    let before = memory_kb(&mut fleet)?;
    let feeder = fleet.strange_feeder()?;
    for _ in 0..REFUSED / AT_ONCE {
        let mut refused = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (feeder, (_, job)) = (feeder.clone(), feeder.make(&Wish::default())?);
            refused.spawn(async move { tokio::time::timeout(ANSWER_MAX, feeder.hand_over(&job)).await? });
        }
        while let Some(answer) = refused.join_next().await {
            let (status, retry_after) = answer??;
            assert_eq!((status, retry_after.is_some()), (503, true));
        }
    }
    let after = memory_kb(&mut fleet)?;
    show(&format!(
        "back-pressure: {REFUSED} jobs answered 503 with Retry-After; memory before and after: {before:?} and {after:?} KB"
    ));
    for (before, after) in before.iter().zip(&after) {
        assert!(after.saturating_sub(*before) < GROWTH_KB_MAX, "{before} KB grew to {after} KB");
    }
    let load = Load::ordinary(&fleet.feeder, common::LOAD);
    fleet.rabbitmq.as_mut().unwrap().start().await?;
    until_accepted(&fleet, 100).await?;
    load.stop().await?;
    let tally = tally::settle(&fleet, "RabbitMQ stopped").await?;
    common::holds_once(&tally);
    everything_ends(&fleet).await
}

fn memory_kb(fleet: &mut Fleet) -> anyhow::Result<Vec<u64>> {
    let pids = fleet.cores.iter().filter_map(|core| core.process.as_ref()).map(|process| process.pid());
    pids.map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    })
    .collect()
}

/// Retention: nothing is kept for ever.
async fn everything_ends(fleet: &Fleet) -> anyhow::Result<()> {
    let client = redis::Client::open(fleet.variable("REDIS_URL")?)?;
    let mut store = client.get_multiplexed_async_connection().await?;
    let prefix = fleet.variable("TIFFIN_STORE_PREFIX")?;
    let look = store.scan_match::<_, String>(format!("{prefix}:*")).await?;
    let keys: Vec<String> =
        futures::StreamExt::collect::<Vec<_>>(look).await.into_iter().collect::<Result<_, _>>()?;
    let mut kinds = BTreeMap::<String, (usize, i64, i64)>::new();
    for key in &keys {
        let ttl: i64 = store.ttl(key).await?;
        // Gone since.
        if ttl == -2 {
            continue;
        }
        let kind = key[prefix.len() + 1..].split(":{").next().unwrap_or_default().to_owned();
        let (count, least, most) = kinds.entry(kind).or_insert((0, i64::MAX, i64::MIN));
        (*count, *least, *most) = (*count + 1, (*least).min(ttl), (*most).max(ttl));
    }
    for (kind, (count, least, most)) in &kinds {
        show(&format!("| {kind} | {count} keys | {least} s | {most} s |"));
    }
    assert!(keys.len() > 200, "{} keys", keys.len());
    let endless: Vec<_> = kinds.iter().filter(|(_, (_, least, _))| *least < 0).collect();
    assert!(endless.is_empty(), "kept for ever: {endless:?}");
    Ok(())
}
