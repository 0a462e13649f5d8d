//! Publishes with confirms, mandatory, under a deadline.

use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::Channel;
use lapin::Confirmation;
use lapin::options::BasicPublishOptions;
use lapin::options::ConfirmSelectOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use super::super::Error;
use super::super::topology;
use super::super::topology::Names;
use super::link::Link;

/// How long a confirm may take before the same is published again on another channel.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);
/// How long declaring everything again may take.
const DECLARE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long workers have to make a queue again that was deleted, before the publisher does. RabbitMQ 3.10 does not tell the
/// consumers of a queue that is deleted and declared again at once, and sends them nothing.
const REMADE: Duration = Duration::from_millis(500);
/// Tries of one publish. The caller has the outbox, or the unacknowledged message, for the rest.
const TRIES: usize = 2;
/// How old a channel is that is given up for being refused. RabbitMQ 3.10 goes on refusing on a channel that looked for a
/// queue's leader while there was none, long after there is one; a queue that is truly full costs one channel in this time.
const STALE: Duration = Duration::from_secs(1);
/// One channel is one process at the server, which confirms in turn. Messages of one partition share one, and so keep their
/// order.
const CHANNELS: usize = 4;

/// Several channels of one connection.
#[derive(Clone)]
pub struct Publisher {
    link: Link,
    channels: Arc<[Slot; CHANNELS]>,
    /// One at a time declares what is missing.
    declaring: Arc<Mutex<()>>,
    names: Names,
    partitions: u16,
}

/// A channel, and since when.
type Slot = Mutex<Option<(Channel, Instant)>>;

/// What is published, and where.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    pub exchange: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub properties: &'a BasicProperties,
    /// Which channel.
    pub partition: u16,
}

impl Publisher {
    pub fn new(link: Link, names: Names, partitions: u16) -> Self {
        Self { link, channels: Arc::default(), declaring: Arc::default(), names, partitions }
    }

    /// Returns when it is confirmed.
    pub async fn publish(&self, letter: Letter<'_>) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            // While it is blocked, lapin would keep what it is given and send it late.
            if self.link.is_blocked() {
                return Err(Error::Blocked);
            }
            let began_at = Instant::now();
            let answer = timeout(CONFIRM_TIMEOUT, self.confirmed(letter)).await;
            let error = match answer.unwrap_or(Err(Error::Timeout)) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match error {
                Error::Unroutable if tries == 1 => sleep(REMADE).await,
                Error::Unroutable if tries == TRIES => self.declare().await?,
                Error::Amqp(_) | Error::Timeout if tries < TRIES => {
                    self.renew(letter.partition, began_at).await
                }
                Error::Timeout => {
                    self.renew(letter.partition, began_at).await;
                    return Err(error);
                }
                Error::Full if tries < TRIES && self.renew_stale(letter.partition).await => {}
                _ => return Err(error),
            }
            tries += 1;
        }
    }

    async fn confirmed(&self, letter: Letter<'_>) -> Result<(), Error> {
        let Letter { exchange, key, body, properties, partition } = letter;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let channel = self.channel(partition).await?;
        let publish = channel.basic_publish(exchange.into(), key.into(), options, body, properties.clone());
        match publish.await?.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::NotRequested => Err(Error::Unroutable),
            Confirmation::Nack(_) => Err(Error::Full),
        }
    }

    /// The partition's channel, made anew when the server or the connection has closed it. Held for that time only:
    /// publishes on one channel wait for their confirms side by side.
    async fn channel(&self, partition: u16) -> Result<Channel, Error> {
        let mut slot = self.slot(partition).lock().await;
        if let Some((channel, _)) = slot.as_ref().filter(|(channel, _)| channel.status().connected()) {
            return Ok(channel.clone());
        }
        let channel = self.link.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        *slot = Some((channel.clone(), Instant::now()));
        Ok(channel)
    }

    /// A channel that does not confirm is not used again. One that was made since then is another one.
    async fn renew(&self, partition: u16, began_at: Instant) {
        self.slot(partition).lock().await.take_if(|(_, made_at)| *made_at <= began_at);
    }

    /// Whether there is reason to ask again, on another channel.
    async fn renew_stale(&self, partition: u16) -> bool {
        let mut slot = self.slot(partition).lock().await;
        slot.take_if(|(_, made_at)| made_at.elapsed() >= STALE).is_some()
    }

    fn slot(&self, partition: u16) -> &Slot {
        let [first, ..] = &*self.channels;
        self.channels.get(usize::from(partition) % CHANNELS).unwrap_or(first)
    }

    /// Declares everything, again: a queue was deleted.
    pub async fn declare(&self) -> Result<(), Error> {
        let _turn = self.declaring.lock().await;
        let channel = self.link.channel().await?;
        let declare = topology::declare(&channel, &self.names, self.partitions);
        timeout(DECLARE_TIMEOUT, declare).await.map_err(|_| Error::Timeout)??;
        channel.close(200, "declared".into()).await.ok();
        Ok(())
    }
}
