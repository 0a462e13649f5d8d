//! Tells tenants what happens: keeps events in their logs, and delivers them to their endpoints.
//!
//! An event is in its tenant's log before whoever brought it goes on. From there each endpoint's outbox takes it, in
//! order; see [`tiffin_shared::webhook::outbox`]. Nothing of an event is held in this process alone.

mod deliver;
mod endpoint;
pub mod manage;
mod pump;
pub mod send;
pub mod target;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use serde_json::Value;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::NewRow;
use tiffin_shared::order::Errand;
use tiffin_shared::webhook::Event;
use tiffin_shared::webhook::HookKeys;
pub use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::TooLarge;
use tiffin_shared::webhook::book::Book;
use tiffin_shared::webhook::book::Command;
use tiffin_shared::webhook::book::Managed;
use tiffin_shared::webhook::of_order;
use tiffin_shared::webhook::outbox;
use tiffin_shared::webhook::outbox::LOG_KEEP_MS;
use tiffin_shared::webhook::outbox::Outbox;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use self::endpoint::Endpoint;
use self::send::Sender;
use crate::app::App;
use crate::config;
use crate::config::Config;
use crate::host;
use crate::journal;
use crate::journal::Stream;
use crate::store;
use crate::store::Key;

/// How often what operators changed in another process is read.
const PERIOD: Duration = Duration::from_secs(2);
/// Deliveries under way in this process: with eight to one endpoint, thirty-two that do not answer leave none behind.
pub const SENDS_MAX: usize = 256;

/// An event was not taken, as far as we know. The same one may be brought again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It says too much. It will the next time too.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
}

/// Endpoints, and what is under way to them.
pub struct Hooks {
    /// Of the file.
    fixed: Vec<Arc<Endpoint>>,
    /// All of them, as they were read last.
    all: RwLock<Arc<Vec<Arc<Endpoint>>>>,
    /// Seals the keys of those that operators manage.
    keys: HookKeys,
    sender: Sender,
    permits: Semaphore,
    /// Endpoints that this process delivers to just now, and what tells that there is more.
    running: Mutex<HashMap<String, Arc<Notify>>>,
    to_loopback: bool,
}

impl Hooks {
    /// With the endpoints of the file.
    pub fn new(config: &Config) -> Result<Self, config::Error> {
        let fixed: Vec<_> =
            config.endpoints()?.into_iter().map(|(of, keys)| Endpoint::fixed(of, keys)).collect();
        let sender = Sender::new(Arc::new(send::System)).map_err(|error| config::Error::Invalid {
            place: "webhooks".into(),
            reason: format!("cannot set up TLS: {error}"),
        })?;
        Ok(Self {
            all: RwLock::new(Arc::new(fixed.clone())),
            fixed,
            keys: config.hook_keys()?,
            sender,
            permits: Semaphore::new(SENDS_MAX),
            running: Mutex::default(),
            to_loopback: config.file.webhooks.to_loopback,
        })
    }

    /// Deliveries under way.
    pub fn under_way(&self) -> usize {
        SENDS_MAX.saturating_sub(self.permits.available_permits())
    }

    /// Whether anybody listens for this tenant.
    pub fn listens(&self, tenant: &TenantId) -> bool {
        self.all().iter().any(|endpoint| endpoint.tenant == *tenant)
    }

    fn all(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, id: &str) -> Option<Arc<Endpoint>> {
        self.all().iter().find(|endpoint| endpoint.id == id).cloned()
    }

    fn replace(&self, managed: &[Managed]) {
        let opened = managed.iter().map(|of| Endpoint::managed(of, &self.keys));
        let all: Vec<_> = self.fixed.iter().cloned().chain(opened).collect();
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}

/// Tells a tenant's endpoints that something happened. `id` names the event, and is the same when it is brought again:
/// what it is about, a slash, and its number there, such as `esc_1/3`. Events about the same are delivered in order.
/// Returns once the event is kept; without an endpoint that listens, at once. `data` is at most
/// [`DATA_BYTES_MAX`](tiffin_shared::webhook::DATA_BYTES_MAX) bytes of JSON, without code, key or full number.
pub async fn emit(app: &Arc<App>, tenant: &TenantId, kind: Kind, id: &str, data: Value) -> Result<(), Error> {
    if !app.hooks.listens(tenant) {
        return Ok(());
    }
    let named = id.rsplit_once('/').unwrap_or((id, ""));
    keep(app, tenant, vec![Event::new(kind, named, host::now(), &data)?]).await
}

/// Tells a tenant's endpoints what happened to an order.
pub async fn tell(app: &Arc<App>, order: &OrderId, errand: &Errand) -> Result<(), Error> {
    let Some(tenant) = errand.tenant.as_ref().filter(|tenant| app.hooks.listens(tenant)) else {
        return Ok(());
    };
    let events = errand.fresh.iter().filter_map(|(n, entry)| of_order(order, &errand.timeline, *n, entry));
    let mut events = events.collect::<Result<Vec<_>, _>>()?;
    let traceparent = errand.timeline.job.as_ref().and_then(|header| app.telemetry.traceparent(header));
    if let Some(traceparent) = traceparent {
        events.iter_mut().for_each(|event| event.traceparent = Some(traceparent.to_string()));
    }
    keep(app, tenant, events).await
}

/// Into the log, one after the other, then to whom they concern.
async fn keep(app: &Arc<App>, tenant: &TenantId, events: Vec<Event>) -> Result<(), Error> {
    let endpoints = app.hooks.all();
    let listens = |event: &Event| endpoints.iter().any(|of| of.tenant == *tenant && of.wants(event));
    let stream = Stream::Hooks(tenant.clone());
    let mut kept: Vec<(u64, Event)> = Vec::new();
    for event in events.into_iter().filter(listens) {
        let body = serde_json::to_value(&event).unwrap_or_default();
        let row = NewRow { id: event.id.clone(), body };
        kept.push((journal::append(app, &stream, row, LOG_KEEP_MS).await?, event));
    }
    for endpoint in endpoints.iter().filter(|of| of.tenant == *tenant) {
        // The first of them: what follows it in the log is read with it.
        let Some((n, _)) = kept.iter().find(|(_, event)| endpoint.wants(event)) else { continue };
        ask(app, endpoint, outbox::Command::Notify(*n)).await?;
        pump::kick(app, &endpoint.id);
    }
    Ok(())
}

/// How every endpoint stands.
pub async fn views(app: &App) -> Result<Vec<outbox::View>, store::Error> {
    let mut views = Vec::new();
    for endpoint in app.hooks.all().iter() {
        views.push(ask(app, endpoint, outbox::Command::Read).await?.view);
    }
    Ok(views)
}

async fn ask(
    app: &App,
    endpoint: &Endpoint,
    command: outbox::Command,
) -> Result<outbox::Reply, store::Error> {
    app.store.apply::<Outbox>(&Key::hook(&endpoint.id), &command, host::now()).await
}

/// The sweep found an endpoint whose time has come. True where there is no such endpoint any more; otherwise its wake-up
/// stays until its outbox has set another.
pub fn wake(app: &Arc<App>, id: &str) -> bool {
    let found = app.hooks.find(id);
    found.map(|endpoint| pump::kick(app, &endpoint.id)).is_none()
}

/// Reads what operators changed.
pub async fn load(app: &App) {
    let read = async {
        let mut reply = book(app, &Command::Read).await?;
        for reseal in manage::resealed(app, &reply.endpoints)? {
            reply = book(app, &reseal).await?;
        }
        Ok::<_, Error>(reply.endpoints)
    };
    match read.await {
        Ok(endpoints) => app.hooks.replace(&endpoints),
        Err(error) => tracing::warn!(%error, "the endpoints cannot be read; they stay as they were"),
    }
}

async fn book(app: &App, command: &Command) -> Result<tiffin_shared::webhook::book::Reply, store::Error> {
    app.store.apply::<Book>(&Key::hook_book(), command, host::now()).await
}

/// Keeps the endpoints as the operators have them, until `stop` changes.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => load(&app).await,
        }
    }
}
