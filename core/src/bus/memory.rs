//! A channel with redelivery. Full means full: back-pressure reaches ingest, and from there the edge's outbox.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use super::Delivery;
use super::Error;
use super::Receipt as AnyReceipt;
use super::Target;

/// Messages held at once, delayed and unacknowledged ones included: about 200 MB at two kilobytes each.
const MESSAGES_MAX: usize = 100_000;

/// The bus of one process.
#[derive(Clone)]
pub struct Memory {
    sender: mpsc::UnboundedSender<Message>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<Message>>>,
    room: Arc<Semaphore>,
}

struct Message {
    partition: u16,
    body: Vec<u8>,
    /// Its share of [`MESSAGES_MAX`], which bounds the channel.
    room: OwnedSemaphorePermit,
}

/// Brings the message again when dropped.
pub struct Receipt {
    message: Option<Message>,
    sender: mpsc::UnboundedSender<Message>,
}

/// Reads the channel; consumers of one bus share it.
pub struct Consumer(Memory);

impl Default for Memory {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Arc::new(Mutex::new(receiver)),
            room: Arc::new(Semaphore::new(MESSAGES_MAX)),
        }
    }
}

impl Memory {
    pub(super) fn publish(&self, target: Target, body: &[u8]) -> Result<(), Error> {
        let (partition, delay) = match target {
            // There is no queue of dead jobs that anybody could look at; the worker has logged it.
            Target::Dead { .. } => return Ok(()),
            Target::Jobs { partition } => (partition, Duration::ZERO),
            Target::Later { partition, delay } => (partition, delay),
        };
        let room = self.room.clone().try_acquire_owned().map_err(|_| Error::Full)?;
        let message = Message { partition, body: body.to_vec(), room };
        if delay.is_zero() {
            return self.sender.send(message).map_err(|_| Error::Full);
        }
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            // Fails only when the process is going down, and its memory with it.
            sender.send(message).ok();
        });
        Ok(())
    }

    pub(super) fn consume(&self) -> Consumer {
        Consumer(self.clone())
    }
}

impl Consumer {
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        let message = self.0.receiver.lock().await.recv().await?;
        let (body, partition) = (message.body.clone(), message.partition);
        let receipt = Receipt { message: Some(message), sender: self.0.sender.clone() };
        Some(Delivery { body, partition, receipt: AnyReceipt::Memory(receipt) })
    }
}

impl Receipt {
    pub(super) fn ack(mut self) {
        if let Some(message) = self.message.take() {
            drop(message.room);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            self.sender.send(message).ok();
        }
    }
}
