//! Carries jobs from ingest to workers: confirmed in, acknowledged out, at least once.

mod memory;
mod rabbit;
pub mod topology;

use std::time::Duration;

pub use self::memory::Memory;
pub use self::rabbit::Rabbit;

/// The bus did not take it, or took it without our hearing so. Publishing again is safe: jobs have ids.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// RabbitMQ failed.
    #[error("rabbitmq: {0}")]
    Amqp(#[from] lapin::Error),
    /// The memory bus holds as much as it may.
    #[error("the memory bus is full")]
    Full,
    /// RabbitMQ refused the message.
    #[error("rabbitmq did not confirm the message")]
    Refused,
    /// RabbitMQ did not confirm in time: it may have the message.
    #[error("rabbitmq did not confirm in time")]
    Timeout,
    /// Nobody listens there.
    #[error("{0}")]
    Unreachable(#[from] std::io::Error),
    /// The address does not parse.
    #[error("the address is not valid: {0}")]
    Url(String),
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the operators, with a reason. Nothing consumes it by itself. The memory bus drops it.
    Dead {
        /// Why it is there. No personal data.
        reason: &'static str,
    },
    /// To a worker, now.
    Jobs {
        /// Which queue.
        partition: u16,
    },
    /// To a worker, after about the delay: up to a second late, or early and to be put back again.
    Later {
        /// Which queue.
        partition: u16,
        /// How long to wait.
        delay: Duration,
    },
}

/// A message to work on. Without [`Delivery::ack`] it comes again: from memory when it is dropped, from RabbitMQ when
/// the consumer is.
pub struct Delivery {
    /// The bytes that were published.
    pub body: Vec<u8>,
    /// The queue it came from.
    pub partition: u16,
    receipt: Receipt,
}

enum Receipt {
    Memory(memory::Receipt),
    Rabbit(Box<lapin::message::Delivery>),
}

impl Delivery {
    /// It is done with. When the acknowledgement is lost the message comes again.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.ack(),
            Receipt::Rabbit(delivery) => {
                if let Err(error) = delivery.acker.ack(lapin::options::BasicAckOptions::default()).await {
                    tracing::warn!(%error, "acknowledgement lost; the job comes again and is known");
                }
            }
        }
    }
}

/// The bus.
#[derive(Clone)]
pub enum Bus {
    /// In this process. Gone with it.
    Memory(Memory),
    /// Durable: quorum queues.
    Rabbit(Rabbit),
}

/// What a worker reads from.
pub enum Consumer {
    /// Of [`Bus::Memory`].
    Memory(memory::Consumer),
    /// Of [`Bus::Rabbit`].
    Rabbit(rabbit::Consumer),
}

impl Bus {
    /// Returns when the message is safe.
    pub async fn publish(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        match self {
            Self::Memory(memory) => memory.publish(target, body),
            Self::Rabbit(rabbit) => rabbit.publish(target, id, body).await,
        }
    }

    /// Begins to take messages of every partition, at most `prefetch` unacknowledged ones of each.
    pub async fn consume(&self, prefetch: u16) -> Result<Consumer, Error> {
        match self {
            Self::Memory(memory) => Ok(Consumer::Memory(memory.consume())),
            Self::Rabbit(rabbit) => rabbit.consume(prefetch).await.map(Consumer::Rabbit),
        }
    }

    /// Whether a message could be published now.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Rabbit(rabbit) => rabbit.is_connected(),
        }
    }

    /// For start-up messages and `/readyz`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Rabbit(_) => "rabbitmq",
        }
    }
}

impl Consumer {
    /// The next message; `None` when the consumer is broken and another is to be made.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self {
            Self::Memory(consumer) => consumer.next().await,
            Self::Rabbit(consumer) => consumer.next().await,
        }
    }
}
