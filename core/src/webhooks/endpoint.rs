//! An endpoint as this process knows it.

use std::sync::Arc;

use tiffin_shared::bytes;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::UnixMs;
use tiffin_shared::webhook::Event;
use tiffin_shared::webhook::HookKeys;
use tiffin_shared::webhook::Key;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::book::Managed;

use crate::config;

/// An endpoint. No `Debug`: it holds keys.
pub struct Endpoint {
    pub tenant: TenantId,
    pub name: EndpointId,
    /// Names its outbox.
    pub id: String,
    pub url: String,
    /// What it is told; everything where there is none.
    pub events: Vec<Kind>,
    /// Since when; `None` for one of the file.
    pub created_at: Option<UnixMs>,
    /// The one in use first, the others with their ends.
    pub keys: Vec<(Key, Option<UnixMs>)>,
}

impl Endpoint {
    /// One of the file.
    pub fn fixed(of: config::Endpoint, keys: Vec<Key>) -> Arc<Self> {
        let id = format!("{}/{}", of.tenant, of.name);
        let keys = keys.into_iter().map(|key| (key, None)).collect();
        let config::Endpoint { tenant, name, url, events } = of;
        Arc::new(Self { tenant, name, id, url, events, created_at: None, keys })
    }

    /// One that operators manage. Keys that do not open sign nothing.
    pub fn managed(of: &Managed, seals: &HookKeys) -> Arc<Self> {
        let mut keys = Vec::new();
        for kept in &of.keys {
            match kept.sealed.open(seals, (&of.tenant, &of.name)) {
                Ok(key) => keys.push((key, kept.until)),
                Err(error) => {
                    tracing::warn!(%error, tenant = %of.tenant, endpoint = %of.name, "cannot sign with a key")
                }
            }
        }
        Arc::new(Self {
            tenant: of.tenant.clone(),
            name: of.name.clone(),
            id: format!("{}/{}/{}", of.tenant, of.name, bytes::encode(&of.id.0)),
            url: of.url.clone(),
            events: of.events.clone(),
            created_at: Some(of.created_at),
            keys,
        })
    }

    /// Whether it is told of this.
    pub fn wants(&self, event: &Event) -> bool {
        match &event.only {
            Some(name) => *name == self.name,
            None => self.events.is_empty() || self.events.contains(&event.kind),
        }
    }

    /// The keys that sign now.
    pub fn keys(&self, now: UnixMs) -> impl Iterator<Item = &Key> {
        let live = move |(_, until): &&(Key, Option<UnixMs>)| until.is_none_or(|until| now < until);
        self.keys.iter().filter(live).map(|(key, _)| key)
    }
}
