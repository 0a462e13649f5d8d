//! RabbitMQ and Redis killed and back, and connections cut.

use std::time::Duration;

use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::repeats;
use tiffin_tests::chaos::tally;
use tiffin_tests::chaos::tally::Tally;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;
use tokio::time::sleep;

use crate::common;

/// How long a server stays away: longer than one call's deadline, shorter than a provider goes on telling.
const AWAY: Duration = Duration::from_millis(1_500);
/// Connections are made again at once; the rest is a busy machine.
const BACK_MS_MAX: u64 = 5_000;
/// Redis writes its log to disk every second; a killed one may forget that much.
const REDIS_FORGETS_MS: u64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts its own Redis and RabbitMQ: make test"]
async fn servers_that_are_killed_lose_nothing() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Own, &[ALL, ALL], common::unchanged).await?;
    let tally = common::rounds(&mut fleet, "RabbitMQ killed", repeats(2), async |fleet, _| {
        until_accepted(fleet, 60).await?;
        let rabbitmq = fleet.rabbitmq.as_mut().unwrap();
        rabbitmq.kill();
        rabbitmq.start().await?;
        until_accepted(fleet, 60).await
    });
    common::holds_once(&tally.await?);

    let tally = common::rounds(&mut fleet, "Redis killed", repeats(3), async |fleet, _| {
        until_accepted(fleet, 60).await?;
        let redis = fleet.redis.as_mut().unwrap();
        redis.kill();
        sleep(AWAY).await;
        redis.start().await?;
        until_accepted(fleet, 60).await
    });
    let tally = tally.await?;
    common::holds(&tally);
    // A record that was forgotten is made again from its job, and may then be sent again.
    let at_most = repeats(3) * usize::try_from(u64::from(common::LOAD) * REDIS_FORGETS_MS / 1_000)?;
    assert!(tally.duplicates <= at_most, "more than a forgotten second explains: {tally:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn connections_that_are_cut_lose_and_double_nothing() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Shared, &[ALL, ALL], common::unchanged).await?;
    let tally: Tally = common::rounds(&mut fleet, "connections cut", repeats(8), async |fleet, _| {
        until_accepted(fleet, 40).await?;
        assert!(fleet.amqp.cut() >= 4, "nothing was cut");
        until_accepted(fleet, 40).await
    })
    .await?;
    common::holds_once(&tally);
    // However often: who is cut off for the eighth time comes back as soon as after the first.
    assert!(tally.p99_ms < BACK_MS_MAX, "{tally:?}");
    Ok(())
}

/// Waits until so many more orders were taken and have arrived.
pub async fn until_accepted(fleet: &Fleet, more: usize) -> anyhow::Result<()> {
    let accepted = || fleet.feeder.orders().iter().filter(|order| order.accepted_at.is_some()).count();
    let before = accepted();
    wait::until("acceptance", || std::future::ready(Ok(accepted())), |now| *now >= before + more).await?;
    let look = || async { Ok(tally::arrivals(fleet).await?.len()) };
    let before = look().await?;
    wait::until("arrivals", look, |now| *now > before).await.map(drop)
}
