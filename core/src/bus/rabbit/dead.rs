//! The dead queue, looked at without being emptied: a channel takes messages and is closed, which gives back what was not
//! acknowledged, in order. The queue's single active consumer makes it one looker at a time over all processes.

use std::time::Duration;

use futures::StreamExt;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::options::BasicConsumeOptions;
use lapin::options::BasicQosOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tokio::sync::MutexGuard;
use tokio::time::sleep;
use tokio::time::timeout;

use super::super::dead;
use super::super::dead::Act;
use super::super::dead::Dead;
use super::super::dead::LOOK_MAX;
use super::super::dead::Meant;
use super::super::dead::Report;
use super::DEAD_AT;
use super::Error;
use super::PARTITION;
use super::REASON;
use super::Rabbit;
use super::Target;
use crate::host;

/// How long the server may keep the next message back before somebody else must have it.
const NEXT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often to see whether somebody else is still looking: the server forgets who looked a moment after the channel closed.
const AGAIN: Duration = Duration::from_millis(20);
/// How long one exchange with the server may take, and how long to wait for one's turn.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// What was taken, until closed.
struct Look {
    channel: Channel,
    letters: Vec<(Dead, Delivery)>,
}

impl Rabbit {
    pub(in super::super) async fn dead_list(&self, max: usize) -> Result<Vec<Dead>, Error> {
        let _turn = self.turn().await?;
        let look = self.look(max).await?;
        let letters = look.letters.iter().map(|(letter, _)| letter.clone()).collect();
        look.close().await;
        Ok(letters)
    }

    pub(in super::super) async fn dead_act(
        &self,
        act: Act,
        meant: Meant<'_>,
        max: usize,
    ) -> Result<Report, Error> {
        let _turn = self.turn().await?;
        let look = self.look(if meant == Meant::All { max } else { LOOK_MAX }).await?;
        let letters = look.letters.iter().filter(|(letter, _)| letter.is(meant));
        let mut report = Report::default();
        let mut done = Ok(());
        for (letter, delivery) in letters.take(max) {
            done = self.act_on(act, letter, delivery, &mut report).await;
            if done.is_err() {
                break;
            }
        }
        look.close().await;
        done.map(|()| report)
    }

    /// In this process; the queue itself sees to it that only one process looks.
    async fn turn(&self) -> Result<MutexGuard<'_, ()>, Error> {
        timeout(CALL_TIMEOUT, self.looking.lock()).await.map_err(|_| Error::Busy)
    }

    async fn act_on(
        &self,
        act: Act,
        letter: &Dead,
        delivery: &Delivery,
        report: &mut Report,
    ) -> Result<(), Error> {
        match (act, letter.replays_to(self.partitions)) {
            (Act::Discard, _) => report.discarded += 1,
            (Act::Replay, Some(partition)) => {
                self.publish(Target::Jobs { partition }, &letter.id, &delivery.data).await?;
                report.replayed += 1;
            }
            (Act::Replay, None) => {
                report.left(letter);
                return Ok(());
            }
        }
        // Lost, the letter stays: a job that is replayed twice is known the second time.
        let acked = timeout(CALL_TIMEOUT, delivery.acker.ack(BasicAckOptions::default())).await;
        acked.map_err(|_| Error::Timeout)??;
        Ok(())
    }

    /// How many letters there are, once nobody else looks at them.
    async fn count(&self, channel: &Channel) -> Result<usize, Error> {
        loop {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
            let name = self.names.dead().into();
            let queue = channel.queue_declare(name, options, FieldTable::default()).await?;
            if queue.consumer_count() == 0 {
                return Ok(usize::try_from(queue.message_count()).unwrap_or(usize::MAX));
            }
            sleep(AGAIN).await;
        }
    }

    /// Takes the oldest letters, up to `max`.
    async fn look(&self, max: usize) -> Result<Look, Error> {
        let channel = self.consuming.channel().await?;
        let count = timeout(CALL_TIMEOUT, self.count(&channel)).await.map_err(|_| Error::Busy)??.min(max);
        let mut look = Look { channel, letters: Vec::with_capacity(count) };
        let taken = if count > 0 { look.take(&self.names.dead(), count).await } else { Ok(()) };
        if let Err(error) = taken {
            look.close().await;
            return Err(error);
        }
        Ok(look)
    }
}

impl Look {
    async fn take(&mut self, queue: &str, count: usize) -> Result<(), Error> {
        let prefetch = u16::try_from(count).unwrap_or(u16::MAX);
        self.channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let consume = self.channel.basic_consume(
            queue.into(),
            "look".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut consumer = timeout(CALL_TIMEOUT, consume).await.map_err(|_| Error::Timeout)??;
        while self.letters.len() < count {
            let Ok(next) = timeout(NEXT_TIMEOUT, consumer.next()).await else {
                // Some may have been taken between the count and now; none at all: another one looks.
                return if self.letters.is_empty() { Err(Error::Busy) } else { Ok(()) };
            };
            let delivery = next.ok_or(Error::Disconnected)??;
            self.letters.push((read(&delivery), delivery));
        }
        Ok(())
    }

    async fn close(self) {
        timeout(CALL_TIMEOUT, self.channel.close(200, "looked".into())).await.ok();
    }
}

fn read(delivery: &Delivery) -> Dead {
    let empty = FieldTable::default();
    let headers = delivery.properties.headers().as_ref().unwrap_or(&empty);
    let death = Death::first(headers);
    let reason = text(headers, REASON).or(death.as_ref().map(Death::told));
    let dead_at = number(headers, DEAD_AT).map(UnixMs).or(death.as_ref().and_then(|death| death.at));
    let partition = number(headers, PARTITION).or(death.as_ref().and_then(|death| death.partition()));
    let id = match delivery.properties.message_id() {
        Some(id) => id.as_str().to_owned(),
        None => dead::made_up_id(&delivery.data),
    };
    let reason = reason.unwrap_or_else(|| "unknown".to_owned());
    let partition = partition.and_then(|partition| u16::try_from(partition).ok());
    Dead::new(id, reason, dead_at, partition, &delivery.data, host::now())
}

/// What RabbitMQ says of a message that it dead-lettered by itself.
struct Death {
    reason: String,
    queue: String,
    at: Option<UnixMs>,
}

impl Death {
    /// The latest: the first of the list that came from a queue of jobs. Those of the ladder only ran out.
    fn first(headers: &FieldTable) -> Option<Self> {
        let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
        let deaths = deaths.as_slice().iter().filter_map(|death| match death {
            AMQPValue::FieldTable(death) => Some(death),
            _ => None,
        });
        let read = |death: &FieldTable| {
            let at = match death.inner().get("time") {
                Some(AMQPValue::Timestamp(seconds)) => Some(UnixMs(seconds.saturating_mul(SECOND_MS))),
                _ => None,
            };
            Some(Self { reason: text(death, "reason")?, queue: text(death, "queue")?, at })
        };
        deaths.filter_map(read).find(|death| death.reason != "expired")
    }

    fn told(&self) -> String {
        match self.reason.as_str() {
            "delivery_limit" => "delivered too often: each time the worker ended with it".to_owned(),
            other => other.to_owned(),
        }
    }

    fn partition(&self) -> Option<u64> {
        self.queue.rsplit('.').next()?.parse().ok()
    }
}

fn text(table: &FieldTable, name: &str) -> Option<String> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn number(table: &FieldTable, name: &str) -> Option<u64> {
    match table.inner().get(name)? {
        AMQPValue::LongLongInt(number) => u64::try_from(*number).ok(),
        AMQPValue::LongInt(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
