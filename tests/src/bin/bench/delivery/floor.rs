//! The least that a durable queue between two parties costs: publish under a confirm, consume, check whose it is, open it,
//! acknowledge.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream::FuturesUnordered;
use lapin::BasicProperties;
use lapin::Channel;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicAckOptions;
use lapin::options::BasicCancelOptions;
use lapin::options::BasicConsumeOptions;
use lapin::options::BasicPublishOptions;
use lapin::options::BasicQosOptions;
use lapin::options::ConfirmSelectOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use tiffin_core::config::CoreKeys;
use tiffin_shared::envelope::Envelope;

/// Publishes that wait for their confirms at once.
const WINDOW: usize = 100;
/// AMQP's delivery mode for messages that are written to disk.
const PERSISTENT: u8 = 2;
const PREFETCH: u16 = 512;
const QUEUE: &str = "floor";

/// A queue of the kind that jobs go through, and a connection for each side.
pub struct Floor {
    publishing: Channel,
    consuming: Channel,
    _connections: [Connection; 2],
}

impl Floor {
    pub async fn start(url: &str) -> anyhow::Result<Self> {
        let one = Connection::connect(url, ConnectionProperties::default()).await?;
        let two = Connection::connect(url, ConnectionProperties::default()).await?;
        let (publishing, consuming) = (one.create_channel().await?, two.create_channel().await?);
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let durable = QueueDeclareOptions::durable();
        publishing.queue_declare(QUEUE.into(), durable, arguments).await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        consuming.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        Ok(Self { publishing, consuming, _connections: [one, two] })
    }

    /// Sends each envelope through. How long it took.
    pub async fn run(&self, envelopes: &Arc<Vec<String>>, keys: &CoreKeys) -> anyhow::Result<Duration> {
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut consumer = self.consuming.basic_consume(QUEUE.into(), "floor".into(), options, none).await?;
        let began = Instant::now();
        let publishing = tokio::spawn(publish_all(self.publishing.clone(), envelopes.clone()));
        for _ in envelopes.iter() {
            let delivery = consumer.next().await.context("no more messages")??;
            let envelope = Envelope::parse(&delivery.data)?;
            envelope.verify(&keys.edges)?;
            envelope.open(keys.seal.as_ref().context("no key to open with")?)?;
            delivery.ack(BasicAckOptions::default()).await?;
        }
        publishing.await??;
        let took = began.elapsed();
        self.consuming.basic_cancel("floor".into(), BasicCancelOptions::default()).await?;
        Ok(took)
    }
}

/// On a task of its own: the two sides have a core each.
async fn publish_all(channel: Channel, envelopes: Arc<Vec<String>>) -> anyhow::Result<()> {
    let mut under_way = FuturesUnordered::new();
    for envelope in envelopes.iter() {
        under_way.push(publish(&channel, envelope.as_bytes()));
        if under_way.len() >= WINDOW {
            under_way.try_next().await?;
        }
    }
    while under_way.try_next().await?.is_some() {}
    Ok(())
}

async fn publish(channel: &Channel, body: &[u8]) -> anyhow::Result<()> {
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = channel.basic_publish("".into(), QUEUE.into(), options, body, properties).await?;
    anyhow::ensure!(confirm.await?.is_ack(), "not confirmed");
    Ok(())
}
