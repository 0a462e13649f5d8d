//! Delivery workers: take a job, claim it, call the provider, note the outcome, acknowledge.
//!
//! Jobs are spread over lanes by phone: one phone's jobs run one after the other, others beside them.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::TTL_MS_MAX;
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
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Private;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::app::App;
use crate::bus::Delivery;
use crate::bus::Target;
use crate::gateways::Gateway;
use crate::gateways::Message;
use crate::gateways::call::CALL_TIMEOUT;
use crate::host;
use crate::orders;
use crate::store;

/// Jobs waiting in one lane. More waits in the queue.
const LANE_JOBS_MAX: usize = 16;
/// How often a command is sent to the store again when its answer does not come: six seconds in all.
const STORE_TRIES_MAX: u32 = 6;
/// Longest pause between two tries to put a job back.
const RETURN_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A job that cannot be put back is held for as long as any code may live; then it is stale.
const RETURN_MS_MAX: u64 = TTL_MS_MAX;
const _: () =
    assert!(CLAIM_MS as u128 > CALL_TIMEOUT.as_millis(), "a claim outlasts the call to the provider");
/// A job waits this long when the store is away.
const STORE_RETRY: Duration = Duration::from_secs(1);

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
    let mut consumer = app.bus.consume(app.config.file.delivery.prefetch, app.fleet.shares());
    loop {
        let delivery = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            delivery = consumer.next() => delivery,
        };
        let Some(delivery) = delivery else { break };
        let lane = lane_of(&delivery, senders.len());
        let Some(sender) = senders.get(lane) else { continue };
        if sender.send(delivery).await.is_err() {
            tracing::error!(lane, "a lane is gone; its jobs stay in the queue");
        }
    }
    drop(senders);
    // The lanes finish what they began, and drop the rest.
    consumer.close().await;
    while lanes.join_next().await.is_some() {}
}

/// The same lane for every job of a phone. What does not parse may go anywhere.
fn lane_of(delivery: &Delivery, lanes: usize) -> usize {
    let lanes = u16::try_from(lanes).unwrap_or(u16::MAX);
    header(delivery).map_or(0, |header| usize::from(header.order.ledger().partition(lanes)))
}

/// What the job says of itself, unchecked.
fn header(delivery: &Delivery) -> Option<Header> {
    let envelope = Envelope::parse(&delivery.body).ok()?;
    serde_json::from_str(&envelope.header).ok()
}

async fn lane(app: Arc<App>, mut jobs: mpsc::Receiver<Delivery>) {
    while let Some(mut delivery) = jobs.recv().await {
        if !delivery.begin() {
            continue;
        }
        let (on, body) = (app.clone(), delivery.body.clone());
        // In a task of its own: a job that panics must not take its lane along.
        let next = match tokio::spawn(async move { work(&on, &body).await }).await {
            Ok(Ok(next)) => next,
            Ok(Err(orders::Error::Store(error @ store::Error::State { .. }))) => {
                tracing::error!(%error, "an order's record cannot be read");
                Next::Dead("the order's record cannot be read")
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store is away; the job waits");
                Next::Later(STORE_RETRY)
            }
            Err(_) => Next::Dead("the worker panicked"),
        };
        settle(&app, delivery, next).await;
    }
}

/// Only what is safe elsewhere, or stale, leaves the queue: a job let go unacknowledged would come back only when
/// the channel ends.
async fn settle(app: &App, delivery: Delivery, next: Next) {
    let partition = delivery.partition;
    let target = match next {
        Next::Ack => return delivery.ack().await,
        Next::Dead(reason) => {
            tracing::error!(reason, "a job cannot be worked on; it is kept as dead");
            Target::Dead { partition, reason }
        }
        Next::Later(delay) => Target::Later { partition, delay },
    };
    let give_up_at = host::now().plus(RETURN_MS_MAX);
    let mut pause = Duration::from_millis(100);
    while host::now() < give_up_at {
        match app.bus.publish(target, &delivery.id, &delivery.body).await {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "a job could not be put back; trying again"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(RETURN_PAUSE_MAX);
    }
    delivery.ack().await;
}

async fn work(app: &Arc<App>, body: &[u8]) -> Result<Next, orders::Error> {
    let (header, dispatch, private) = match open(app, body) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, "a job was refused");
            return Ok(Next::Dead("envelope refused"));
        }
    };
    // **never-stale**, before anything is asked of the store.
    if host::now() >= header.expires_at {
        return Ok(Next::Ack);
    }
    let channel = dispatch.as_ref().map_or(header.channel, |dispatch| dispatch.channel);
    let gateways = app.gateways.carrying(channel);
    if gateways.is_empty() {
        return Ok(Next::Dead("no gateway delivers this channel"));
    }
    let directory = app.directory.current();
    let service = directory.tenants.get(&header.tenant).and_then(|t| t.services.get(&header.service));
    let Some(service) = service else { return Ok(Next::Dead("unknown tenant or service")) };
    let token = Bytes(host::random()?);
    let claim = Ask::Claim { token, header: Box::new(header.clone()), dispatch, gateways };
    let (n, gateway) = match insist(app, &header, claim).await? {
        Decision::Send { n, gateway } => (n, gateway),
        decision => return Ok(next(decision)),
    };
    let Some(gateway) = app.gateways.named(gateway.as_str()) else {
        return Ok(Next::Dead("the order's gateway is not configured any more"));
    };

    let words = Words {
        brand: &service.brand,
        ttl_ms: header.expires_at.since(header.created_at),
        approves: private.approves.as_deref(),
        autofill: service.autofill_by(header.channel),
    };
    let outcome = send(app, gateway, &header, &private, &words, n).await;
    tracing::info!(order.id = %header.order, attempt.n = n, gateway = %gateway.name(), ?outcome, "attempt");
    match insist(app, &header, Ask::Result { n, outcome }).await {
        Ok(decision) => Ok(next(decision)),
        // The claim runs out, and the attempt becomes unknown.
        Err(_) => Ok(Next::Later(Duration::from_millis(CLAIM_MS))),
    }
}

fn open(app: &App, body: &[u8]) -> Result<(Header, Option<Dispatch>, Private), envelope::Error> {
    let envelope = Envelope::parse(body)?;
    let header = envelope.verify(&app.edges)?;
    let seal = app.seal.as_ref().ok_or(envelope::Error::UnknownKey)?;
    let private = envelope.open(seal)?;
    Ok((header, envelope.dispatch, private))
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

/// Asks until the store answers. A record gives the same answer to the same claim or outcome, however often it comes.
async fn insist(app: &Arc<App>, header: &Header, ask: Ask) -> Result<Decision, orders::Error> {
    let mut tries = 1;
    loop {
        match orders::apply(app, &header.order, ask.clone()).await {
            Err(error)
                if tries < STORE_TRIES_MAX
                    && !matches!(error, orders::Error::Store(store::Error::State { .. })) =>
            {
                tracing::warn!(%error, order.id = %header.order, "no answer from the store; asking again");
            }
            answer => return answer,
        }
        sleep(Duration::from_millis(100 << tries)).await;
        tries += 1;
    }
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
