//! What the scenarios share: turns, rounds, and what must hold after each.

use reqwest::Method;
use serde_json::Value;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::tally;
use tiffin_tests::chaos::tally::Tally;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

/// Orders a second.
pub const LOAD: u32 = 50;
/// The sandbox remembers ten thousand messages, and no scenario may outgrow it before it is counted.
const ROUNDS_AT_ONCE: usize = 20;

/// Scenarios at once: each is a load of its own.
const TURNS_MAX: u32 = 2;
static TURNS: Semaphore = Semaphore::const_new(TURNS_MAX as usize);

pub async fn turn() -> SemaphorePermit<'static> {
    TURNS.acquire().await.unwrap()
}

/// For a scenario that says how soon something happens: another one's load would be in the answer.
pub async fn alone() -> SemaphorePermit<'static> {
    TURNS.acquire_many(TURNS_MAX).await.unwrap()
}

/// As it stands in the repository.
pub fn unchanged(settings: &str) -> String {
    settings.to_owned()
}

/// With its first gateway alone.
pub fn one_gateway(settings: &str) -> String {
    settings.split("# A second account is another way").next().unwrap_or_default().to_owned()
}

/// Breaks something so often, under load, and returns what became of the orders of each batch of rounds.
pub async fn rounds(
    fleet: &mut Fleet,
    name: &str,
    repeats: usize,
    mut breaks: impl AsyncFnMut(&mut Fleet, usize) -> anyhow::Result<()>,
) -> anyhow::Result<Tally> {
    let mut all = Tally::default();
    let rounds: Vec<usize> = (0..repeats).collect();
    for batch in rounds.chunks(ROUNDS_AT_ONCE) {
        let load = Load::start(&fleet.feeder, LOAD);
        for round in batch {
            breaks(fleet, *round).await?;
        }
        load.stop().await?;
        let tally = tally::settle(fleet, &format!("{name}, {} times", batch.len())).await?;
        add(&mut all, &tally);
        clear(fleet).await?;
    }
    Ok(all)
}

/// **accepted-is-durable** and **never-stale**, whatever happened.
pub fn holds(tally: &Tally) {
    assert!(tally.accepted > 0, "nothing was accepted: {tally:?}");
    assert_eq!((tally.lost, tally.stale), (0, 0), "{tally:?}");
}

/// And nothing came twice but where a receipt did not come in time.
pub fn holds_once(tally: &Tally) {
    holds(tally);
    assert_eq!(tally.duplicates, tally.silent, "{tally:?}");
}

pub fn add(all: &mut Tally, more: &Tally) {
    all.accepted += more.accepted;
    all.once += more.once;
    all.duplicates += more.duplicates;
    all.silent += more.silent;
    all.lost += more.lost;
    all.stale += more.stale;
    all.over += more.over;
    all.again += more.again;
    all.p99_ms = all.p99_ms.max(more.p99_ms);
}

/// Scripts a gateway's fault.
pub async fn fault(fleet: &Fleet, gateway: &str, script: &Value) -> anyhow::Result<()> {
    let url = format!("{}/faults/{gateway}", fleet.client.sandbox);
    let headers = [("content-type", "application/json")];
    let reply = fleet.client.raw(Method::PUT, url, &headers, serde_json::to_vec(script)?).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(())
}

/// What was asked of a gateway.
pub async fn calls(fleet: &Fleet, gateway: &str) -> anyhow::Result<Value> {
    let url = format!("{}/calls/{gateway}", fleet.client.sandbox);
    Ok(fleet.client.raw(Method::GET, url, &[], Vec::new()).await?.body)
}

/// Empties the inbox and the counts.
pub async fn clear(fleet: &Fleet) -> anyhow::Result<()> {
    for path in ["inbox", "calls/twilio-sms", "calls/twilio-sms-2"] {
        let url = format!("{}/{path}", fleet.client.sandbox);
        fleet.client.raw(Method::DELETE, url, &[], Vec::new()).await?;
    }
    Ok(())
}
