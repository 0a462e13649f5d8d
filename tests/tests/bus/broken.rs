//! Connections, queues and the server itself go away, and come back.

use std::time::Duration;
use std::time::Instant;

use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::QueueDeleteOptions;
use tiffin_core::bus::Bus;
use tiffin_core::bus::Error;
use tiffin_core::bus::Target;
use tiffin_core::fleet::Fleet;
use tiffin_tests::proxy::Proxy;
use tiffin_tests::servers::Server;
use tiffin_tests::wait;

use crate::common;
use crate::common::Broker;
use crate::common::Log;
use crate::common::PARTITIONS;
use crate::common::Worker;

const WORK: Duration = Duration::from_millis(1);
const CUTS: usize = 4;
/// Twice what RabbitMQ 3.10 needs to remember a queue.
const AGE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn cut_connections_lose_nothing_and_keep_the_order() -> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let proxy = Proxy::to(broker.port()?).await?;
    let bus = broker.bus_at(&format!("amqp://{}", proxy.at)).await?;
    let log = Log::default();
    let worker = Worker::start(1, bus.clone(), &log, WORK)?;
    for round in 0..CUTS {
        // While jobs are published and worked on.
        let cutting = async {
            let look = || async { Ok(log.all().len()) };
            let done = log.all().len();
            wait::until("work under way", look, |now| *now > done + 20).await?;
            assert!(proxy.cut() >= 2, "nothing was cut");
            Ok(())
        };
        tokio::try_join!(common::publish(&bus, round * 20..(round + 1) * 20), cutting)?;
    }
    log.until_all(CUTS * 20).await?;
    let again = common::in_order(common::jobs(&log.all()));
    // What was under way, or confirmed without our hearing it, comes again; no more than was in the air.
    assert!(again <= CUTS * 40, "{again} jobs again");
    worker.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts its own RabbitMQ: make test"]
async fn what_was_confirmed_outlives_the_server_and_a_server_without_memory_is_told_apart()
-> anyhow::Result<()> {
    let mut broker = Broker::own().await?;
    let (bus, log) = (broker.bus().await?, Log::default());
    common::publish(&bus, 0..5).await?;
    aged(&bus).await?;
    own(&mut broker).stop();
    let error = bus.publish(Target::Jobs { partition: 0 }, "x:0", b"0:0").await;
    assert!(error.as_ref().is_err_and(common::is_away), "{error:?}");
    wait::until("not ready", || async { Ok(bus.is_ready()) }, |ready| !ready).await?;
    own(&mut broker).start().await?;
    common::publish(&bus, 5..6).await?;
    assert!(bus.is_ready());
    let worker = Worker::start(1, bus.clone(), &log, WORK)?;
    log.until_all(6).await?;
    own(&mut broker).kill();
    own(&mut broker).start().await?;
    common::publish(&bus, 6..9).await?;
    log.until_all(9).await?;
    common::in_order(common::jobs(&log.all()));

    let port = broker.port()?;
    common::rabbitmqctl(own(&mut broker), port, &["set_vm_memory_high_watermark", "0.00001"])?;
    let probe = || async { Ok(bus.publish(Target::Jobs { partition: 0 }, "x:1", b"0:9").await) };
    let blocked = wait::until("a refusal", probe, |answer| matches!(answer, Err(Error::Blocked))).await?;
    assert!(blocked.is_err() && !bus.is_ready());
    let begun = Instant::now();
    assert!(bus.publish(Target::Jobs { partition: 0 }, "x:2", b"0:9").await.is_err());
    assert!(begun.elapsed() < Duration::from_millis(500), "the caller waits: {:?}", begun.elapsed());
    common::rabbitmqctl(own(&mut broker), port, &["set_vm_memory_high_watermark", "0.9"])?;
    wait::until("taken again", probe, Result::is_ok).await??;
    worker.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn a_queue_that_is_deleted_is_made_again_and_the_other_partitions_do_not_notice() -> anyhow::Result<()>
{
    let broker = Broker::shared().await?;
    let bus = broker.bus().await?;
    let mut consumer = bus.consume(16, Fleet::new(PARTITIONS)?.shares());
    // Both partitions are registered before anything happens to one.
    common::insist(&bus, Target::Jobs { partition: 0 }, "0:9").await?;
    consumer.next().await.unwrap().ack().await;
    common::insist(&bus, Target::Jobs { partition: 1 }, "1:0").await?;
    let mut held = consumer.next().await.unwrap();
    assert!(held.begin());
    aged(&bus).await?;
    delete(&broker, &format!("{}.jobs.0", broker.prefix)).await?;
    common::insist(&bus, Target::Jobs { partition: 0 }, "0:0").await?;
    let next = tokio::time::timeout(wait::DEADLINE, consumer.next()).await?.unwrap();
    assert_eq!((next.partition, next.body.as_slice()), (0, &b"0:0"[..]));
    assert!(held.is_wanted(), "partition 1 was disturbed");
    held.ack().await;
    next.ack().await;
    consumer.close().await;

    // Nobody consumes: whoever publishes finds out, and makes it again.
    // What the wait above left there goes with it.
    for queue in ["jobs.2", "later.1", "dead"] {
        delete(&broker, &format!("{}.{queue}", broker.prefix)).await?;
    }
    bus.publish(Target::Jobs { partition: 2 }, "2:0", b"2:0").await?;
    bus.publish(Target::Later { partition: 2, delay: Duration::ZERO }, "2:1", b"2:1").await?;
    bus.publish(Target::Dead { partition: 2, reason: "test" }, "2:2", b"2:2").await?;
    let log = Log::default();
    let worker = Worker::start(1, bus.clone(), &log, WORK)?;
    wait::until("both", || async { Ok(log.all().len()) }, |done| *done == 2).await?;
    assert_eq!(bus.dead_list(9).await?.len(), 1);
    worker.stop().await
}

/// Returns when the queues have stood for a while. On a loaded machine a queue that was stopped or deleted within a second of
/// its making was seen to answer no more, or to send nothing; whose fault that is was not found.
async fn aged(bus: &Bus) -> anyhow::Result<()> {
    let begun = Instant::now();
    // The queues are there, and confirm, all the while.
    let look = || async {
        bus.publish(Target::Dead { partition: 0, reason: "test" }, "aged", b"aged").await?;
        Ok(begun.elapsed())
    };
    wait::until("age", look, |age| *age > AGE).await.map(drop)
}

async fn delete(broker: &Broker, queue: &str) -> anyhow::Result<()> {
    let connection = Connection::connect(&broker.url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
    Ok(())
}

fn own(broker: &mut Broker) -> &mut Server {
    broker.own.as_mut().unwrap()
}
