//! A gateway goes dark at a hundred orders a second; and what retries look like when there is nowhere else to go.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::OPEN_MS;
use tiffin_shared::gateway::SLOW_MS;
use tiffin_shared::order::Attempt;
use tiffin_shared::order::BACKOFF;
use tiffin_tests::chaos::feeder::Ordered;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;
use tokio::time::sleep;

use crate::common;

const PER_SECOND: u32 = 100;
/// After this many orders without a call, the gateway is passed by. Orders, not time: a machine that stands still calls nobody.
const QUIET: usize = 2 * PER_SECOND as usize;
/// All workers hear of it within a second; the rest is this machine.
const ELSEWHERE_MAX: Duration = Duration::from_secs(4);
const SOON_MS: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_gateway_that_goes_dark_is_passed_by_and_probed_once() -> anyhow::Result<()> {
    let _turn = common::alone().await;
    goes_dark("http_500", Duration::ZERO).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_gateway_that_hangs_is_passed_by_before_its_first_call_runs_out() -> anyhow::Result<()> {
    let _turn = common::alone().await;
    goes_dark("timeout", Duration::from_millis(SLOW_MS)).await
}

/// `hangs`: how long a call takes before it speaks against its gateway.
async fn goes_dark(mode: &str, hangs: Duration) -> anyhow::Result<()> {
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::unchanged).await?;
    let load = Load::ordinary(&fleet.feeder, PER_SECOND);
    sleep(Duration::from_secs(1)).await;
    // Its first calls were well: it is the one with a past that goes dark.
    let dark_at = Instant::now();
    common::fault(&fleet, "twilio-sms", &json!({"mode": mode})).await?;
    let (failed, opened_at) = until_quiet(&fleet, dark_at).await?;
    let elsewhere = opened_at - dark_at;
    let cooldown = Duration::from_millis(OPEN_MS) + Duration::from_secs(3);
    sleep(cooldown.saturating_sub(opened_at.elapsed())).await;
    let probes = refused(&common::calls(&fleet, "twilio-sms").await?) - failed;
    load.stop().await?;
    let orders = fleet.feeder.orders();
    let arrivals = tally::arrivals(&fleet).await?;
    let soon = orders.iter().filter(|order| came_soon(order, &arrivals)).count();
    let tally = tally::settle(&fleet, &format!("gateway dark: {mode}")).await?;
    show(&format!(
        "breaker, {mode}: {failed} calls failed until it opened, {} ms until all went elsewhere, {probes} probe in the \
         cooldown after, {soon} of {} orders delivered within 10 s",
        elsewhere.as_millis(),
        tally.accepted
    ));
    common::holds_once(&tally);
    assert!(elsewhere < hangs + ELSEWHERE_MAX, "{elsewhere:?}");
    assert_eq!(probes, 1);
    assert!(soon * 100 >= tally.accepted * 99, "{soon} of {}", tally.accepted);
    Ok(())
}

fn came_soon(order: &Ordered, arrivals: &tally::Arrivals) -> bool {
    let came = arrivals.get(&(order.phone.clone(), order.code.clone()));
    let first = came.and_then(|came| came.first());
    order.accepted_at.is_some_and(|at| first.is_some_and(|arrival| arrival.at <= at.plus(SOON_MS)))
}

/// Failed calls, and when the last one came.
async fn until_quiet(fleet: &Fleet, since: Instant) -> anyhow::Result<(u64, Instant)> {
    let (mut failed, mut last, mut made) = (0, since, 0);
    let deadline = since + wait::DEADLINE;
    while failed == 0 || fleet.feeder.orders().len() < made + QUIET {
        anyhow::ensure!(
            Instant::now() < deadline,
            "still called after {:?}: {failed} calls",
            since.elapsed()
        );
        let now = refused(&common::calls(fleet, "twilio-sms").await?);
        if now > failed {
            (failed, last, made) = (now, Instant::now(), fleet.feeder.orders().len());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok((failed, last))
}

fn refused(calls: &Value) -> u64 {
    calls["refused"].as_object().map_or(0, |all| all.values().filter_map(Value::as_u64).sum())
}

const RETRYING: usize = 350;
/// Retries of each order that are looked at: waits of one, two and four seconds.
const RETRIES: usize = 3;
/// From a wake-up to the next call's end, on a busy machine.
const LATE_MS: u64 = 5_000;
const SLOT_MS: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_thousand_retries_keep_their_backoff_and_do_not_come_as_a_herd() -> anyhow::Result<()> {
    let _turn = common::alone().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::one_gateway).await?;
    common::fault(&fleet, "twilio-sms", &json!({"mode": "http_500"})).await?;
    // Otherwise the breaker, not the backoff, says when to come again.
    fleet.force("twilio-sms", Some(Forced::Closed)).await?;
    let load = Load::ordinary(&fleet.feeder, 200);
    let look = || std::future::ready(Ok(fleet.feeder.orders().len()));
    wait::until("orders", look, |made| *made >= RETRYING).await?;
    load.stop().await?;
    let tried = |order: &Ordered| fleet.played.told(&order.id).map_or(0, |event| event.attempts.len());
    let look =
        || std::future::ready(Ok(fleet.feeder.orders().iter().filter(|it| tried(it) <= RETRIES).count()));
    wait::until("retries", look, |behind| *behind == 0).await?;
    common::fault(&fleet, "twilio-sms", &json!({"mode": "ok"})).await?;

    let mut waits = vec![Vec::new(); RETRIES];
    let mut slots = std::collections::BTreeMap::<u64, usize>::new();
    for order in fleet.feeder.orders() {
        let attempts: Vec<Attempt> = fleet.played.told(&order.id).unwrap().attempts;
        for (n, pair) in attempts.windows(2).take(RETRIES).enumerate() {
            waits[n].push(pair[1].at.since(pair[0].at));
            *slots.entry(pair[1].at.0 / SLOT_MS).or_default() += 1;
        }
    }
    let peak = slots.values().max().copied().unwrap_or(0);
    for (n, waits) in waits.iter_mut().enumerate() {
        check(u32::try_from(n)?, waits);
    }
    let retries: usize = waits.iter().map(Vec::len).sum();
    show(&format!("backoff: {retries} retries, at most {peak} of them in {SLOT_MS} ms"));
    assert!(retries >= 1_000 && peak * 10 < retries, "a herd: {peak} of {retries} at once");
    let tally = tally::settle(&fleet, "backoff").await?;
    common::holds_once(&tally);
    Ok(())
}

/// Every wait is the formula's or a little longer, and they fill its spread.
fn check(n: u32, waits: &mut [u64]) {
    waits.sort_unstable();
    let least = BACKOFF.delay_ms(n, 0);
    let spread = (BACKOFF.base_ms << n) / 2;
    // The last bar is what came late: the machine's share, not the formula's.
    let mut bars = [0; 11];
    for wait in waits.iter() {
        let bar = wait.saturating_sub(least) * 10 / spread;
        bars[usize::try_from(bar).unwrap_or(10).min(10)] += 1;
    }
    show(&format!(
        "backoff {n}: {least} to {} ms, observed {:?} to {:?}, in tenths of the spread {bars:?}",
        least + spread,
        waits.first(),
        waits.last()
    ));
    assert!(waits[0] >= least, "{} ms is too soon", waits[0]);
    let late = waits[waits.len() - 1];
    assert!(late <= least + spread + LATE_MS, "{late} ms is too late");
    assert!(bars.iter().take(10).all(|bar| bar * 4 < waits.len()), "not spread: {bars:?}");
}
