//! Several processes: who works on what, in which order, and who takes over.

use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tiffin_core::bus::Target;
use tiffin_core::fleet::Fleet;
use tiffin_shared::fleet;
use tiffin_tests::process::Process;
use tiffin_tests::wait;

use crate::common;
use crate::common::Broker;
use crate::common::KEYS;
use crate::common::Log;
use crate::common::PARTITIONS;
use crate::common::Worker;

const WORK: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn a_second_process_takes_its_share_under_load_and_nothing_is_lost_doubled_or_reordered()
-> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let (bus, log) = (broker.bus().await?, Log::default());
    let first = Worker::start(1, broker.bus().await?, &log, WORK)?;
    // More than the first can do at once: its prefetch is full, and more waits.
    common::publish(&bus, 0..60).await?;
    let second = Worker::start(2, broker.bus().await?, &log, WORK)?;
    let members = [first.fleet.id(), second.fleet.id()];
    first.fleet.see(&members);
    second.fleet.see(&members);
    let mut numbers = 60;
    // Load until the second has its share.
    while log.of(2) == 0 {
        common::publish(&bus, numbers..numbers + 1).await?;
        numbers += 1;
        assert!(numbers < 4_000, "the second process never worked");
    }
    common::publish(&bus, numbers..numbers + 20).await?;
    log.until_all(numbers + 20).await?;

    let owners = fleet::owners(&members, PARTITIONS);
    let look = || async {
        // Whose jobs come out where they belong.
        let before = log.all().len();
        for key in 0..KEYS {
            common::insist(&bus, Target::Jobs { partition: common::partition(key) }, "probe:0").await?;
        }
        let probes = || async { Ok(log.all().len() - before) };
        wait::until("probes done", probes, |done| *done == KEYS as usize).await?;
        Ok(log.all().split_off(before))
    };
    let is_settled = |done: &Vec<common::Done>| {
        done.iter().all(|done| owners[usize::from(done.partition)] == members[usize::from(done.worker) - 1])
    };
    wait::until("every partition at its owner", look, is_settled).await?;
    let all = log.all();
    let real: Vec<_> = all.into_iter().filter(|done| done.job != "probe:0").collect();
    assert_eq!(common::in_order(common::jobs(&real)), 0, "a job was done twice");
    first.stop().await?;
    second.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn the_stand_by_takes_over_when_the_active_process_is_killed() -> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let bus = broker.bus().await?;
    let dir = TempDir::new()?;
    // This program again, as a process of its own.
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "shares::worker_process", "--ignored", "--nocapture"]);
    command.env("TIFFIN_TEST_WORKER", &broker.url).env("TIFFIN_TEST_WORKER_PREFIX", &broker.prefix);
    let mut child = Process::start(&mut command, &dir.path().join("log"))?;
    common::insist(&bus, Target::Jobs { partition: 0 }, "0:0").await?;
    let begun = |log: &String| log.lines().filter(|line| line.starts_with("begun ")).count();
    wait::until("the process works", || async { Ok(child.log()) }, |log| begun(log) == 1).await?;
    let log = Log::default();
    let second = Worker::start(2, broker.bus().await?, &log, WORK)?;
    for n in 1..100 {
        common::insist(&bus, Target::Jobs { partition: 0 }, &common::job(0, n)).await?;
    }
    wait::until("the process works on", || async { Ok(child.log()) }, |log| begun(log) > 20).await?;
    assert_eq!(log.all(), [], "the stand-by worked beside it");
    child.kill();
    let look = || async { Ok(log.all().last().map(|done| done.job.clone())) };
    wait::until("the last job", look, |job| job.as_deref() == Some("0:99")).await?;
    let text = child.log();
    let first = text.lines().filter_map(|line| line.strip_prefix("begun "));
    let all = log.all();
    let again = common::in_order(first.chain(common::jobs(&all)));
    assert!(again <= 2, "{again} jobs again: one was begun, and one acknowledged too late");
    second.stop().await
}

#[tokio::test]
#[ignore = "a process of another test"]
async fn worker_process() -> anyhow::Result<()> {
    let Ok(url) = std::env::var("TIFFIN_TEST_WORKER") else { return Ok(()) };
    let prefix = std::env::var("TIFFIN_TEST_WORKER_PREFIX")?;
    let bus = tiffin_core::bus::Rabbit::connect(&url, &prefix, PARTITIONS).await?;
    let mut consumer = tiffin_core::bus::Bus::Rabbit(bus).consume(16, Fleet::new(PARTITIONS)?.shares());
    while let Some(mut delivery) = consumer.next().await {
        assert!(delivery.begin());
        println!("\nbegun {}", String::from_utf8_lossy(&delivery.body));
        tokio::time::sleep(5 * WORK).await;
        delivery.ack().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn what_was_put_back_comes_through_its_own_queue_and_fresh_jobs_do_not_wait_for_it()
-> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let (bus, log) = (broker.bus().await?, Log::default());
    let later = Target::Later { partition: 1, delay: Duration::from_millis(700) };
    common::insist(&bus, later, "1:0").await?;
    common::insist(&bus, Target::Jobs { partition: 1 }, "1:1").await?;
    let begun = std::time::Instant::now();
    let worker = Worker::start(1, bus, &log, WORK)?;
    wait::until("both", || async { Ok(log.all().len()) }, |done| *done == 2).await?;
    let done: Vec<_> = log.all().into_iter().map(|done| (done.job, done.is_retry, done.partition)).collect();
    assert_eq!(done, [("1:1".to_owned(), false, 1), ("1:0".to_owned(), true, 1)]);
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
    worker.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn closing_finishes_what_is_begun_and_gives_the_rest_back_in_order() -> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let (bus, log) = (broker.bus().await?, Log::default());
    for n in 0..10 {
        common::insist(&bus, Target::Jobs { partition: 0 }, &common::job(0, n)).await?;
    }
    let mut consumer = bus.consume(8, Fleet::new(PARTITIONS)?.shares());
    let mut held = Vec::new();
    while held.len() < 5 {
        held.push(consumer.next().await.unwrap());
    }
    let mut first = held.remove(0);
    assert!(first.begin());
    let closing = tokio::spawn(consumer.close());
    first.unwanted().await;
    assert!(!held[0].begin(), "begun after it was given up");
    assert!(!closing.is_finished());
    first.ack().await;
    closing.await?;
    // To a channel that is closed: no error, and no effect.
    held.pop().unwrap().ack().await;
    let worker = Worker::start(1, bus, &log, WORK)?;
    wait::until("the rest", || async { Ok(log.all().len()) }, |done| *done == 9).await?;
    let expected: Vec<_> = (1..10).map(|n| common::job(0, n)).collect();
    assert!(common::jobs(&log.all()).eq(expected.iter()), "{:?}", log.all());
    worker.stop().await
}
