//! Takes the messages of one partition: one channel, two queues, mended without disturbing the other partitions.

use std::time::Duration;

use futures::StreamExt;
use futures::future::ready;
use futures::stream::BoxStream;
use futures::stream::once;
use futures::stream::select;
use lapin::Channel;
use lapin::options::BasicConsumeOptions;
use lapin::options::BasicQosOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;

use super::super::Deliveries;
use super::super::Delivery;
use super::super::Error;
use super::super::Receipt;
use super::super::dead;
use super::super::lease::Lease;
use super::super::topology;
use super::super::topology::Names;
use super::super::topology::Queue;
use super::link::Link;
use crate::fleet::Shares;

/// How long what was begun may take before the channel closes under it. Above the longest call to a provider.
const FINISH_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one exchange with the server may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before a broken partition is made again: doubled from the first to the second.
const REMAKE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];
/// A partition that lasted this long was sound: the next pause is the first one again.
const SOUND: Duration = Duration::from_secs(30);
/// How often to see whose the partition is.
const LOOK: Duration = Duration::from_millis(500);
/// How often to ask the server whether messages wait that do not come: two small calls a partition.
const WATCH: Duration = Duration::from_secs(5);
/// Looks in a row that find messages waiting, and none come, before the consumer counts as silent.
const SILENT_LOOKS_MAX: u32 = 3;
/// Least and longest time that a partition of somebody else's is worked on: its owner may be alive and not take it.
const YIELD: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// Takes one partition's messages.
pub struct Partition {
    pub link: Link,
    pub names: Names,
    pub number: u16,
    pub prefetch: u16,
    pub shares: Shares,
    pub deliveries: Deliveries,
    pub stop: watch::Receiver<bool>,
}

/// Why a channel ended.
enum End {
    /// It broke.
    Broken(Error),
    /// The consumer closes.
    Stopped,
    /// It goes to its owner.
    Yielded,
}

/// One registration with the server.
struct Session {
    channel: Channel,
    stream: BoxStream<'static, Message>,
    watched: [Watched; 2],
    lease: Lease,
    /// Since the first message.
    active_since: Option<Instant>,
}

/// A queue, and what the watchdog knows of it.
struct Watched {
    queue: Queue,
    /// Whether a message came since the last look.
    is_moving: bool,
    /// Looks in a row that found it silent.
    silent_looks: u32,
}

/// From which of the two queues, and what; `None` when that queue sends no more.
type Message = (usize, Option<lapin::Result<lapin::message::Delivery>>);

/// The queue of jobs that were put back, of the two of a partition.
const RETRY: usize = 1;

impl Partition {
    /// Until stopped.
    pub async fn run(mut self) {
        let ([mut pause, pause_max], [mut yield_pause, yield_max]) = (REMAKE, YIELD);
        loop {
            let begun_at = Instant::now();
            let is_lost;
            let end = match self.open().await {
                Ok(mut session) => {
                    let end = self.take(&mut session, yield_pause).await;
                    is_lost = !self.link.is_connected();
                    close(session).await;
                    end
                }
                Err(error) => {
                    is_lost = !self.link.is_connected();
                    End::Broken(error)
                }
            };
            let lasted = begun_at.elapsed();
            match end {
                End::Stopped => return,
                End::Yielded => {
                    // It came back to us at once: the owner does not take it.
                    let is_vain = lasted < yield_pause * 2;
                    yield_pause = if is_vain { (yield_pause * 2).min(yield_max) } else { YIELD[0] };
                    tracing::info!(partition = self.number, "handed over to its owner");
                }
                End::Broken(error) => {
                    // Not the partition's fault, and the link has pauses of its own: connections that are cut again and
                    // again are no reason to leave jobs waiting on the next one.
                    if is_lost || lasted > SOUND {
                        [pause, _] = REMAKE;
                    }
                    tracing::warn!(partition = self.number, %error, "a partition broke; making it again");
                    let mend = async {
                        sleep(pause).await;
                        self.link.connected().await;
                    };
                    tokio::select! {
                        () = mend => pause = (pause * 2).min(pause_max),
                        () = stopped(&mut self.stop) => return,
                    }
                }
            }
        }
    }

    async fn open(&self) -> Result<Session, Error> {
        let channel = self.link.channel().await?;
        let opened = timeout(CALL_TIMEOUT, async {
            // Again, for queues that were deleted since.
            let queues = topology::declare_partition(&channel, &self.names, self.number).await?;
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let [fresh, retry] = &queues;
            let stream = select(consume(&channel, 0, fresh).await?, consume(&channel, RETRY, retry).await?);
            Ok::<_, lapin::Error>((stream.boxed(), queues))
        });
        let (stream, queues) = opened.await.map_err(|_| Error::Timeout)??;
        let watched = queues.map(|queue| Watched { queue, is_moving: false, silent_looks: 0 });
        Ok(Session { channel, stream, watched, lease: Lease::default(), active_since: None })
    }

    /// Passes messages on until there is a reason not to.
    async fn take(&mut self, session: &mut Session, yield_pause: Duration) -> End {
        let (mut look, mut watch) = (interval(LOOK), interval(WATCH));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        watch.reset();
        let mut waiting = None;
        loop {
            tokio::select! {
                () = stopped(&mut self.stop) => return End::Stopped,
                _ = look.tick() => {
                    let is_due = session.active_since.is_some_and(|since| since.elapsed() >= yield_pause);
                    if is_due && !self.shares.allows(self.number) {
                        return End::Yielded;
                    }
                }
                _ = watch.tick() => {
                    let is_ours = self.shares.allows(self.number);
                    // A worker that is full hears of nothing new, and that is not the server's silence.
                    let listens = is_ours && waiting.is_none();
                    if let Err(error) = session.check(listens, self.prefetch).await {
                        return End::Broken(error);
                    }
                }
                sent = self.deliveries.reserve(), if waiting.is_some() => {
                    // The worker is gone, and with it whoever reads.
                    let Ok(permit) = sent else { return End::Stopped };
                    if let Some(delivery) = waiting.take() {
                        permit.send(delivery);
                    }
                }
                message = session.stream.next(), if waiting.is_none() => match message {
                    Some((queue, Some(Ok(message)))) => {
                        waiting = Some(session.delivery(self.number, queue, message));
                    }
                    Some((_, Some(Err(error)))) => return End::Broken(error.into()),
                    // One queue that ended ends both: the other alone would leave its jobs waiting.
                    Some((_, None)) | None => return End::Broken(Error::Unroutable),
                },
            }
        }
    }
}

impl Session {
    fn delivery(&mut self, partition: u16, queue: usize, mut message: lapin::message::Delivery) -> Delivery {
        self.active_since.get_or_insert_with(Instant::now);
        if let Some(watched) = self.watched.get_mut(queue) {
            watched.is_moving = true;
        }
        let body = std::mem::take(&mut message.data);
        let id = match message.properties.message_id() {
            Some(id) => id.as_str().to_owned(),
            None => dead::made_up_id(&body),
        };
        let receipt =
            Receipt::Rabbit { acker: Box::new(message.acker), held: self.lease.hold(), begun: None };
        Delivery { body, id, partition, is_retry: queue == RETRY, receipt }
    }

    /// Fails when a queue or our registration is gone, or when messages wait and do not come.
    async fn check(&mut self, listens: bool, prefetch: u16) -> Result<(), Error> {
        let has_room = self.lease.held() < u32::from(prefetch);
        for watched in &mut self.watched {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
            let name = watched.queue.name.as_str().into();
            let declare = self.channel.queue_declare(name, options, FieldTable::default());
            let state = timeout(CALL_TIMEOUT, declare).await.map_err(|_| Error::Timeout)??;
            if state.consumer_count() == 0 {
                return Err(Error::Silent);
            }
            let is_silent = listens && has_room && !watched.is_moving && state.message_count() > 0;
            watched.silent_looks = if is_silent { watched.silent_looks + 1 } else { 0 };
            watched.is_moving = false;
            if watched.silent_looks >= SILENT_LOOKS_MAX {
                return Err(Error::Silent);
            }
        }
        Ok(())
    }
}

async fn consume(
    channel: &Channel,
    index: usize,
    queue: &Queue,
) -> lapin::Result<BoxStream<'static, Message>> {
    let (name, options) = (queue.name.as_str(), BasicConsumeOptions::default());
    let consumer = channel.basic_consume(name.into(), name.into(), options, FieldTable::default()).await?;
    Ok(consumer.map(Some).chain(once(ready(None))).map(move |message| (index, message)).boxed())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the consumer is gone.
    stop.wait_for(|stop| *stop).await.ok();
}

async fn close(session: Session) {
    let Session { channel, lease, .. } = session;
    lease.end();
    // Acknowledgements still count while the channel lives.
    if !channel.status().connected() {
        return lease.close();
    }
    if timeout(FINISH_TIMEOUT, lease.idle()).await.is_err() {
        tracing::warn!("jobs under way take too long; they are sent again too, and are known");
    }
    // With it go the registrations and what was not acknowledged, in one step and in order.
    timeout(CALL_TIMEOUT, channel.close(200, "given up".into())).await.ok();
    lease.close();
}
