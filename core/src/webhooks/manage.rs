//! What operators do about endpoints: list, add, remove, rotate, enable, test, look at deliveries, deliver again.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_shared::log::Row;
use tiffin_shared::operator::Role;
use tiffin_shared::time::UnixMs;
use tiffin_shared::webhook::Event;
use tiffin_shared::webhook::Key;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::Sealed;
use tiffin_shared::webhook::book::Command;
use tiffin_shared::webhook::book::Found;
use tiffin_shared::webhook::book::Kept;
use tiffin_shared::webhook::book::Managed;
use tiffin_shared::webhook::book::TENANT_ENDPOINTS_MAX;
use tiffin_shared::webhook::outbox;
use tiffin_shared::webhook::outbox::LOG_KEEP_MS;

use super::Error;
use super::ask;
use super::book;
use super::endpoint::Endpoint;
use super::pump;
use super::target;
use crate::app::App;
use crate::host;
use crate::journal;
use crate::journal::Stream;
use crate::store;

/// Deliveries shown at once.
pub const DELIVERIES_MAX: usize = 1_000;
/// Pages of the log that one replay looks through: over sixty thousand events.
const REPLAY_PAGES_MAX: usize = 1_024;

/// What was asked was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// One of the file, which only the file changes.
    #[error("{0} stands in tiffin.toml, and its key in the environment: change them there")]
    Fixed(String),
    /// Another one has this name.
    #[error("an endpoint of this tenant has this name")]
    Exists,
    /// No more.
    #[error("a tenant has {TENANT_ENDPOINTS_MAX} endpoints at most, and all tenants together a few hundred")]
    Full,
    /// None of this name.
    #[error("this tenant has no such endpoint")]
    NotFound,
    /// No such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The address.
    #[error("url: {0}")]
    Target(#[from] target::Refused),
    /// It was not done, as far as we know.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// An endpoint as operators see it. No key.
#[derive(Serialize)]
pub struct Shown {
    tenant: TenantId,
    name: EndpointId,
    /// Origin and path: a query may be a secret.
    url: String,
    /// What it is told; everything where there is none.
    events: Vec<Kind>,
    /// Whether it stands in the file.
    fixed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<UnixMs>,
    /// `v1` or `v1a`, of each key that signs now.
    signs: Vec<&'static str>,
    #[serde(flatten)]
    view: outbox::View,
}

/// What the receiver needs, shown once. No `Debug`.
#[derive(Serialize)]
pub struct Made {
    tenant: TenantId,
    name: EndpointId,
    /// `whsec_…`, to be kept as a secret; or `whpk_…`, which is public.
    key: String,
}

/// Which events to deliver again: one of them is given.
#[derive(Debug, Default)]
pub struct Which {
    /// `evt_…`
    pub event: Option<String>,
    /// An order, or what else events were about.
    pub subject: Option<String>,
    /// Those kept since then,
    pub since: Option<UnixMs>,
    /// and before then.
    pub until: Option<UnixMs>,
}

/// What a replay came to.
#[derive(Serialize)]
pub struct Replayed {
    /// Events that will be delivered again.
    replayed: usize,
    /// From this row on there may be more: the window is full, or many rows were looked through.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Every endpoint, and how it stands.
pub async fn list(app: &Arc<App>) -> Result<Vec<Shown>, Refused> {
    super::load(app).await;
    let mut shown = Vec::new();
    for endpoint in app.hooks.all().iter() {
        shown.push(show(app, endpoint).await?);
    }
    Ok(shown)
}

/// The names of those that operators manage of a tenant, as the store has them.
pub async fn managed_of(app: &App, tenant: &TenantId) -> Result<Vec<EndpointId>, Refused> {
    let endpoints = book(app, &Command::Read).await?.endpoints;
    Ok(endpoints.into_iter().filter(|of| of.tenant == *tenant).map(|of| of.name).collect())
}

async fn show(app: &App, endpoint: &Endpoint) -> Result<Shown, Refused> {
    let reply = ask(app, endpoint, outbox::Command::Read).await?;
    let signs = endpoint.keys(host::now()).map(|key| if key.is_pair() { "v1a" } else { "v1" });
    Ok(Shown {
        tenant: endpoint.tenant.clone(),
        name: endpoint.name.clone(),
        url: target::shown(&endpoint.url),
        events: endpoint.events.clone(),
        fixed: endpoint.created_at.is_none(),
        created_at: endpoint.created_at,
        signs: signs.collect(),
        view: reply.view,
    })
}

/// One more. Its key is made here, and shown this once.
pub async fn add(
    app: &Arc<App>,
    (tenant, name): (TenantId, EndpointId),
    url: String,
    events: Vec<Kind>,
    is_pair: bool,
) -> Result<Made, Refused> {
    if !app.directory.current().tenants.contains_key(&tenant) {
        return Err(Refused::NoTenant);
    }
    target::check(&url, app.hooks.to_loopback)?;
    if app.hooks.fixed.iter().any(|of| of.tenant == tenant && of.name == name) {
        return Err(Refused::Exists);
    }
    let (key, sealed) = make(app, (&tenant, &name), is_pair)?;
    let new = Managed {
        tenant: tenant.clone(),
        name: name.clone(),
        id: Bytes(host::random().map_err(Error::Randomness)?),
        url,
        events,
        keys: vec![Kept { sealed, until: None }],
        created_at: host::now(),
    };
    change(app, &Command::Add(Box::new(new))).await?;
    tracing::info!(%tenant, endpoint = %name, "an operator added an endpoint");
    Ok(Made { tenant, name, key: key.for_receiver().to_string() })
}

/// Where an endpoint is, and what it is told.
pub async fn told(
    app: &Arc<App>,
    tenant: &TenantId,
    name: &EndpointId,
) -> Result<(String, Vec<Kind>), Refused> {
    let endpoint = managed(app, tenant, name).await?;
    Ok((endpoint.url.clone(), endpoint.events.clone()))
}

/// One less. What it was still to be told, it is not.
pub async fn remove(app: &Arc<App>, tenant: &TenantId, name: &EndpointId) -> Result<(), Refused> {
    managed(app, tenant, name).await?;
    change(app, &Command::Remove(tenant.clone(), name.clone())).await?;
    tracing::info!(%tenant, endpoint = %name, "an operator removed an endpoint");
    Ok(())
}

/// Another key, of the same sort; the one in use signs too for `overlap_ms`.
pub async fn rotate(
    app: &Arc<App>,
    (tenant, name): (&TenantId, &EndpointId),
    overlap_ms: u64,
) -> Result<Made, Refused> {
    let endpoint = managed(app, tenant, name).await?;
    let is_pair = endpoint.keys.first().is_some_and(|(key, _)| key.is_pair());
    let (key, sealed) = make(app, (tenant, name), is_pair)?;
    let rotate = Command::Rotate { tenant: tenant.clone(), name: name.clone(), sealed, overlap_ms };
    change(app, &rotate).await?;
    tracing::info!(%tenant, endpoint = %name, "an operator rotated an endpoint's key");
    Ok(Made { tenant: tenant.clone(), name: name.clone(), key: key.for_receiver().to_string() })
}

/// Delivers again to an endpoint that was disabled, beginning with what it has missed.
pub async fn enable(app: &Arc<App>, tenant: &TenantId, name: &EndpointId) -> Result<Shown, Refused> {
    let endpoint = find(app, tenant, name).await?;
    ask(app, &endpoint, outbox::Command::Enable).await?;
    tracing::info!(%tenant, endpoint = %name, "an operator enabled an endpoint");
    pump::kick(app, &endpoint.id);
    show(app, &endpoint).await
}

/// Sends `webhook.test` to this endpoint alone. Returns the event's id.
pub async fn test(app: &Arc<App>, tenant: &TenantId, name: &EndpointId) -> Result<String, Refused> {
    find(app, tenant, name).await?;
    let number = bytes::encode(&host::random::<16>().map_err(Error::Randomness)?);
    let data = json!({"endpoint": name});
    let event =
        Event::new(Kind::WebhookTest, ("test", &number), host::now(), &data).map_err(Error::TooLarge)?;
    let event = Event { only: Some(name.clone()), subject: format!("test/{number}"), ..event };
    let id = event.id.clone();
    super::keep(app, tenant, vec![event]).await?;
    Ok(id)
}

/// The last tries, oldest first. What receivers answered is for support: it may hold anything, such as a trace with keys in it.
pub async fn deliveries(
    app: &Arc<App>,
    (tenant, name): (&TenantId, &EndpointId),
    limit: usize,
    role: Role,
) -> Result<Vec<Value>, Refused> {
    find(app, tenant, name).await?;
    let limit = limit.min(DELIVERIES_MAX);
    let stream = Stream::Deliveries(tenant.clone(), name.clone());
    let end = journal::end(app, &stream).await?;
    let mut from = end.saturating_sub(limit as u64);
    let mut found = Vec::new();
    loop {
        let rows = journal::read(app, &stream, from).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        from = last.n.saturating_add(1);
        found.extend(rows.into_iter().map(|row| shown_to(role, row.body)));
        if found.len() >= limit {
            return Ok(found);
        }
    }
}

fn shown_to(role: Role, mut delivery: Value) -> Value {
    if role < Role::Support
        && let Some(fields) = delivery.as_object_mut()
    {
        fields.remove("response");
    }
    delivery
}

/// Delivers events again that are in the log still: from row `from` on, or the first of the time that is asked for, as many
/// as there is room for.
pub async fn replay(
    app: &Arc<App>,
    (tenant, name): (&TenantId, &EndpointId),
    which: &Which,
    from: u64,
) -> Result<Replayed, Refused> {
    let endpoint = find(app, tenant, name).await?;
    let stream = Stream::Hooks(tenant.clone());
    let since = which.since.unwrap_or_else(|| host::now().minus(LOG_KEEP_MS));
    let mut from = journal::seek(app, &stream, since).await?.max(from);
    let (mut replayed, mut pages) = (0, 0);
    let room = ask(app, &endpoint, outbox::Command::Read).await?.room;
    loop {
        let rows = journal::read(app, &stream, from).await?;
        let Some(last) = rows.last().map(|row| row.n) else { break };
        if rows.first().zip(which.until).is_some_and(|(first, until)| until <= first.at) {
            break;
        }
        let chosen = rows.iter().filter_map(|row| choose(&endpoint, which, row)).collect::<Vec<_>>();
        pages += 1;
        // Half a window at most: what happens meanwhile needs room too.
        if replayed + chosen.len() > (room / 2).max(PAGE_ROWS) || pages > REPLAY_PAGES_MAX {
            return Ok(Replayed { replayed, next: Some(from) });
        }
        replayed += chosen.len();
        if !chosen.is_empty() {
            ask(app, &endpoint, outbox::Command::Replay(chosen)).await?;
            pump::kick(app, &endpoint.id);
            if which.event.is_some() {
                break;
            }
        }
        from = last.saturating_add(1);
    }
    tracing::info!(%tenant, endpoint = %name, replayed, "an operator had events delivered again");
    Ok(Replayed { replayed, next: None })
}

fn choose(endpoint: &Endpoint, which: &Which, row: &Row) -> Option<(u64, Bytes<8>)> {
    let Which { event, subject, since, until } = which;
    let is_when = since.is_none_or(|since| since <= row.at) && until.is_none_or(|until| row.at < until);
    if !is_when || event.as_ref().is_some_and(|id| *id != row.id) {
        return None;
    }
    let kept: Event = serde_json::from_value(row.body.clone()).ok()?;
    let is_about = subject.as_ref().is_none_or(|subject| *subject == kept.subject);
    (is_about && endpoint.wants(&kept)).then(|| (row.n, kept.group()))
}

fn make(app: &App, of: (&TenantId, &EndpointId), is_pair: bool) -> Result<(Key, Sealed), Refused> {
    let key = Key::new(host::random().map_err(Error::Randomness)?, is_pair);
    let nonce = host::random().map_err(Error::Randomness)?;
    // XChaCha20 refuses no message of this length.
    let sealed = Sealed::new(app.hooks.keys.current(), nonce, of, &key).map_err(|_| Refused::NotFound)?;
    Ok((key, sealed))
}

/// Keys that an older key of core has sealed, to be kept under the one in use: so that the older one can go.
pub(super) fn resealed(app: &App, endpoints: &[Managed]) -> Result<Vec<Command>, host::NoRandomness> {
    let seals = &app.hooks.keys;
    let mut commands = Vec::new();
    for of in endpoints {
        for Kept { sealed: old, .. } in
            of.keys.iter().filter(|kept| kept.sealed.key() != seals.current().id())
        {
            let named = (&of.tenant, &of.name);
            let opened = old.open(seals, named);
            let nonce = host::random()?;
            if let Some(Ok(new)) = opened.ok().map(|key| Sealed::new(seals.current(), nonce, named, &key)) {
                commands.push(Command::Reseal { old: old.clone(), new });
            }
        }
    }
    Ok(commands)
}

async fn change(app: &App, command: &Command) -> Result<(), Refused> {
    let reply = book(app, command).await?;
    app.hooks.replace(&reply.endpoints);
    match reply.found {
        Found::Exists => Err(Refused::Exists),
        Found::Full => Err(Refused::Full),
        Found::Nothing => Err(Refused::NotFound),
        Found::Settled => Ok(()),
    }
}

async fn find(app: &App, tenant: &TenantId, name: &EndpointId) -> Result<Arc<Endpoint>, Refused> {
    let known = || app.hooks.all().iter().find(|of| of.tenant == *tenant && of.name == *name).cloned();
    if let Some(endpoint) = known() {
        return Ok(endpoint);
    }
    // Another process may have added it just now.
    super::load(app).await;
    known().ok_or(Refused::NotFound)
}

async fn managed(app: &App, tenant: &TenantId, name: &EndpointId) -> Result<Arc<Endpoint>, Refused> {
    let endpoint = find(app, tenant, name).await?;
    match endpoint.created_at {
        Some(_) => Ok(endpoint),
        None => Err(Refused::Fixed(endpoint.id.clone())),
    }
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Failed(Error::Store(error))
    }
}
