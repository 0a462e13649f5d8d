//! The endpoints that operators manage at run time, of all tenants, in one record. A missing record has none.

use serde::Deserialize;
use serde::Serialize;

use super::Kind;
use super::seal::Sealed;
use crate::bytes::Bytes;
use crate::id::EndpointId;
use crate::id::TenantId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;

/// Endpoints of one tenant: each is sent everything on its own.
pub const TENANT_ENDPOINTS_MAX: usize = 8;
/// Endpoints of all tenants: a record of a few hundred kilobytes, which every process keeps.
pub const ENDPOINTS_MAX: usize = 512;
/// Keys of one endpoint, while older ones are still accepted.
const KEYS_MAX: usize = 3;
/// Settings do not go by themselves.
const KEEP_MS: u64 = 36_500 * DAY_MS;

/// The machine.
pub enum Book {}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Managed {
    /// Whose.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub name: EndpointId,
    /// Tells it from an earlier one of its name.
    pub id: Bytes<8>,
    /// Where to.
    pub url: String,
    /// What it is told; everything where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Kind>,
    /// The one in use first.
    pub keys: Vec<Kept>,
    /// Since when.
    pub created_at: UnixMs,
}

/// A key of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Sealed.
    pub sealed: Sealed,
    /// Until when it signs too; `None` for the one in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMs>,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    endpoints: Vec<Managed>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// All of them.
    Read,
    /// One more.
    Add(Box<Managed>),
    /// One less.
    Remove(TenantId, EndpointId),
    /// Another key; the one in use signs too for a while.
    Rotate {
        /// Whose.
        tenant: TenantId,
        /// Which.
        name: EndpointId,
        /// The new one.
        sealed: Sealed,
        /// How long the old one signs too, in milliseconds.
        overlap_ms: u64,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Another one has this name.
    Exists,
    /// There are as many as there may be.
    Full,
    /// There is none of this name.
    Nothing,
    /// It is as asked.
    Settled,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What came of it.
    pub found: Found,
    /// All of them, after it.
    pub endpoints: Vec<Managed>,
}

impl Machine for Book {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let before = state.filter(|state| now < state.clock.plus(KEEP_MS)).unwrap_or_default();
        let now = before.clock.max(now);
        let mut state = before.clone();
        let found = match command {
            Command::Read => Found::Settled,
            Command::Add(new) => state.add(new),
            Command::Remove(tenant, name) => {
                state.endpoints.retain(|of| !of.is(tenant, name));
                if state.endpoints.len() < before.endpoints.len() { Found::Settled } else { Found::Nothing }
            }
            Command::Rotate { tenant, name, sealed, overlap_ms } => {
                match state.endpoints.iter_mut().find(|of| of.is(tenant, name)) {
                    Some(endpoint) => endpoint.rotate(sealed, now.plus(*overlap_ms), now),
                    None => Found::Nothing,
                }
            }
        };
        let reply = Reply { found, endpoints: state.endpoints.clone() };
        if state == before {
            return Step::keep(reply);
        }
        state.clock = now;
        Step { reply, write: Write::Put { state, expires_at: now.plus(KEEP_MS), wake_at: None } }
    }
}

impl State {
    fn add(&mut self, new: &Managed) -> Found {
        if let Some(there) = self.endpoints.iter().find(|of| of.is(&new.tenant, &new.name)) {
            return if there.id == new.id { Found::Settled } else { Found::Exists };
        }
        let of_tenant = self.endpoints.iter().filter(|of| of.tenant == new.tenant).count();
        if of_tenant >= TENANT_ENDPOINTS_MAX || self.endpoints.len() >= ENDPOINTS_MAX {
            return Found::Full;
        }
        self.endpoints.push(new.clone());
        Found::Settled
    }
}

impl Managed {
    fn is(&self, tenant: &TenantId, name: &EndpointId) -> bool {
        self.tenant == *tenant && self.name == *name
    }

    fn rotate(&mut self, sealed: &Sealed, until: UnixMs, now: UnixMs) -> Found {
        if self.keys.iter().any(|kept| kept.sealed == *sealed) {
            return Found::Settled;
        }
        self.keys.retain(|kept| kept.until.is_none_or(|until| now < until));
        for kept in &mut self.keys {
            kept.until = kept.until.or(Some(until));
        }
        self.keys.insert(0, Kept { sealed: sealed.clone(), until: None });
        self.keys.truncate(KEYS_MAX);
        Found::Settled
    }
}
