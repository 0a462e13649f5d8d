//! One script, every host: memory, Redis and the Durable Object under workerd must answer alike.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

mod accounts;
mod desk;
mod exhibits;
mod guards;
mod hooks;
mod hosts;
mod operators;
mod races;
mod routes;
mod script;
mod wakes;

use std::sync::Arc;

use tiffin_core::store::Key;
use tiffin_shared::bytes;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::nonce;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::order;
use tiffin_shared::order::Order;
use tiffin_shared::reference;
use tiffin_shared::reference::Index;
use tiffin_shared::reference::Reference;
use tiffin_shared::series::Series;
use tiffin_shared::sign::NONCE_MEMORY_MS;
use tiffin_shared::tally::Tally;

use crate::hosts::Hosts;
use crate::script::Script;

/// Commands per machine. Enough to reach every limit many times over.
const LEDGER_COMMANDS: usize = 4_000;
const ORDER_COMMANDS: usize = 4_000;
const NONCE_COMMANDS: usize = 1_000;
const TALLY_COMMANDS: usize = 6_000;
/// A failure prints the step; the script is the same for the same seed.
const SEED: u64 = 20_261_120;

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_redis_and_the_durable_object_give_the_same_answers() -> anyhow::Result<()> {
    let hosts = Hosts::start().await?;
    let mut script = Script::new(SEED);
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for step in 0..LEDGER_COMMANDS {
        let (ledger, event) = script.ledger_event();
        let key = Key::ledger(ledger);
        let command = || ledger::Command {
            keys: hosts.keys.clone(),
            entropy: event.entropy.clone(),
            ask: event.ask.clone(),
        };
        let memory = hosts.memory.apply::<Ledger>(&key, &command(), event.now).await?;
        let redis = hosts.redis.apply::<Ledger>(&key, &command(), event.now).await?;
        let object = hosts.ask_object(ledger, &event).await?;
        assert_eq!(memory.outcome, redis.outcome, "step {step}, seed {SEED}");
        assert_eq!(memory.due, redis.due, "step {step}, seed {SEED}");
        assert_eq!(memory.outcome, object, "step {step}, seed {SEED}");
        script.learn(&hosts.workers, &memory);
        *kinds.entry(kind(&memory.outcome)).or_default() += 1;
    }
    println!("{LEDGER_COMMANDS} ledger commands on three hosts, 0 differences: {kinds:?}");
    for outcome in [
        "Created",
        "Found",
        "IdempotencyMismatch",
        "RateLimited",
        "WrongCode",
        "Verified",
        "Locked",
        "Unlocked",
    ] {
        assert!(kinds.contains_key(outcome), "the script never reached {outcome}: {kinds:?}");
    }
    Ok(())
}

fn kind(outcome: &ledger::Outcome) -> String {
    match outcome {
        ledger::Outcome::Verified { result, .. } => format!("{result:?}"),
        ledger::Outcome::Created { .. } => "Created".into(),
        ledger::Outcome::Erased { .. } => "Erased".into(),
        ledger::Outcome::Found(_) => "Found".into(),
        ledger::Outcome::RateLimited { .. } => "RateLimited".into(),
        ledger::Outcome::Unlocked { .. } => "Unlocked".into(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_order_records_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut decisions = std::collections::BTreeSet::new();
    for step in 0..ORDER_COMMANDS {
        let (order, now, entropy, ask) = script.order_ask();
        let command = || order::Command { entropy: entropy.clone(), ask: ask.clone() };
        let key = Key::order(&order);
        let memory = hosts.memory.apply::<Order>(&key, &command(), now).await?;
        let redis = hosts.redis.apply::<Order>(&key, &command(), now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        let name = format!("{:?}", memory.decision);
        decisions.insert(name.split([' ', '(']).next().unwrap_or_default().to_owned());
    }
    assert_eq!(decisions.len(), 5, "the script reached only {decisions:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn a_nonce_is_fresh_once_on_every_host() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    for step in 0..NONCE_COMMANDS {
        let (nonce, now) = script.nonce();
        let once = nonce::Command { keep_ms: NONCE_MEMORY_MS };
        let memory = hosts.memory.apply::<Nonce>(&Key::nonce(nonce), &once, now).await?;
        let redis = hosts.redis.apply::<Nonce>(&Key::nonce(nonce), &once, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn a_message_is_one_orders_on_every_host() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let gateway = GatewayId::parse("alpha")?;
    let mut known = 0;
    for step in 0..NONCE_COMMANDS {
        let (nonce, now) = script.nonce();
        let key = Key::reference(&gateway, &bytes::encode(&nonce));
        let order = OrderId::new(nonce, LedgerId::new([7; 16]));
        let keep = reference::Command::Keep(Reference { order, n: u32::try_from(step)? + 1 });
        let command = if step % 3 == 0 { reference::Command::Look } else { keep };
        let memory = hosts.memory.apply::<Index>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<Index>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        known += usize::from(memory.is_some());
    }
    assert!(known > 0 && known < NONCE_COMMANDS, "the script found {known}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_tallies_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut days, mut largest) = (std::collections::BTreeSet::new(), 0);
    for step in 0..TALLY_COMMANDS {
        let (tenant, now, command) = script.tally();
        let memory = hosts.memory.apply::<Tally>(&Key::tally(&tenant), &command, now).await?;
        let redis = hosts.redis.apply::<Tally>(&Key::tally(&tenant), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        days.insert(memory.day);
        largest = largest.max(memory.orders);
    }
    assert!(days.len() > 2 && largest > 1_000, "the script reached only {days:?} and {largest}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_series_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut slots = 0;
    for step in 0..TALLY_COMMANDS {
        let (period, now, command) = script.series();
        let memory = hosts.memory.apply::<Series>(&Key::series(period), &command, now).await?;
        let redis = hosts.redis.apply::<Series>(&Key::series(period), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        slots = slots.max(memory.len());
    }
    assert!(slots > 10, "the script reached only {slots} slots");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: make test"]
async fn racing_writers_of_two_processes_admit_three_orders_and_evaluate_five_guesses() -> anyhow::Result<()>
{
    // Two stores of one Redis stand for two processes: their lanes do not know of each other.
    let hosts = Arc::new(Hosts::without_object().await?);
    let admitted = races::race_creates(&hosts).await?;
    assert_eq!(admitted, 3);
    let (wrong, locked) = races::race_guesses(&hosts).await?;
    assert_eq!((wrong, locked), (5, races::RACERS - 5));
    Ok(())
}
