//! Delivery workers: take a job, claim it, call the provider, note the outcome, acknowledge.
//!
//! Jobs are spread over lanes by phone: one phone's jobs run one after the other, others beside them.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::envelope;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CLAIM_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::text;
use tiffin_shared::text::Words;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Private;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::app::App;
use crate::bus::Consumer;
use crate::bus::Delivery;
use crate::bus::Target;
use crate::gateways::Gateway;
use crate::gateways::Message;
use crate::host;
use crate::orders;

/// Jobs waiting in one lane. More waits in the queue.
const LANE_JOBS_MAX: usize = 16;
/// How often an outcome is written again when the store does not take it.
const OUTCOME_TRIES_MAX: u32 = 6;
/// How often a job is put back again when the bus does not take it.
const RETURN_TRIES_MAX: u32 = 6;
/// A job waits this long when the store is away.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Before a broken consumer is made anew.
const CONSUMER_RETRY: Duration = Duration::from_secs(1);

/// What becomes of a job.
enum Next {
    /// It is done with.
    Ack,
    /// It cannot be worked on, now or later.
    Dead(&'static str),
    /// It comes again.
    Later(Duration),
}

/// Works until `stop` changes, then finishes what is under way.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut lanes = JoinSet::new();
    let mut senders = Vec::new();
    for _ in 0..app.config.file.delivery.lanes {
        let (sender, receiver) = mpsc::channel(LANE_JOBS_MAX);
        senders.push(sender);
        lanes.spawn(lane(app.clone(), receiver));
    }
    let consumer = loop {
        let mut consumer = match app.bus.consume(app.config.file.delivery.prefetch).await {
            Ok(consumer) => Some(consumer),
            Err(error) => {
                tracing::warn!(%error, "cannot take jobs; trying again");
                None
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break consumer,
            () = take(consumer.as_mut(), &senders) => {}
        }
    };
    drop(senders);
    while lanes.join_next().await.is_some() {}
    // Only now: what the lanes acknowledged, they acknowledged to this consumer.
    drop(consumer);
}

/// Takes jobs until the consumer breaks, and then a moment longer.
async fn take(consumer: Option<&mut Consumer>, senders: &[mpsc::Sender<Delivery>]) {
    if let Some(consumer) = consumer {
        while let Some(delivery) = consumer.next().await {
            let lane = lane_of(&delivery, senders.len());
            let Some(sender) = senders.get(lane) else { continue };
            if sender.send(delivery).await.is_err() {
                tracing::error!(lane, "a lane is gone; its jobs stay in the queue");
            }
        }
        tracing::warn!("the consumer ended; making another");
    }
    sleep(CONSUMER_RETRY).await;
}

/// The same lane for every job of a phone. What does not parse may go anywhere.
fn lane_of(delivery: &Delivery, lanes: usize) -> usize {
    let header = Envelope::parse(&delivery.body).ok();
    let header = header.and_then(|envelope| serde_json::from_str::<Header>(&envelope.header).ok());
    let lanes = u16::try_from(lanes).unwrap_or(u16::MAX);
    header.map_or(0, |header| usize::from(header.order.ledger().partition(lanes)))
}

async fn lane(app: Arc<App>, mut jobs: mpsc::Receiver<Delivery>) {
    while let Some(delivery) = jobs.recv().await {
        let next = match work(&app, &delivery.body).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "the store is away; the job waits");
                Next::Later(STORE_RETRY)
            }
        };
        settle(&app, delivery, next).await;
    }
}

async fn settle(app: &App, delivery: Delivery, next: Next) {
    let partition = delivery.partition;
    let target = match next {
        Next::Ack => return delivery.ack().await,
        Next::Dead(reason) => {
            tracing::error!(reason, "a job cannot be worked on; it is kept as dead");
            Target::Dead { reason }
        }
        Next::Later(delay) => Target::Later { partition, delay },
    };
    for attempt in 0..RETURN_TRIES_MAX {
        match app.bus.publish(target, "returned", &delivery.body).await {
            // Only what is safe elsewhere leaves the queue.
            Ok(()) => return delivery.ack().await,
            Err(error) => tracing::warn!(%error, "a job could not be put back; trying again"),
        }
        sleep(Duration::from_millis(100 << attempt)).await;
    }
    // Unacknowledged, so the queue still has it and gives it out again.
}

async fn work(app: &Arc<App>, body: &[u8]) -> Result<Next, orders::Error> {
    let (header, private) = match open(app, body) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, "a job was refused");
            return Ok(Next::Dead("envelope refused"));
        }
    };
    let Some(gateway) = app.gateways.for_channel(header.channel) else {
        return Ok(Next::Dead("no gateway delivers this channel"));
    };
    let service = app.directory.tenants.get(&header.tenant).and_then(|t| t.services.get(&header.service));
    let Some(service) = service else { return Ok(Next::Dead("unknown tenant or service")) };
    let claim = Ask::Claim { header: Box::new(header.clone()), gateway: gateway.name().clone() };
    let decision = orders::apply(app, &header.order, claim).await?;
    let Decision::Send { n } = decision else { return Ok(next(decision)) };

    let words = Words {
        brand: &service.brand,
        ttl_ms: header.expires_at.since(header.created_at),
        approves: private.approves.as_deref(),
    };
    let outcome = send(app, gateway, &header, &private, &words, n).await;
    tracing::info!(order.id = %header.order, attempt.n = n, gateway = %gateway.name(), ?outcome, "attempt");
    note(app, &header, Ask::Result { n, outcome }).await
}

fn open(app: &App, body: &[u8]) -> Result<(Header, Private), envelope::Error> {
    let envelope = Envelope::parse(body)?;
    let header = envelope.verify(&app.edges)?;
    let seal = app.seal.as_ref().ok_or(envelope::Error::UnknownKey)?;
    let private = envelope.open(seal)?;
    Ok((header, private))
}

async fn send(
    app: &App,
    gateway: &Gateway,
    header: &Header,
    private: &Private,
    words: &Words<'_>,
    n: u32,
) -> CallOutcome {
    let Some(phone) = &private.phone else {
        return CallOutcome::Permanent(tiffin_shared::order::Reason::InvalidNumber);
    };
    let callback_url = format!(
        "{}/callbacks/{}?order={}&n={n}",
        app.config.file.server.public_url,
        gateway.name(),
        header.order
    );
    let text = text::render(&private.code, words);
    let valid_s = header.expires_at.since(host::now()) / SECOND_MS;
    gateway
        .send(&app.provider_client, &Message { phone, text: &text, valid_s, callback_url: &callback_url })
        .await
}

/// Writes the outcome. Lost, it would leave the attempt claimed, and then unknown.
async fn note(app: &Arc<App>, header: &Header, result: Ask) -> Result<Next, orders::Error> {
    for attempt in 0..OUTCOME_TRIES_MAX {
        match orders::apply(app, &header.order, result.clone()).await {
            Ok(decision) => return Ok(next(decision)),
            Err(error) => {
                tracing::warn!(%error, order.id = %header.order, "an outcome was not noted; trying again")
            }
        }
        sleep(Duration::from_millis(100 << attempt)).await;
    }
    Ok(Next::Later(Duration::from_millis(CLAIM_MS)))
}

fn next(decision: Decision) -> Next {
    match decision {
        Decision::Noted | Decision::Send { .. } | Decision::Stop => Next::Ack,
        Decision::RetryAt(at) => Next::Later(until(at)),
    }
}

fn until(at: UnixMs) -> Duration {
    Duration::from_millis(at.since(host::now()))
}
