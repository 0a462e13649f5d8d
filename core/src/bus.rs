//! Carries jobs from ingest to workers: confirmed in, acknowledged out, at least once.

pub mod dead;
mod lease;
mod memory;
mod rabbit;
pub mod topology;

use std::time::Duration;

use lapin::options::BasicAckOptions;
use tiffin_shared::time::UnixMs;
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::dead::Act;
use self::dead::Dead;
use self::dead::Meant;
use self::dead::Report;
use self::lease::Begun;
use self::lease::Held;
pub use self::memory::Memory;
pub use self::rabbit::Rabbit;
use crate::fleet::Shares;
use crate::metrics::BusMeter;

/// How long an acknowledgement may wait to be written.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// The bus did not take it, or took it without our hearing so. Publishing again is safe: jobs have ids.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// RabbitMQ failed.
    #[error("rabbitmq: {0}")]
    Amqp(#[from] lapin::Error),
    /// RabbitMQ is out of memory or disk, and takes nothing.
    #[error("rabbitmq blocks publishers: it is out of memory or disk")]
    Blocked,
    /// Another process is looking at the dead letters.
    #[error("somebody else is looking at the dead letters")]
    Busy,
    /// There is no connection now. It is being made.
    #[error("rabbitmq is not connected")]
    Disconnected,
    /// The queue holds as much as it may.
    #[error("the queue is full")]
    Full,
    /// Messages wait that do not come, or the server does not know our consumer.
    #[error("messages wait and do not come")]
    Silent,
    /// A queue is missing, or the channel does not confirm.
    #[error("rabbitmq has no queue for the message")]
    Unroutable,
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
    /// To the operators. Nothing consumes it by itself.
    Dead {
        /// Where it came from.
        partition: u16,
        /// Why it is there. No personal data.
        reason: &'static str,
    },
    /// To a worker, now.
    Jobs {
        /// Which queue.
        partition: u16,
    },
    /// To a worker, after the delay: up to half as long again, or a second, late; and beyond 64 s early, to be put back
    /// again.
    Later {
        /// Which queue.
        partition: u16,
        /// How long to wait.
        delay: Duration,
    },
}

/// How much is in queues of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// `fresh`, `retry`, `later` or `dead`.
    pub queue: &'static str,
    /// Messages in all of them: in memory with those at workers, in RabbitMQ those that are ready.
    pub messages: usize,
    /// So many they take.
    pub messages_max: usize,
    /// When the oldest of them came, in memory: RabbitMQ does not tell.
    pub oldest_at: Option<UnixMs>,
    /// Workers that take from the one that has the fewest, where that is known.
    pub consumers_min: Option<usize>,
}

/// A message to work on, sent to one process at a time. [`Delivery::begin`] comes before anything is done about it, and
/// [`Delivery::ack`] when it is done with. Dropped without it, it comes again: from memory at once, from RabbitMQ when its
/// channel closes. So dropping is right when [`Delivery::is_wanted`] says no, and in no other case.
pub struct Delivery {
    /// The bytes that were published.
    pub body: Vec<u8>,
    /// The id it was published under, or one made from the body.
    pub id: String,
    /// The partition it came from.
    pub partition: u16,
    /// Whether it was put back before, with [`Target::Later`].
    pub is_retry: bool,
    receipt: Receipt,
}

enum Receipt {
    Memory(memory::Receipt),
    Rabbit { acker: Box<lapin::Acker>, begun: Option<Begun>, held: Held },
}

impl Delivery {
    /// Call it before the work. False: the partition goes to another process, which is sent this message too; drop it.
    /// The partition is held until what was begun is dropped or acknowledged, for 15 s at most.
    #[must_use]
    pub fn begin(&mut self) -> bool {
        match &mut self.receipt {
            Receipt::Memory(_) => true,
            Receipt::Rabbit { held, begun, .. } => {
                if begun.is_none() {
                    *begun = held.lease().begin();
                }
                begun.is_some()
            }
        }
    }

    /// False once the partition is being given up or its channel has ended: begin nothing more, finish what is begun.
    pub fn is_wanted(&self) -> bool {
        match &self.receipt {
            Receipt::Memory(_) => true,
            Receipt::Rabbit { held, .. } => held.lease().is_wanted(),
        }
    }

    /// Returns when [`Delivery::is_wanted`] turns false; what waits with a job in its hands may put it down then.
    pub async fn unwanted(&self) {
        match &self.receipt {
            Receipt::Memory(_) => std::future::pending().await,
            Receipt::Rabbit { held, .. } => held.lease().unwanted().await,
        }
    }

    /// It is done with. When the acknowledgement is lost, or its channel has ended, the message comes again.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.ack(),
            Receipt::Rabbit { acker, begun, held } => {
                // lapin's acknowledgement of a channel whose connection broke may never return.
                let acked = tokio::select! {
                    biased;
                    () = held.lease().closed() => Ok(false),
                    acked = timeout(ACK_TIMEOUT, acker.ack(BasicAckOptions::default())) => acked.unwrap_or(Ok(false)),
                };
                match acked {
                    Ok(true) => {}
                    Ok(false) => tracing::debug!("acknowledged too late; the job comes again and is known"),
                    Err(error) => {
                        tracing::debug!(%error, "acknowledgement lost; the job comes again and is known");
                    }
                }
                // Only now: the channel is not closed before its acknowledgements are on their way.
                drop((begun, held));
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
    /// Returns when the message is safe. Publishes twice, under the same id, when the first confirm does not come.
    pub async fn publish(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        match self {
            Self::Memory(memory) => memory.publish(target, id, body),
            Self::Rabbit(rabbit) => rabbit.publish(target, id, body).await,
        }
    }

    /// Begins to take messages of every partition, at most `prefetch` unacknowledged ones from each of its two queues.
    /// Partitions that belong to another process by `shares` are left to it. Mends itself until it is closed.
    pub fn consume(&self, prefetch: u16, shares: Shares) -> Consumer {
        match self {
            Self::Memory(memory) => Consumer::Memory(memory.consume()),
            Self::Rabbit(rabbit) => Consumer::Rabbit(rabbit.consume(prefetch, shares)),
        }
    }

    /// The oldest `max` dead letters. Takes none of them away.
    pub async fn dead_list(&self, max: usize) -> Result<Vec<Dead>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.dead_list(max)),
            Self::Rabbit(rabbit) => rabbit.dead_list(max).await,
        }
    }

    /// The dead letters with this id, among the oldest 10,000.
    pub async fn dead_get(&self, id: &str) -> Result<Vec<Dead>, Error> {
        let letters = self.dead_list(dead::LOOK_MAX).await?;
        Ok(letters.into_iter().filter(|letter| letter.id == id).collect())
    }

    /// Replays or discards dead letters: at most `max` of those that are meant, the oldest first; by id or ledger, among
    /// the oldest 10,000.
    pub async fn dead_act(&self, act: Act, meant: Meant<'_>, max: usize) -> Result<Report, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.dead_act(act, meant, max)),
            Self::Rabbit(rabbit) => rabbit.dead_act(act, meant, max).await,
        }
    }

    /// How full the queues are. Takes nothing away.
    pub async fn depths(&self) -> Result<Vec<Depth>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.depths().into()),
            Self::Rabbit(rabbit) => rabbit.depths().await,
        }
    }

    /// What it counts; nothing where it is in memory.
    pub fn meter(&self) -> BusMeter {
        match self {
            Self::Memory(_) => BusMeter::default(),
            Self::Rabbit(rabbit) => rabbit.meter(),
        }
    }

    /// Whether a message could be published now.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Rabbit(rabbit) => rabbit.is_ready(),
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
    /// The next message, fresh ones and retries in turn. Never ends by itself.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self {
            Self::Memory(consumer) => consumer.next().await,
            Self::Rabbit(consumer) => consumer.next().await,
        }
    }

    /// Takes nothing more, waits until what was begun is acknowledged or dropped, for 15 s at most, and gives the rest back
    /// in order. Dropping it does the same in the background.
    pub async fn close(self) {
        match self {
            Self::Memory(_) => {}
            Self::Rabbit(consumer) => consumer.close().await,
        }
    }
}

/// Deliveries on their way to the worker.
type Deliveries = mpsc::Sender<Delivery>;
