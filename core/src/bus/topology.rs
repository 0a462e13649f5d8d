//! Exchanges and queues as data, declared at boot, and again where one is found missing.
//!
//! ```text
//! {p}.jobs (direct) ──partition──► {p}.jobs.0 … N-1      fresh jobs
//! {p}.retry (direct) ─partition──► {p}.retry.0 … N-1     jobs that were put back
//! {p}.later.{ms} (fanout) ───────► {p}.later.{ms}        TTL, dead-letters to {p}.retry
//! {p}.dead (fanout) ─────────────► {p}.dead              what cannot be worked on
//! ```
//!
//! All are quorum queues, and all that is consumed has a single active consumer. A message on the ladder keeps its partition
//! as routing key, and finds its queue again by it. All dead-lettering is at-least-once, which needs `overflow =
//! reject-publish`.

use std::time::Duration;

use lapin::Channel;
use lapin::ExchangeKind;
use lapin::options::ExchangeDeclareOptions;
use lapin::options::QueueBindOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;

/// Delays of the ladder. A message's TTL runs out at the queue's head only, so each delay has a queue of its own. From
/// two seconds on each is at most half as long again as the one before.
pub const LADDER_S: [u32; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
/// Deliveries of one message before it is dead: a worker died with it each time.
const DELIVERY_LIMIT: i64 = 20;
/// Dead letters are looked at without being taken, and each look is a delivery. RabbitMQ 4 has a limit of 20 by default.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;
/// Messages a queue holds before publishing is refused, and the edge keeps its jobs: about 2 GB of disk.
pub const QUEUE_MESSAGES_MAX: i64 = 1_000_000;
/// Dead letters, about 200 MB. Beyond it jobs that cannot be worked on stay where they are until their codes are over.
pub const DEAD_MESSAGES_MAX: i64 = 100_000;

/// Names, from the configured prefix.
#[derive(Clone, Debug)]
pub struct Names {
    prefix: String,
}

/// A queue, and the exchange that feeds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Where its messages come from.
    pub exchange: String,
    /// By which key; a fanout exchange has none.
    pub key: Option<String>,
    /// `x-…`
    pub arguments: FieldTable,
}

impl Names {
    /// All names begin with `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Exchange of fresh jobs.
    pub fn jobs(&self) -> String {
        format!("{}.jobs", self.prefix)
    }

    /// Exchange of jobs whose delay is over.
    pub fn retry(&self) -> String {
        format!("{}.retry", self.prefix)
    }

    /// Exchange and queue of a rung.
    pub fn later(&self, delay_s: u32) -> String {
        format!("{}.later.{delay_s}", self.prefix)
    }

    /// Exchange and queue of messages that cannot be worked on.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// The two queues of a partition: fresh, then put back.
    pub fn partition(&self, partition: u16) -> [Queue; 2] {
        [self.jobs(), self.retry()].map(|exchange| {
            let mut arguments = quorum(QUEUE_MESSAGES_MAX, DELIVERY_LIMIT);
            dead_letters_to(&mut arguments, &self.dead());
            let name = format!("{exchange}.{partition}");
            Queue { name, exchange, key: Some(partition.to_string()), arguments }
        })
    }

    /// Everything else: what each partition's messages may go on to.
    pub fn common(&self) -> Vec<Queue> {
        let fanout =
            |name: String, arguments| Queue { name: name.clone(), exchange: name, key: None, arguments };
        let mut queues = vec![fanout(self.dead(), quorum(DEAD_MESSAGES_MAX, DEAD_DELIVERY_LIMIT))];
        for delay_s in LADDER_S {
            let mut arguments = quorum(QUEUE_MESSAGES_MAX, DELIVERY_LIMIT);
            dead_letters_to(&mut arguments, &self.retry());
            arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(i64::from(delay_s) * 1_000));
            queues.push(fanout(self.later(delay_s), arguments));
        }
        queues
    }
}

/// The shortest rung that is not shorter than the delay. A longer delay takes the longest one, and comes again.
pub fn rung(delay: Duration) -> u32 {
    let [.., longest] = LADDER_S;
    let fits = |rung_s: &u32| Duration::from_secs(u64::from(*rung_s)) >= delay;
    LADDER_S.into_iter().find(fits).unwrap_or(longest)
}

/// Declares everything. Safe to repeat; fails when the server has something else by these names.
pub async fn declare(channel: &Channel, names: &Names, partitions: u16) -> Result<(), lapin::Error> {
    for queue in names.common() {
        declare_queue(channel, &queue).await?;
    }
    for partition in 0..partitions {
        declare_partition(channel, names, partition).await?;
    }
    Ok(())
}

/// Declares the two queues of a partition.
pub async fn declare_partition(
    channel: &Channel,
    names: &Names,
    partition: u16,
) -> Result<[Queue; 2], lapin::Error> {
    let queues = names.partition(partition);
    for queue in &queues {
        declare_queue(channel, queue).await?;
    }
    Ok(queues)
}

async fn declare_queue(channel: &Channel, queue: &Queue) -> Result<(), lapin::Error> {
    let Queue { name, exchange, key, arguments } = queue;
    let kind = if key.is_some() { ExchangeKind::Direct } else { ExchangeKind::Fanout };
    let (exchange, name) = (exchange.as_str(), name.as_str());
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), kind, options, FieldTable::default()).await?;
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments.clone()).await?;
    let key = key.clone().unwrap_or_default();
    let options = QueueBindOptions::default();
    channel.queue_bind(name.into(), exchange.into(), key.into(), options, FieldTable::default()).await
}

fn quorum(messages_max: i64, delivery_limit: i64) -> FieldTable {
    let mut arguments = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(text.into());
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(messages_max));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(delivery_limit));
    arguments
}

fn dead_letters_to(arguments: &mut FieldTable, exchange: &str) {
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(exchange.into()));
    arguments.insert("x-dead-letter-strategy".into(), AMQPValue::LongString("at-least-once".into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_never_too_short_and_at_most_half_as_long_again() {
        let rungs =
            [0, 1_000, 1_001, 2_000, 20_000, 64_000, 100_000].map(|ms| rung(Duration::from_millis(ms)));
        assert_eq!(rungs, [1, 1, 2, 2, 24, 64, 64]);
        for ms in 2_000..=64_000_u64 {
            let rung_ms = u64::from(rung(Duration::from_millis(ms))) * 1_000;
            assert!(ms <= rung_ms && rung_ms * 2 <= ms * 3, "{ms} ms: {rung_ms} ms");
        }
    }

    #[test]
    fn a_partition_has_a_queue_for_fresh_jobs_and_one_for_those_put_back() {
        let [fresh, retry] = Names::new("p").partition(3);
        assert_eq!((fresh.name.as_str(), retry.name.as_str()), ("p.jobs.3", "p.retry.3"));
        assert_eq!(fresh.key.as_deref(), Some("3"));
    }
}
