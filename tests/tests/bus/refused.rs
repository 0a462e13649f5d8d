//! A queue that is full, a consumer that is sent nothing, and an operators' API without its token.

use std::process::Command;
use std::time::Duration;

use futures::StreamExt;
use lapin::Channel;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::Consumer;
use lapin::options::BasicConsumeOptions;
use lapin::options::BasicQosOptions;
use lapin::types::FieldTable;
use reqwest::Method;
use tiffin_core::bus::Error;
use tiffin_core::bus::Target;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_core::fleet::Fleet;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::chaos::fleet;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::tiffin;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;
use tokio::time::timeout;

use crate::common;
use crate::common::Broker;
use crate::common::PARTITIONS;

/// Longer than the watchdog's three looks.
const WATCHED: Duration = Duration::from_secs(40);

/// The queue's own limit, made small: RabbitMQ then answers nack, and the edge keeps its job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts its own RabbitMQ: make test"]
async fn a_full_queue_is_told_apart_and_ingest_answers_503_until_there_is_room() -> anyhow::Result<()> {
    let fleet = fleet::Fleet::start(Backing::Own, &["ingest,callbacks"], str::to_owned).await?;
    let server = fleet.rabbitmq.as_ref().unwrap();
    let pattern = format!("^{}\\.jobs\\.", fleet.variable("TIFFIN_BUS_PREFIX")?);
    let policy = ["set_policy", "--apply-to", "queues", "small", &pattern, r#"{"max-length":5}"#];
    common::rabbitmqctl(server, server.port(), &policy)?;
    let refused = || async {
        let (_, job) = fleet.feeder.make(&Wish::default())?;
        Ok((fleet.feeder.hand_over(&job).await?, job))
    };
    let ((_, retry_after), job) =
        wait::until("a full queue", refused, |((status, _), _)| *status == 503).await?;
    assert!(retry_after.is_some());
    wait::until("why", || std::future::ready(Ok(fleet.log(0))), |log| log.contains("the queue is full"))
        .await?;
    common::rabbitmqctl(server, server.port(), &["clear_policy", "small"])?;
    let again = || async { fleet.feeder.hand_over(&job).await };
    wait::until("room", again, |(status, _)| *status == 202).await.map(drop)
}

#[tokio::test]
#[ignore = "starts its own RabbitMQ: make test"]
async fn a_full_queue_is_an_error_of_its_own() -> anyhow::Result<()> {
    let broker = Broker::own().await?;
    let (bus, server) = (broker.bus().await?, broker.own.as_ref().unwrap());
    let policy = ["set_policy", "--apply-to", "queues", "small", "\\.jobs\\.0$", r#"{"max-length":3}"#];
    common::rabbitmqctl(server, server.port(), &policy)?;
    let publish = || async { Ok(bus.publish(Target::Jobs { partition: 0 }, "0:0", b"0:0").await) };
    let full = wait::until("a refusal", publish, Result::is_err).await?;
    assert!(matches!(full, Err(Error::Full)), "{full:?}");
    common::insist(&bus, Target::Jobs { partition: 1 }, "1:0").await
}

/// Somebody else is the active consumer, and keeps what he is sent: our registration counts as silent and is made anew,
/// at the end of the line. Without the rule it would still be the first in line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ: make test"]
async fn a_consumer_that_is_sent_nothing_while_messages_wait_registers_again() -> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let bus = broker.bus().await?;
    let queue = format!("{}.jobs.0", broker.prefix);
    let connection = Connection::connect(&broker.url, ConnectionProperties::default()).await?;
    let (first, mut hoards) = stranger(&connection, &queue).await?;
    let mut ours = bus.consume(16, Fleet::new(PARTITIONS)?.shares());
    // Once it is sent something from another partition, it has registered at this one, or is about to.
    common::insist(&bus, Target::Jobs { partition: PARTITIONS - 1 }, "3:0").await?;
    ours.next().await.unwrap().ack().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_third, mut next_in_line) = stranger(&connection, &queue).await?;
    for n in 0..4 {
        common::insist(&bus, Target::Jobs { partition: 0 }, &common::job(0, n)).await?;
    }
    hoards.next().await.unwrap()?;
    // Three looks, five seconds apart, and the time to register: nothing tells of it from outside but the order of the line.
    let waited = timeout(Duration::from_secs(22), ours.next()).await;
    assert!(waited.is_err(), "the hoarder is the active one");
    first.close(200, "gone".into()).await?;
    let sent = timeout(WATCHED, next_in_line.next()).await?;
    assert!(sent.is_some(), "our consumer never gave up its place");
    Ok(())
}

/// Takes one message, and nothing more until it is acknowledged.
async fn stranger(connection: &Connection, queue: &str) -> anyhow::Result<(Channel, Consumer)> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
    Ok((channel, consumer))
}

#[tokio::test]
async fn without_a_token_the_operators_api_is_closed_and_says_how_to_open_it() -> anyhow::Result<()> {
    let dir = tempfile::TempDir::new()?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let first = wait::free_ports(1)?;
    let command = |token: Option<&str>| -> anyhow::Result<Command> {
        let mut command = Command::new(tiffin()?);
        command
            .env_clear()
            .envs(&keys.core)
            .env_remove(OPERATOR_TOKEN)
            .envs(token.map(|token| (OPERATOR_TOKEN, token)));
        command.env("TIFFIN_SERVER_LISTEN", format!("127.0.0.1:{first}"));
        command.arg("--config").arg(&keys.settings).args(["serve", "--roles", "ops"]);
        Ok(command)
    };
    for short in ["", "0123456789012345678901234567890"] {
        let refused = command(Some(short))?.output()?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(OPERATOR_TOKEN), "{said}");
        assert!(
            said.contains("shorter than 32 characters") && said.contains("tiffin keys make --missing"),
            "{said}"
        );
        assert!(short.is_empty() || !said.contains(short), "{said}");
    }
    let _process = tiffin_tests::process::Process::start(&mut command(None)?, &dir.path().join("core.log"))?;
    let at = format!("http://127.0.0.1:{first}");
    let client = tiffin_tests::client::Client::new(at.clone(), at.clone(), at.clone(), keys.secret.clone())?;
    let look =
        || client.raw(Method::GET, format!("{at}/ops/v1/dead"), &[("authorization", "Bearer x")], Vec::new());
    let closed = wait::until("core", look, |_| true).await?;
    assert_eq!((closed.status, closed.code()), (401, Some("unauthenticated")));
    for hint in [OPERATOR_TOKEN, "at least 32 characters", "tiffin keys make --missing"] {
        assert!(closed.text.contains(hint), "{closed:?}");
    }
    Ok(())
}
