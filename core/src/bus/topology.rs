//! Exchanges and queues as data, declared once at boot.
//!
//! ```text
//! {p}.jobs (direct) ──partition──► {p}.jobs.0 … {p}.jobs.N-1      quorum
//! {p}.later.{ms} (fanout) ───────► {p}.later.{ms}                 quorum, TTL, dead-letters to {p}.jobs
//! {p}.dead (fanout) ─────────────► {p}.dead                       quorum
//! ```
//!
//! A message on the ladder keeps its partition as routing key, and finds its queue again by it. All dead-lettering
//! is at-least-once, which needs `overflow = reject-publish`.

use std::time::Duration;

use lapin::Channel;
use lapin::ExchangeKind;
use lapin::options::ExchangeDeclareOptions;
use lapin::options::QueueBindOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;

/// Delays of the ladder. A message's TTL runs out at the queue's head only, so each delay has a queue of its own.
pub const LADDER_MS: [u32; 7] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];
/// Deliveries of one message before it is dead: a worker died with it each time.
const DELIVERY_LIMIT: i32 = 20;
/// Messages a queue holds before publishing is refused, and the edge keeps its jobs: about 2 GB of disk.
const QUEUE_MESSAGES_MAX: i32 = 1_000_000;

/// Names, from the configured prefix.
#[derive(Clone)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// All names begin with `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Exchange of jobs to do now.
    pub fn jobs(&self) -> String {
        format!("{}.jobs", self.prefix)
    }

    /// Queue of one partition.
    pub fn partition(&self, partition: u16) -> String {
        format!("{}.jobs.{partition}", self.prefix)
    }

    /// Exchange and queue of a rung.
    pub fn later(&self, delay_ms: u32) -> String {
        format!("{}.later.{delay_ms}", self.prefix)
    }

    /// Exchange and queue of messages that cannot be worked on.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }
}

/// The longest rung that does not overshoot, or the shortest. A message that comes too soon is sent up again by its
/// order's record, so a delay of 20 s is 16 and 4, not 32.
pub fn rung(delay: Duration) -> u32 {
    let [shortest, ..] = LADDER_MS;
    let fits = |rung_ms: &u32| Duration::from_millis(u64::from(*rung_ms)) <= delay;
    LADDER_MS.into_iter().rev().find(fits).unwrap_or(shortest)
}

/// Declares everything. Safe to repeat; fails when the server has something else by these names.
pub async fn declare(channel: &Channel, names: &Names, partitions: u16) -> Result<(), lapin::Error> {
    exchange(channel, &names.jobs(), ExchangeKind::Direct).await?;
    exchange(channel, &names.dead(), ExchangeKind::Fanout).await?;
    queue(channel, &names.dead(), quorum(None)).await?;
    bind(channel, &names.dead(), &names.dead(), "").await?;
    for partition in 0..partitions {
        let mut arguments = quorum(Some(&names.dead()));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(QUEUE_MESSAGES_MAX));
        queue(channel, &names.partition(partition), arguments).await?;
        bind(channel, &names.partition(partition), &names.jobs(), &partition.to_string()).await?;
    }
    for delay_ms in LADDER_MS {
        let mut arguments = quorum(Some(&names.jobs()));
        arguments.insert("x-message-ttl".into(), AMQPValue::LongUInt(delay_ms));
        exchange(channel, &names.later(delay_ms), ExchangeKind::Fanout).await?;
        queue(channel, &names.later(delay_ms), arguments).await?;
        bind(channel, &names.later(delay_ms), &names.later(delay_ms), "").await?;
    }
    Ok(())
}

fn quorum(dead_letters_to: Option<&str>) -> FieldTable {
    let mut arguments = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(text.into());
    arguments.insert("x-queue-type".into(), text("quorum"));
    if let Some(exchange) = dead_letters_to {
        arguments.insert("x-dead-letter-exchange".into(), text(exchange));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
    }
    arguments
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), lapin::Error> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), lapin::Error> {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await.map(drop)
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), lapin::Error> {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_never_overshoots_by_more_than_the_shortest() {
        let rungs = [0, 1_000, 1_999, 2_000, 20_000, 100_000].map(|ms| rung(Duration::from_millis(ms)));
        assert_eq!(rungs, [1_000, 1_000, 1_000, 2_000, 16_000, 64_000]);
    }
}
