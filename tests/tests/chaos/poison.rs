//! Messages that nobody can work on, one among ten good ones.

use std::collections::BTreeMap;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::Channel;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicPublishOptions;
use redis::AsyncCommands;
use tiffin_core::bus::Bus;
use tiffin_core::bus::Rabbit;
use tiffin_core::host;
use tiffin_shared::bytes;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys::Signing;
use tiffin_shared::wire::job::Header;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::chaos::tally::Tally;
use tiffin_tests::stack::Backing;
use tiffin_tests::wait;
use tokio::time::interval;

use crate::common;

const PARTITIONS: u16 = 2;
/// Of each kind. There are five, one every fifth of a second: a tenth of the load.
const EACH: usize = 5;
const KINDS: usize = 5;
/// What goes round while a process of another version might read it is dead half a minute before its end.
const ROUND_MS: u64 = 45_000;
const PACE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn poison_is_dead_once_with_its_reason_and_holds_nothing_up() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], |settings| {
        format!("{settings}\n[tenants.ghost]\ncountries = \"all\"\n[tenants.ghost.services.login]\nbrand = \"Ghost\"\n")
    })
    .await?;
    let clean = loaded(&fleet, "without poison", async || {
        tokio::time::sleep(PACE * u32::try_from(EACH * KINDS)?).await;
        Ok(())
    })
    .await?;
    let poisoned = loaded(&fleet, "one poisoned in ten", || poison(&fleet)).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
    let ratio = poisoned.p99_ms as f64 / clean.p99_ms.max(1) as f64;
    show(&format!(
        "poison: p99 {} ms against {} ms without it, {ratio:.1} times",
        poisoned.p99_ms, clean.p99_ms
    ));

    let bus = Bus::Rabbit(
        Rabbit::connect(fleet.variable("AMQP_URL")?, fleet.variable("TIFFIN_BUS_PREFIX")?, PARTITIONS)
            .await?,
    );
    let look = || async { Ok(bus.dead_list(1_000).await?) };
    let dead = wait::until("dead letters", look, |dead| dead.len() >= EACH * KINDS).await?;
    let mut reasons = BTreeMap::<String, usize>::new();
    for letter in &dead {
        *reasons.entry(letter.reason.clone()).or_default() += 1;
    }
    show(&format!("poison: dead letters {reasons:?}"));
    let wanted = [
        ("envelope refused", EACH * 2),
        ("the job is of a newer version", EACH),
        ("the order's record cannot be read", EACH),
        ("unknown tenant or service", EACH),
    ];
    assert_eq!(reasons, wanted.map(|(reason, count)| (reason.to_owned(), count)).into());
    Ok(())
}

async fn loaded(
    fleet: &Fleet,
    name: &str,
    meanwhile: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Tally> {
    let load = Load::ordinary(&fleet.feeder, common::LOAD);
    meanwhile().await?;
    load.stop().await?;
    let tally = tally::settle(fleet, name).await?;
    common::holds_once(&tally);
    Ok(tally)
}

async fn poison(fleet: &Fleet) -> anyhow::Result<()> {
    let connection =
        Connection::connect(fleet.variable("AMQP_URL")?, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let client = redis::Client::open(fleet.variable("REDIS_URL")?)?;
    let mut store = client.get_multiplexed_async_connection().await?;
    let (store_prefix, bus_prefix) =
        (fleet.variable("TIFFIN_STORE_PREFIX")?, fleet.variable("TIFFIN_BUS_PREFIX")?);
    let stranger = Signing::new(&KeyId::parse("k1")?, host::random()?);
    let mut pace = interval(PACE);
    // Not the load's: these are never to arrive.
    let feeder = fleet.strange_feeder()?;
    for number in 0..EACH {
        let partition = u16::try_from(number)? % PARTITIONS;
        pace.tick().await;
        publish(&channel, bus_prefix, partition, &host::random::<300>()?).await?;

        pace.tick().await;
        let (_, job) = feeder.make(&Wish::default())?;
        let forged = serde_json::to_vec(&Envelope::sign(&job, None, &stranger))?;
        publish(&channel, bus_prefix, partition, &forged).await?;

        pace.tick().await;
        let wish = Wish { service: format!("ghost-{number}"), ..Wish::default() };
        let (ordered, job) = feeder.make(&wish)?;
        assert!(feeder.insist(&ordered, &job).await);

        pace.tick().await;
        let (_, mut job) = feeder.make(&Wish { ttl_ms: ROUND_MS, ..Wish::default() })?;
        job.header = job.header.replacen(r#""v":1"#, r#""v":2"#, 1);
        let (_, newer) = feeder.envelope(&job)?;
        publish(&channel, bus_prefix, partition, &newer).await?;

        pace.tick().await;
        let (ordered, job) = feeder.make(&Wish { ttl_ms: ROUND_MS, ..Wish::default() })?;
        let header: Header = serde_json::from_str(&job.header)?;
        // As the store names it: a shard by the id's hash, then the id.
        let id = header.order.to_string();
        let shard = bytes::sha256(id.as_bytes())[0] % 16;
        let key = format!("{store_prefix}:order:{{{shard}}}:{id}");
        let _: () = store.set_ex(key, r#"{"of":"another version"}"#, 300).await?;
        assert!(feeder.insist(&ordered, &job).await);
    }
    Ok(())
}

async fn publish(channel: &Channel, prefix: &str, partition: u16, body: &[u8]) -> anyhow::Result<()> {
    let (exchange, options) = (format!("{prefix}.jobs"), BasicPublishOptions::default());
    let key = partition.to_string();
    channel.basic_publish(exchange.into(), key.into(), options, body, BasicProperties::default()).await?;
    Ok(())
}
