//! A channel with redelivery. Full means full: back-pressure reaches ingest, and from there the edge's outbox.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tiffin_shared::time::UnixMs;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use super::Delivery;
use super::Depth;
use super::Error;
use super::Receipt as AnyReceipt;
use super::Target;
use super::dead::Act;
use super::dead::Dead;
use super::dead::Meant;
use super::dead::Report;
use crate::host;

/// Messages held at once, delayed and unacknowledged ones included: about 200 MB at two kilobytes each.
const MESSAGES_MAX: usize = 100_000;
/// Dead letters kept. One more drops the oldest: there is no disk to keep them on.
const DEAD_MAX: usize = 1_000;

/// The bus of one process.
#[derive(Clone)]
pub struct Memory {
    sender: mpsc::UnboundedSender<Message>,
    receiver: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Message>>>,
    room: Arc<Semaphore>,
    dead: Arc<Mutex<Letters>>,
    waiting: Waiting,
}

/// When the messages came that are not done with, by number: the first is the oldest.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<(u64, BTreeMap<u64, UnixMs>)>>);

/// One of [`MESSAGES_MAX`] messages, until it is done with.
struct Place {
    _room: OwnedSemaphorePermit,
    waiting: Waiting,
    number: u64,
}

/// Oldest first, with their bodies.
type Letters = VecDeque<(Dead, Vec<u8>)>;

struct Message {
    id: String,
    partition: u16,
    is_retry: bool,
    body: Vec<u8>,
    /// Its share of [`MESSAGES_MAX`], which bounds the channel.
    place: Place,
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
            receiver: Arc::new(tokio::sync::Mutex::new(receiver)),
            room: Arc::new(Semaphore::new(MESSAGES_MAX)),
            dead: Arc::default(),
            waiting: Waiting::default(),
        }
    }
}

impl Memory {
    pub(super) fn publish(&self, target: Target, id: &str, body: &[u8]) -> Result<(), Error> {
        let (partition, delay) = match target {
            Target::Dead { partition, reason } => {
                self.bury(partition, reason, id, body);
                return Ok(());
            }
            Target::Jobs { partition } => (partition, None),
            Target::Later { partition, delay } => (partition, Some(delay)),
        };
        let room = self.room.clone().try_acquire_owned().map_err(|_| Error::Full)?;
        let is_retry = delay.is_some();
        let place = self.waiting.place(room);
        let message = Message { id: id.to_owned(), partition, is_retry, body: body.to_vec(), place };
        let delay = delay.unwrap_or_default();
        if delay == Duration::ZERO {
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

    pub(super) fn dead_list(&self, max: usize) -> Vec<Dead> {
        let now = host::now();
        let fresh = |(dead, body): &(Dead, Vec<u8>)| {
            let Dead { id, reason, dead_at, partition, .. } = dead.clone();
            Dead::new(id, reason, dead_at, partition, body, now)
        };
        self.dead().iter().take(max).map(fresh).collect()
    }

    pub(super) fn dead_act(&self, act: Act, meant: Meant<'_>, max: usize) -> Report {
        let mut report = Report::default();
        let letters = std::mem::take(&mut *self.dead());
        let mut seen = 0;
        for (letter, body) in letters {
            let is_meant = seen < max && letter.is(meant);
            seen += usize::from(is_meant);
            let now = host::now();
            let Dead { id, reason, dead_at, partition, .. } = letter;
            let letter = Dead::new(id, reason, dead_at, partition, &body, now);
            // The partition means nothing here: one process takes all.
            let target = letter.replays_to(1).map(|partition| Target::Jobs { partition });
            let is_gone = is_meant
                && match (act, target) {
                    (Act::Discard, _) => true,
                    (Act::Replay, Some(target)) => self.publish(target, &letter.id, &body).is_ok(),
                    (Act::Replay, None) => false,
                };
            match (is_meant, is_gone, act) {
                (_, true, Act::Discard) => report.discarded += 1,
                (_, true, Act::Replay) => report.replayed += 1,
                (true, false, _) => report.left(&letter),
                (false, false, _) => {}
            }
            if !is_gone {
                self.dead().push_back((letter, body));
            }
        }
        report
    }

    /// One queue holds them all, and delayed ones count as fresh.
    pub(super) fn depths(&self) -> [Depth; 2] {
        let messages = MESSAGES_MAX.saturating_sub(self.room.available_permits());
        let depth = |queue, messages, messages_max| {
            let oldest_at = (queue == "fresh").then(|| self.waiting.oldest_at()).flatten();
            Depth { queue, messages, messages_max, oldest_at, consumers_min: None }
        };
        [depth("fresh", messages, MESSAGES_MAX), depth("dead", self.dead().len(), DEAD_MAX)]
    }

    fn bury(&self, partition: u16, reason: &str, id: &str, body: &[u8]) {
        let now = host::now();
        let letter = Dead::new(id.to_owned(), reason.to_owned(), Some(now), Some(partition), body, now);
        let mut dead = self.dead();
        if dead.len() >= DEAD_MAX {
            tracing::warn!("too many dead letters in memory; the oldest is dropped");
            dead.pop_front();
        }
        dead.push_back((letter, body.to_vec()));
    }

    fn dead(&self) -> MutexGuard<'_, Letters> {
        // A panic inside a push leaves the queue whole.
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn place(&self, room: OwnedSemaphorePermit) -> Place {
        let mut waiting = self.lock();
        let number = waiting.0;
        waiting.0 = number.wrapping_add(1);
        waiting.1.insert(number, host::now());
        drop(waiting);
        Place { _room: room, waiting: self.clone(), number }
    }

    fn oldest_at(&self) -> Option<UnixMs> {
        self.lock().1.values().next().copied()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, UnixMs>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.lock().1.remove(&self.number);
    }
}

impl Consumer {
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        let message = self.0.receiver.lock().await.recv().await?;
        let (body, id) = (message.body.clone(), message.id.clone());
        let Message { partition, is_retry, .. } = message;
        let receipt = Receipt { message: Some(message), sender: self.0.sender.clone() };
        Some(Delivery { body, id, partition, is_retry, receipt: AnyReceipt::Memory(receipt) })
    }
}

impl Receipt {
    pub(super) fn ack(mut self) {
        if let Some(message) = self.message.take() {
            drop(message.place);
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
