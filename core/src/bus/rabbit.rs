//! RabbitMQ through lapin. Publishing and consuming have a connection each: a server that is out of memory or disk stops
//! reading from the first, and must still hear what the second acknowledges.

mod dead;
mod depth;
mod link;
mod partition;
mod publisher;

use std::sync::Arc;

use lapin::BasicProperties;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use tokio::sync::Mutex;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::link::Link;
use self::partition::Partition;
use self::publisher::Letter;
use self::publisher::Publisher;
use super::Delivery;
use super::Error;
use super::Target;
use super::topology;
use super::topology::Names;
use crate::fleet::Shares;
use crate::host;
use crate::metrics::BusMeter;

/// AMQP's delivery mode for messages that are written to disk.
const PERSISTENT: u8 = 2;
/// Deliveries between the channels and the worker; the others wait in their channels.
const PASSING_MAX: usize = 64;

/// Headers of dead letters.
const REASON: &str = "x-tiffin-reason";
const DEAD_AT: &str = "x-tiffin-dead-at";
const PARTITION: &str = "x-tiffin-partition";

/// Two connections.
#[derive(Clone)]
pub struct Rabbit {
    publishing: Link,
    consuming: Link,
    publisher: Publisher,
    names: Names,
    partitions: u16,
    /// One looks at the dead letters at a time.
    looking: Arc<Mutex<()>>,
    meter: BusMeter,
}

/// All partitions, each with a task of its own.
pub struct Consumer {
    deliveries: mpsc::Receiver<Delivery>,
    stop: watch::Sender<bool>,
    tasks: Option<JoinSet<()>>,
}

impl Rabbit {
    /// Connects and declares the topology, or says why not.
    pub async fn connect(url: &str, prefix: &str, partitions: u16) -> Result<Self, Error> {
        let names = Names::new(prefix);
        let publishing = Link::connect(url, "publishing").await?;
        let consuming = Link::connect(url, "consuming").await?;
        let publisher = Publisher::new(publishing.clone(), names.clone(), partitions);
        publisher.declare().await?;
        let (looking, meter) = (Arc::default(), BusMeter::default());
        Ok(Self { publishing, consuming, publisher, names, partitions, looking, meter })
    }

    pub(super) async fn publish(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        let mut properties = message(id);
        let (exchange, key, partition) = match target {
            Target::Dead { partition, reason } => {
                properties = properties.with_headers(headers(partition, reason));
                (self.names.dead(), String::new(), partition)
            }
            Target::Jobs { partition } => (self.names.jobs(), partition.to_string(), partition),
            Target::Later { partition, delay } => {
                (self.names.later(topology::rung(delay)), partition.to_string(), partition)
            }
        };
        let letter = Letter { exchange: &exchange, key: &key, body, properties: &properties, partition };
        let began_at = Instant::now();
        let published = self.publisher.publish(letter).await;
        self.meter.published(began_at.elapsed(), &published);
        published
    }

    pub(super) fn meter(&self) -> BusMeter {
        self.meter.clone()
    }

    pub(super) fn consume(&self, prefetch: u16, shares: Shares) -> Consumer {
        let (sender, deliveries) = mpsc::channel(PASSING_MAX);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for number in 0..self.partitions {
            let partition = Partition {
                link: self.consuming.clone(),
                names: self.names.clone(),
                number,
                prefetch,
                shares: shares.clone(),
                deliveries: sender.clone(),
                stop: stopped.clone(),
            };
            tasks.spawn(partition.run());
        }
        Consumer { deliveries, stop, tasks: Some(tasks) }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.publishing.is_ready()
    }
}

impl Consumer {
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        loop {
            let delivery = self.deliveries.recv().await?;
            if delivery.is_wanted() {
                return Some(delivery);
            }
        }
    }

    pub(super) async fn close(mut self) {
        self.stop.send_replace(true);
        if let Some(mut tasks) = self.tasks.take() {
            while tasks.join_next().await.is_some() {}
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(mut tasks) = self.tasks.take() {
            tasks.detach_all();
        }
    }
}

fn message(id: &str) -> BasicProperties {
    BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(id.into())
}

fn headers(partition: u16, reason: &str) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    headers.insert(DEAD_AT.into(), AMQPValue::LongLongInt(i64::try_from(host::now().0).unwrap_or(i64::MAX)));
    headers.insert(PARTITION.into(), AMQPValue::LongInt(partition.into()));
    headers
}
