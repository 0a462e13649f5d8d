//! Dead letters, on both buses.

use futures::StreamExt;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use tiffin_core::bus::Bus;
use tiffin_core::bus::Memory;
use tiffin_core::bus::Target;
use tiffin_core::bus::dead::Act;
use tiffin_core::bus::dead::Meant;
use tiffin_core::bus::dead::Report;
use tiffin_core::fleet::Fleet;
use tiffin_core::host;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::KeyId;
use tiffin_shared::seal::Sealed;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_tests::jobs;
use tiffin_tests::wait;

use crate::common::Broker;
use crate::common::PARTITIONS;

/// What nobody may see.
const SEALED: &str = "c2VhbGVkLXBhcnQ";

/// An envelope that ends at `expires_at`: its id and bytes.
fn envelope(expires_at: UnixMs) -> anyhow::Result<(String, Vec<u8>)> {
    let header = jobs::header(expires_at.minus(jobs::TTL_MS))?;
    let order = header.order.clone();
    let key = KeyId::parse("k1")?;
    let sealed = Sealed {
        key: key.clone(),
        encapsulated: Bytes([1; 32]),
        nonce: Bytes([2; 24]),
        ciphertext: SEALED.into(),
    };
    let header = serde_json::to_string(&header)?;
    let envelope =
        Envelope { header, sealed, dispatch: None, taken_at: None, signer: key, signature: Bytes([3; 64]) };
    Ok((order.to_string(), serde_json::to_vec(&envelope)?))
}

#[tokio::test]
async fn dead_letters_of_memory_are_listed_replayed_and_discarded() -> anyhow::Result<()> {
    listed_replayed_and_discarded(&Bus::Memory(Memory::default())).await
}

#[tokio::test]
#[ignore = "needs RabbitMQ: make test"]
async fn dead_letters_of_rabbitmq_are_listed_replayed_and_discarded() -> anyhow::Result<()> {
    listed_replayed_and_discarded(&Broker::shared().await?.bus().await?).await
}

async fn listed_replayed_and_discarded(bus: &Bus) -> anyhow::Result<()> {
    let alive = envelope(host::now().plus(MINUTE_MS))?;
    let alive_too = envelope(host::now().plus(MINUTE_MS))?;
    let stale = envelope(host::now().minus(1))?;
    let garbage = ("msg_1".to_owned(), b"{not a job".to_vec());
    for (id, body) in [&alive, &stale, &garbage, &alive_too] {
        bus.publish(Target::Dead { partition: 3, reason: "envelope refused" }, id, body).await?;
    }
    let ids = [&alive.0, &stale.0, &garbage.0, &alive_too.0];
    // As often as one likes, and in the same order.
    for _ in 0..3 {
        let letters = bus.dead_list(100).await?;
        assert!(letters.iter().map(|letter| &letter.id).eq(ids), "{letters:?}");
        assert!(letters.iter().all(|letter| letter.reason == "envelope refused"), "{letters:?}");
        assert!(letters.iter().all(|letter| letter.partition == Some(3)), "{letters:?}");
        let ages = letters.iter().map(|letter| host::now().since(letter.dead_at.unwrap()));
        assert!(ages.max() < Some(MINUTE_MS));
        let flags: Vec<_> = letters.iter().map(|letter| (letter.stale, letter.job.is_some())).collect();
        assert_eq!(flags, [(false, true), (true, true), (false, false), (false, true)]);
        let shown = serde_json::to_string(&letters)?;
        assert!(!shown.contains(SEALED) && !shown.contains("not a job"), "{shown}");
    }
    assert_eq!(bus.dead_list(2).await?.len(), 2);
    assert_eq!(bus.dead_get(&stale.0).await?.len(), 1);
    assert_eq!(bus.dead_get("ord_none").await?, []);

    let none = Report::default();
    assert_eq!(bus.dead_act(Act::Replay, Meant::Id("ord_none"), 10).await?, none);
    assert_eq!(bus.dead_act(Act::Replay, Meant::Id(&alive_too.0), 10).await?, Report { replayed: 1, ..none });
    let rest = Report { replayed: 1, stale: 1, unreadable: 1, ..none };
    assert_eq!(bus.dead_act(Act::Replay, Meant::All, 10).await?, rest);
    assert_eq!(bus.dead_act(Act::Discard, Meant::Id(&stale.0), 10).await?, Report { discarded: 1, ..none });
    assert_eq!(bus.dead_act(Act::Discard, Meant::Id(&garbage.0), 10).await?, Report { discarded: 1, ..none });
    assert_eq!(bus.dead_list(100).await?, []);

    let mut consumer = bus.consume(8, Fleet::new(PARTITIONS)?.shares());
    let mut replayed = Vec::new();
    for _ in 0..2 {
        let delivery = tokio::time::timeout(wait::DEADLINE, consumer.next()).await?.unwrap();
        replayed.push((delivery.id.clone(), delivery.body.clone()));
        delivery.ack().await;
    }
    replayed.sort();
    let mut expected = [alive, alive_too];
    expected.sort();
    assert_eq!(replayed, expected);
    consumer.close().await;
    Ok(())
}

#[tokio::test]
#[ignore = "needs RabbitMQ: make test"]
async fn a_message_that_ends_every_worker_is_dead_once_with_its_history() -> anyhow::Result<()> {
    let broker = Broker::shared().await?;
    let bus = broker.bus().await?;
    let (id, body) = envelope(host::now().plus(MINUTE_MS))?;
    bus.publish(Target::Jobs { partition: 2 }, &id, &body).await?;
    let connection = Connection::connect(&broker.url, ConnectionProperties::default()).await?;
    let queue = format!("{}.jobs.2", broker.prefix);
    for delivery in 0..=20 {
        let channel = connection.create_channel().await?;
        let options = BasicConsumeOptions::default();
        let name = queue.as_str();
        let consume = channel.basic_consume(name.into(), "w".into(), options, FieldTable::default());
        let mut consumer = consume.await?;
        assert!(bus.dead_list(9).await?.is_empty(), "dead after {delivery} deliveries");
        tokio::time::timeout(wait::DEADLINE, consumer.next()).await?.unwrap()?;
        channel.close(200, "died".into()).await?;
    }
    let letters =
        wait::until("dead", || async { Ok(bus.dead_list(9).await?) }, |all| !all.is_empty()).await?;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].id.as_str(), letters[0].partition), (id.as_str(), Some(2)), "{letters:?}");
    assert!(letters[0].reason.contains("too often") && letters[0].dead_at.is_some(), "{letters:?}");
    assert_eq!(bus.dead_act(Act::Replay, Meant::Id(&id), 1).await?.replayed, 1);
    Ok(())
}
