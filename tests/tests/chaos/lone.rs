//! Orders that have one way out only: it is slow, it hangs for a while, or it is gone, and others must not wait for them.

use std::time::Duration;

use serde_json::json;
use tiffin_shared::country::Country;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::SLOW_MS;
use tiffin_tests::chaos::feeder::Feeder;
use tiffin_tests::chaos::feeder::Ordered;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::common;

/// Orders of the country whose gateway is gone: several times what two processes may have in hand.
const STUCK: usize = 400;
const OTHERS: usize = 40;
/// Seconds on a busy machine; where they had to wait for the others, minutes.
const OTHERS_MS_MAX: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_country_whose_only_gateway_is_gone_keeps_nobody_elses_orders_waiting() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], two_countries).await?;
    fleet.force("twilio-sms", Some(Forced::Open)).await?;
    order(&fleet.feeder, "DE", STUCK).await?;
    let others = order(&fleet.feeder, "IN", OTHERS).await?;
    let look = || async {
        let arrivals = tally::arrivals(&fleet).await?;
        Ok(others.iter().filter(|it| arrivals.contains_key(&(it.phone.clone(), it.code.clone()))).count())
    };
    wait::until("the other country's orders", look, |came| *came == OTHERS).await?;
    let arrivals = tally::arrivals(&fleet).await?;
    let mut waits: Vec<u64> = others
        .iter()
        .filter_map(|it| Some(arrivals[&(it.phone.clone(), it.code.clone())][0].at.since(it.accepted_at?)))
        .collect();
    waits.sort_unstable();
    let slowest = waits.last().copied().unwrap_or_default();
    show(&format!("dead country: {STUCK} orders wait, {OTHERS} others came within {slowest} ms"));
    assert!(slowest < OTHERS_MS_MAX, "{waits:?}");
    fleet.force("twilio-sms", None).await?;
    let tally = tally::settle(&fleet, "a country's only gateway gone, and back").await?;
    common::holds_once(&tally);
    assert_eq!((tally.accepted, tally.once), (STUCK + OTHERS, STUCK + OTHERS));
    Ok(())
}

/// A gateway each, and little room.
fn two_countries(settings: &str) -> String {
    let only = |name: &str, country: &str| format!("name = \"{name}\"\ncountries = [\"{country}\"]");
    settings
        .replace("name = \"twilio-sms\"", &only("twilio-sms", "DE"))
        .replace("name = \"twilio-sms-2\"", &only("twilio-sms-2", "IN"))
        .replace("jobs = 4096", "jobs = 64")
        .replace("prefetch = 512", "prefetch = 16")
}

async fn order(feeder: &Feeder, country: &str, count: usize) -> anyhow::Result<Vec<Ordered>> {
    let mut orders = JoinSet::new();
    for _ in 0..count {
        let (feeder, country) = (feeder.clone(), Some(Country::parse(country)?));
        orders.spawn(async move { feeder.order(&Wish { country, ..Wish::default() }).await });
    }
    let all = orders.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    // As they are now, and not as they were made.
    let ids: Vec<_> = all.iter().map(|order| &order.id).collect();
    Ok(feeder.orders().into_iter().filter(|order| ids.contains(&&order.id)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_lone_gateway_that_is_slow_is_better_than_none() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::one_gateway).await?;
    common::fault(&fleet, "twilio-sms", &json!({"mode": "ok", "latency_ms": SLOW_MS + 1_000})).await?;
    let load = Load::ordinary(&fleet.feeder, common::LOAD);
    // The first slow calls have opened its breaker, and others follow.
    sleep(Duration::from_millis(2 * SLOW_MS)).await;
    load.stop().await?;
    let tally = tally::settle(&fleet, "a lone gateway is slow").await?;
    common::holds_once(&tally);
    assert_eq!(tally.once, tally.accepted, "{tally:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_lone_gateway_that_hung_is_probed_by_the_orders_that_wait_for_it() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::one_gateway).await?;
    common::fault(&fleet, "twilio-sms", &json!({"mode": "timeout", "for_ms": 20_000})).await?;
    // All at once: no later order comes to make the probe.
    order(&fleet.feeder, "IN", OTHERS).await?;
    let tally = tally::settle(&fleet, "a lone gateway hung").await?;
    common::holds_once(&tally);
    assert_eq!((tally.accepted, tally.once), (OTHERS, OTHERS), "{tally:?}");
    Ok(())
}
