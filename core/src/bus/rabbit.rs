//! RabbitMQ through lapin: publisher confirms, mandatory routing, a deadline on every confirm.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::ready;
use futures::stream::BoxStream;
use futures::stream::SelectAll;
use futures::stream::once;
use lapin::BasicProperties;
use lapin::Channel;
use lapin::Confirmation;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicConsumeOptions;
use lapin::options::BasicPublishOptions;
use lapin::options::BasicQosOptions;
use lapin::options::ConfirmSelectOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Delivery;
use super::Error;
use super::Receipt;
use super::Target;
use super::topology;
use super::topology::Names;

/// How long a confirm may take. A publish in flight when the connection breaks would otherwise wait for recovery.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the first connection and the declarations may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the server may take to take a connection.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);
/// Recovery never gives up by itself within a day; an operator sees it in `/readyz` long before.
const RECONNECTS_MAX: usize = 40_000;
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);
/// AMQP's delivery mode for messages that are written to disk.
const PERSISTENT: u8 = 2;

/// A connection, and the channel that publishes.
#[derive(Clone)]
pub struct Rabbit {
    connection: Arc<Connection>,
    /// Replaced when the server closes it.
    publisher: Arc<Mutex<Channel>>,
    names: Names,
    partitions: u16,
}

/// One stream over all partitions.
pub struct Consumer {
    stream: SelectAll<Partition>,
    /// Closed with the consumer.
    _channel: Channel,
}

/// The deliveries of one queue; `None` when there will be no more.
type Partition = BoxStream<'static, Option<lapin::Result<lapin::message::Delivery>>>;

impl Rabbit {
    /// Connects and declares the topology, or says why not.
    pub async fn connect(url: &str, prefix: &str, partitions: u16) -> Result<Self, Error> {
        let names = Names::new(prefix);
        reach(url).await?;
        let connect = async {
            let connection = Connection::connect(url, properties()).await?;
            let publisher = confirming_channel(&connection).await?;
            topology::declare(&publisher, &names, partitions).await?;
            Ok::<_, lapin::Error>((connection, publisher))
        };
        let (connection, publisher) =
            timeout(CONNECT_TIMEOUT, connect).await.map_err(|_| Error::Timeout)??;
        Ok(Self {
            connection: Arc::new(connection),
            publisher: Arc::new(Mutex::new(publisher)),
            names,
            partitions,
        })
    }

    pub(super) async fn publish(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        timeout(CONFIRM_TIMEOUT, self.confirmed(target, id, body)).await.map_err(|_| Error::Timeout)?
    }

    async fn confirmed(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        let mut properties =
            BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(id.into());
        let (exchange, key) = match target {
            Target::Dead { reason } => {
                let mut headers = FieldTable::default();
                headers.insert("reason".into(), AMQPValue::LongString(reason.into()));
                properties = properties.with_headers(headers);
                (self.names.dead(), String::new())
            }
            Target::Jobs { partition } => (self.names.jobs(), partition.to_string()),
            Target::Later { partition, delay } => {
                (self.names.later(topology::rung(delay)), partition.to_string())
            }
        };
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let channel = self.publisher().await?;
        let confirm = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?;
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            // Returned as unroutable, refused by a full queue, or a channel without confirms.
            Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => {
                Err(Error::Refused)
            }
        }
    }

    /// The publishing channel, made anew when the server has closed it.
    async fn publisher(&self) -> Result<Channel, Error> {
        let mut publisher = self.publisher.lock().await;
        let status = publisher.status();
        if !status.connected() && !status.reconnecting() && self.is_connected() {
            *publisher = confirming_channel(&self.connection).await?;
        }
        Ok(publisher.clone())
    }

    pub(super) async fn consume(&self, prefetch: u16) -> Result<Consumer, Error> {
        let channel = self.connection.create_channel().await?;
        // Again, for queues that were deleted since.
        topology::declare(&channel, &self.names, self.partitions).await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let mut stream = SelectAll::new();
        for partition in 0..self.partitions {
            let queue = self.names.partition(partition);
            let (tag, options) = (queue.clone(), BasicConsumeOptions::default());
            let consumer =
                channel.basic_consume(queue.into(), tag.into(), options, FieldTable::default()).await?;
            stream.push(consumer.map(Some).chain(once(ready(None))).boxed());
        }
        Ok(Consumer { stream, _channel: channel })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }
}

impl Consumer {
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        loop {
            // One queue that ended ends all: the others alone would leave its phones waiting.
            match self.stream.next().await?? {
                Ok(mut delivery) => {
                    let partition = delivery.routing_key.as_str().parse().unwrap_or(0);
                    return Some(Delivery {
                        body: std::mem::take(&mut delivery.data),
                        partition,
                        receipt: Receipt::Rabbit(Box::new(delivery)),
                    });
                }
                // Recovery goes on by itself; a consumer that is gone ends its stream.
                Err(error) => tracing::warn!(%error, "rabbitmq consumer interrupted"),
            }
        }
    }
}

/// Recovery governs the first connection too, and would try for as long as it may: see first whether anybody listens.
async fn reach(url: &str) -> Result<(), Error> {
    let uri: AMQPUri = url.parse().map_err(Error::Url)?;
    let at = (uri.authority.host.as_str(), uri.authority.port);
    timeout(REACH_TIMEOUT, TcpStream::connect(at)).await.map_err(|_| Error::Timeout)??;
    Ok(())
}

fn properties() -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name("tiffin".into())
        .enable_auto_recover()
        .configure_backoff(|backoff| {
            backoff.with_max_times(RECONNECTS_MAX).with_max_delay(RECONNECT_DELAY_MAX)
        })
}

async fn confirming_channel(connection: &Connection) -> Result<Channel, lapin::Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}
