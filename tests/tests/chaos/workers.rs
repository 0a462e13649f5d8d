//! Processes that are killed, and processes that are asked to stop.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;
use tiffin_tests::chaos::feeder::Ordered;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::repeats;
use tiffin_tests::chaos::tally;
use tiffin_tests::process::signal;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;

use crate::common;

/// What a process may take to end after SIGTERM: its drain, its last counts, and a busy machine.
const END_MAX: Duration = Duration::from_secs(19);
/// How long the provider takes.
const ANSWERS_AFTER_MS: u64 = 300;
const GATEWAYS: [&str; 2] = ["twilio-sms", "twilio-sms-2"];

/// In turns: its calls have not reached the provider, or the provider has taken them and its answers, and receipts, are
/// still to come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_worker_killed_between_call_and_acknowledgement_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet =
        Fleet::start(Backing::Shared, &["ingest,callbacks,deliver", "deliver"], common::unchanged).await?;
    let taken = json!({"mode": "late_receipt", "latency_ms": ANSWERS_AFTER_MS, "receipt_after_ms": 2_000});
    let tally = common::rounds(&mut fleet, "worker killed", repeats(3), async |fleet, round| {
        let is_taken = round % 2 == 1;
        let script =
            if is_taken { taken.clone() } else { json!({"mode": "ok", "latency_ms": ANSWERS_AFTER_MS}) };
        for gateway in GATEWAYS {
            common::fault(fleet, gateway, &script).await?;
        }
        until_served(fleet, 40).await?;
        if is_taken {
            // Frozen, it hears no answer; this is how long the provider takes for what was sent before.
            signal("STOP", fleet.core(1)?.process.as_ref().unwrap().pid());
            tokio::time::sleep(Duration::from_millis(ANSWERS_AFTER_MS + 100)).await;
        }
        fleet.kill_core(1)?;
        for gateway in GATEWAYS {
            common::fault(fleet, gateway, &json!({"mode": "ok"})).await?;
        }
        fleet.start_core(1).await?;
        until_served(fleet, 40).await
    });
    common::holds_once(&tally.await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn core_killed_at_ingest_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Shared, &["ingest,callbacks", ALL], common::unchanged).await?;
    let tally = common::rounds(&mut fleet, "core killed at ingest", repeats(3), async |fleet, _| {
        until_served(fleet, 30).await?;
        fleet.kill_core(0)?;
        until_served(fleet, 30).await?;
        fleet.start_core(0).await
    });
    common::holds_once(&tally.await?);
    Ok(())
}

/// A rolling restart: each process in turn is asked to stop while it works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_process_that_is_asked_to_stop_ends_in_time_and_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::unchanged).await?;
    for gateway in GATEWAYS {
        common::fault(&fleet, gateway, &json!({"mode": "ok", "latency_ms": 200})).await?;
    }
    let mut longest = Duration::ZERO;
    let tally = common::rounds(&mut fleet, "asked to stop", repeats(3), async |fleet, round| {
        until_served(fleet, 40).await?;
        let number = round % 2;
        let process = fleet.core(number)?.process.as_mut().unwrap();
        let asked_at = Instant::now();
        signal("TERM", process.pid());
        let look = || std::future::ready(Ok(process.is_running()));
        wait::until_within(END_MAX, "the process's end", look, |running| !running).await?;
        longest = longest.max(asked_at.elapsed());
        fleet.core(number)?.process = None;
        fleet.start_core(number).await
    });
    let tally = tally.await?;
    tiffin_tests::chaos::show(&format!("asked to stop: the longest end took {} ms", longest.as_millis()));
    common::holds_once(&tally);
    Ok(())
}

/// Waits until so many more orders have arrived: there is work under way.
pub async fn until_served(fleet: &Fleet, more: usize) -> anyhow::Result<()> {
    let look = || async { Ok(tally::arrivals(fleet).await?.len()) };
    let before = look().await?;
    wait::until("work under way", look, |now| *now >= before + more).await.map(drop).map_err(|error| {
        let open: Vec<Ordered> =
            fleet.feeder.orders().into_iter().filter(|it| it.accepted_at.is_none()).collect();
        error.context(format!("{} orders are not accepted", open.len()))
    })
}
