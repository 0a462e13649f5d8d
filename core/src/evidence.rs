//! Evidence packets: keeps what was said to providers and by them, and puts it together with an order's story.
//!
//! What is kept is a help to people and decides nothing: where the store does not take it, the order goes on without.

pub mod page;
pub mod receipt;
pub mod record;
pub mod redact;
pub mod scheme;
pub mod time;
pub mod upload;

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence;
use tiffin_shared::evidence::Account;
use tiffin_shared::evidence::Answer;
use tiffin_shared::evidence::Ask;
use tiffin_shared::evidence::Clock;
use tiffin_shared::evidence::Command;
use tiffin_shared::evidence::Costs;
use tiffin_shared::evidence::Evidence;
use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Form;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Kept;
use tiffin_shared::evidence::Risk;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::evidence::Tried;
use tiffin_shared::evidence::Upload;
use tiffin_shared::evidence::Uploaded;
use tiffin_shared::evidence::VERSION;
use tiffin_shared::evidence::linked;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order;
use tiffin_shared::order::Read;
use tiffin_shared::order::Timeline;
use tiffin_shared::time::SECOND_MS;
use tokio::time::sleep;

use crate::app::App;
use crate::host;
use crate::http::ops::orders::advice;
use crate::store;
use crate::store::Key;

/// How often it is tried to keep something, and the pause between.
const KEEP_TRIES_MAX: u32 = 3;
const KEEP_PAUSE: Duration = Duration::from_millis(300);
/// The shelf of what support adds: attempts count from 1.
const UPLOADS: u32 = 0;

/// A packet cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not encode.
    #[error("the packet does not encode: {0}")]
    Encode(#[from] serde_json::Error),
    /// Core has no record of the order.
    #[error("core has no record of this order")]
    NotFound,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A packet, sealed.
pub struct Packet {
    /// What it says.
    pub evidence: Evidence,
    /// The packet's text, canonical JSON.
    pub text: String,
    /// What support added, with its content.
    pub uploads: Vec<Upload>,
}

impl Packet {
    /// The packet in this form.
    pub fn written(self, form: Form) -> String {
        match form {
            Form::Html => page::page(&self),
            Form::Json => self.text,
        }
    }
}

/// Keeps something for an order's attempt, without keeping the caller waiting while there is room beside it.
pub async fn keep(app: &Arc<App>, order: &OrderId, n: u32, to: Option<String>, item: Item) {
    let Ok(id) = host::random() else { return };
    let (key, command) = (Key::exhibits(order, n), Command::Keep { id: Bytes(id), to, item: Box::new(item) });
    match app.background.clone().try_acquire_owned() {
        Ok(permit) => {
            let app = app.clone();
            tokio::spawn(async move {
                insist(&app, &key, &command).await;
                drop(permit);
            });
        }
        Err(_) => insist(app, &key, &command).await,
    }
}

async fn insist(app: &App, key: &Key, command: &Command) {
    for _ in 0..KEEP_TRIES_MAX {
        match app.store.apply::<Shelf>(key, command, host::now()).await {
            Ok(_) => return,
            Err(error) => tracing::warn!(%error, "evidence was not kept; trying again"),
        }
        sleep(KEEP_PAUSE).await;
    }
}

/// Keeps what support adds. False where there is no room for more.
pub async fn add(app: &App, order: &OrderId, upload: Upload, id: [u8; 16]) -> Result<bool, store::Error> {
    let command = Command::Keep { id: Bytes(id), to: None, item: Box::new(Item::Upload(upload)) };
    let kept = app.store.apply::<Shelf>(&Key::exhibits(order, UPLOADS), &command, host::now()).await?;
    Ok(kept.is_kept)
}

/// Takes away what support added as the `n`th, counted from 1. False where there is no such upload.
pub async fn remove(app: &App, order: &OrderId, n: u32, by: &str) -> Result<bool, store::Error> {
    let command = Command::Remove { n, by: by.to_owned() };
    let kept = app.store.apply::<Shelf>(&Key::exhibits(order, UPLOADS), &command, host::now()).await?;
    Ok(kept.is_kept)
}

/// The answer to a public front door's question.
pub async fn answer(app: &App, ask: &Ask) -> Result<Answer, Error> {
    let timeline = match timeline(app, &ask.order).await {
        Err(Error::NotFound) => return Ok(Answer::NotFound),
        timeline => timeline?,
    };
    // Orders of other tenants, and of services that the key is not for, do not exist.
    let is_theirs = timeline.job.as_ref().is_some_and(|job| {
        job.tenant == ask.tenant && (ask.scope.is_empty() || ask.scope.contains(&job.service))
    });
    // An erased one exists for nobody but the operator, as at the public front door.
    if !is_theirs || timeline.erased_at.is_some() {
        return Ok(Answer::NotFound);
    }
    Ok(Answer::Found(made(app, &ask.order, *timeline).await?.written(ask.form)))
}

/// The packet of an order, whoever's it is.
pub async fn packet(app: &App, order: &OrderId) -> Result<Packet, Error> {
    let timeline = timeline(app, order).await?;
    made(app, order, *timeline).await
}

async fn timeline(app: &App, order: &OrderId) -> Result<Box<Timeline>, Error> {
    let read = app.store.apply::<Read>(&Key::order(order), &(), host::now()).await?;
    read.ok_or(Error::NotFound)
}

async fn made(app: &App, order: &OrderId, timeline: Timeline) -> Result<Packet, Error> {
    let numbers = timeline.attempts.iter().map(|tried| tried.attempt.n);
    let shelves = numbers
        .chain([UPLOADS])
        .map(async |n| app.store.apply::<Shelf>(&Key::exhibits(order, n), &Command::Look, host::now()).await);
    let mut shelves = try_join_all(shelves).await?;
    let uploads: Vec<Upload> =
        shelves.pop().unwrap_or_default().items.into_iter().filter_map(upload).collect();
    let to = shelves.iter().find_map(|shelf| shelf.to.clone());
    let advice = advice(app, &timeline);
    let job = &timeline.job;
    let attempts: Vec<Tried> =
        timeline.attempts.into_iter().zip(shelves).map(|(tried, shelf)| attempt(app, tried, shelf)).collect();
    let job = job.clone();
    let tenant = job.as_ref().map(|job| job.tenant.clone());
    let directory = app.directory.current();
    let settings = tenant.as_ref().and_then(|tenant| directory.tenants.get(tenant));
    let evidence = Evidence {
        version: VERSION,
        made_at: host::now(),
        account: Account { email: settings.and_then(|tenant| tenant.support_email.clone()), tenant },
        order: order.clone(),
        request: job.as_ref().and_then(|job| job.request.clone()),
        trace: job.as_ref().and_then(|job| job.trace).map(|trace| trace.id),
        service: job.as_ref().map(|job| job.service.clone()),
        channel: job.as_ref().map(|job| job.channel),
        country: job.as_ref().and_then(|job| job.country),
        to,
        created_at: job.as_ref().map(|job| job.created_at),
        expires_at: job.as_ref().map(|job| job.expires_at),
        state: timeline.state,
        reason: timeline.reason,
        erased_at: timeline.erased_at,
        is_closed: timeline.is_closed,
        advice,
        risk: job.as_ref().and_then(|job| Some(Risk { tier: job.tier?, factors: job.factors })),
        timeline: linked(&timeline.story),
        head: timeline.story.head,
        costs: timeline.bill.as_ref().map(Costs::of),
        clocks: clocks(&attempts),
        attempts,
        uploads: uploads.iter().map(uploaded).collect(),
    };
    let text = evidence::seal(&evidence, app.signing.current())?;
    Ok(Packet { evidence, text, uploads })
}

fn attempt(app: &App, tried: order::Tried, shelf: Kept) -> Tried {
    let (mut exchanges, mut receipts) = (Vec::new(), Vec::new());
    for item in shelf.items {
        match item {
            Item::Exchange(exchange) => exchanges.push(exchange),
            Item::Receipt(receipt) => receipts.push(receipt),
            Item::Upload(_) => {}
        }
    }
    let attempt = tried.attempt;
    let kind = app.gateways.named(attempt.gateway.as_str()).map(|it| it.account().kind.name.to_owned());
    Tried {
        n: attempt.n,
        channel: attempt.channel,
        gateway: attempt.gateway,
        kind,
        sender: tried.sender,
        state: attempt.state,
        reason: attempt.reason,
        changed: attempt.changed,
        called_at: tried.called_at,
        provider_id: tried.provider_id,
        cost: tried.cost,
        exchanges,
        receipts,
        has_more: shelf.is_full,
    }
}

fn upload(item: Item) -> Option<Upload> {
    match item {
        Item::Upload(upload) => Some(upload),
        Item::Exchange(_) | Item::Receipt(_) => None,
    }
}

fn uploaded(upload: &Upload) -> Uploaded {
    let is_text = upload.media == evidence::Media::Text;
    Uploaded {
        at: upload.at,
        media: upload.media,
        bytes: upload.bytes,
        by: upload.by.clone(),
        sha256: upload.sha256,
        note: upload.note.clone(),
        text: (is_text && upload.removed.is_none()).then(|| upload.content.clone()),
        removed: upload.removed.clone(),
    }
}

/// Each gateway's clock, by the reply that was there the fastest: its error is the smallest.
fn clocks(attempts: &[Tried]) -> Vec<Clock> {
    let mut clocks: Vec<Clock> = Vec::new();
    for tried in attempts {
        for exchange in &tried.exchanges {
            let Some(clock) = clock(&tried.gateway, exchange) else { continue };
            match clocks.iter_mut().find(|known| known.gateway == clock.gateway) {
                Some(known) => {
                    let samples = known.samples + 1;
                    if clock.error_ms < known.error_ms {
                        *known = clock;
                    }
                    known.samples = samples;
                }
                None => clocks.push(clock),
            }
        }
    }
    clocks
}

/// `Date` is the second in which the reply was made: its middle, against the middle of the call.
fn clock(gateway: &GatewayId, exchange: &Exchange) -> Option<Clock> {
    let theirs = exchange.reply.as_ref()?.date?.plus(SECOND_MS / 2);
    let took_ms = exchange.ended_at.since(exchange.began_at);
    let ours = exchange.began_at.plus(took_ms / 2);
    let offset_ms = i64::try_from(theirs.0).ok()?.checked_sub(i64::try_from(ours.0).ok()?)?;
    let error_ms = took_ms.div_ceil(2) + SECOND_MS / 2;
    Some(Clock { gateway: gateway.clone(), offset_ms, error_ms, samples: 1 })
}
