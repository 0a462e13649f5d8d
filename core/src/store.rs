//! Hosts any machine: in memory, or in Redis by compare-and-set. Decides nothing.

mod memory;
mod recent;
mod redis;

use std::fmt;

use sha2::Digest as _;
use sha2::Sha256;
use tiffin_shared::bytes;
use tiffin_shared::factor::FactorId;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::machine;
use tiffin_shared::machine::Machine;
use tiffin_shared::series::Period;
use tiffin_shared::time::UnixMs;
use tiffin_shared::visitor::VisitorId;

pub use self::memory::Memory;
pub use self::redis::Redis;
use crate::guard::watched::Watched;
use crate::metrics::StoreMeter;

/// The store did not do it, or did it without our hearing so. Commands are made to be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many writers at one key.
    #[error("{0} is contended; retry")]
    Contended(Key),
    /// Redis failed.
    #[error("redis: {0}")]
    Redis(#[from] ::redis::RedisError),
    /// What is stored is no state of the machine.
    #[error("{key}: {error}")]
    State {
        /// Where.
        key: Key,
        /// Why.
        error: machine::Error,
    },
    /// Redis did not answer in time.
    #[error("redis did not answer in time")]
    Timeout,
}

/// Kinds of state, each with its own wake-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// [`tiffin_shared::money::Account`] by [`TenantId`].
    Account,
    /// [`tiffin_shared::evidence::Shelf`] by [`OrderId`] and attempt.
    Exchanges,
    /// [`tiffin_shared::admin::Admin`], one.
    Admin,
    /// [`tiffin_shared::escalation::Escalations`], one.
    Escalations,
    /// [`tiffin_shared::factor::Factor`] by [`FactorId`].
    Factor,
    /// [`tiffin_shared::gateway::Gateway`] by its name.
    Gateway,
    /// [`tiffin_shared::fleet::Fleet`], one.
    Fleet,
    /// [`tiffin_shared::guard::Guard`] by [`Watched`].
    Guard,
    /// [`tiffin_shared::webhook::outbox::Outbox`] by tenant, endpoint and its number.
    Hook,
    /// [`tiffin_shared::webhook::book::Book`], one.
    HookBook,
    /// [`tiffin_shared::ledger::Ledger`] by [`LedgerId`].
    Ledger,
    /// [`tiffin_shared::log::Log`] by its stream's name.
    Log,
    /// [`tiffin_shared::log::Page`] by its stream's name, the time its head began, and its number.
    LogPage,
    /// [`tiffin_shared::nonce::Nonce`] by the nonce.
    Nonce,
    /// [`tiffin_shared::order::Order`] by [`OrderId`].
    Order,
    /// [`tiffin_shared::reference::Index`] by gateway and the provider's id.
    Reference,
    /// [`tiffin_shared::route::stats::RouteStats`] by gateway, channel and country.
    Route,
    /// [`tiffin_shared::nonce::Nonce`] by [`OrderId`]: the order stands in its tenant's tally.
    Tallied,
    /// [`tiffin_shared::series::Series`] by hour, and by day.
    Series,
    /// [`tiffin_shared::operator::Session`] by the hash of a cookie.
    Session,
    /// [`tiffin_shared::operator::Attempts`] by client network.
    SignIns,
    /// [`tiffin_shared::tally::Tally`] by [`TenantId`].
    Tally,
    /// [`tiffin_shared::guard::verdicts::Verdicts`] by [`TenantId`].
    Verdicts,
    /// [`tiffin_shared::visitor::Visitor`] by [`VisitorId`].
    Visitor,
}

/// Names a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    space: Space,
    id: String,
}

impl Key {
    /// A tenant's account.
    pub fn account(tenant: &TenantId) -> Self {
        Self { space: Space::Account, id: tenant.to_string() }
    }

    /// What is kept of an order's attempt; of the order itself under 0.
    pub fn exhibits(order: &OrderId, n: u32) -> Self {
        Self { space: Space::Exchanges, id: format!("{order}/{n}") }
    }

    /// What operators set.
    pub fn admin() -> Self {
        Self { space: Space::Admin, id: "settings".into() }
    }

    /// Every escalation.
    pub fn escalations() -> Self {
        Self { space: Space::Escalations, id: "all".into() }
    }

    /// A factor.
    pub fn factor(id: &FactorId) -> Self {
        Self { space: Space::Factor, id: id.to_string() }
    }

    /// A gateway.
    pub fn gateway(id: &GatewayId) -> Self {
        Self { space: Space::Gateway, id: id.to_string() }
    }

    /// The workers.
    pub fn fleet() -> Self {
        Self { space: Space::Fleet, id: "workers".into() }
    }

    /// What a guard watches.
    pub fn guard(watched: &Watched) -> Self {
        Self { space: Space::Guard, id: watched.to_string() }
    }

    /// What an endpoint is still to be told.
    pub fn hook(id: &str) -> Self {
        Self { space: Space::Hook, id: id.to_owned() }
    }

    /// The endpoints that operators manage.
    pub fn hook_book() -> Self {
        Self { space: Space::HookBook, id: "endpoints".into() }
    }

    /// A ledger.
    pub fn ledger(id: LedgerId) -> Self {
        Self { space: Space::Ledger, id: id.to_string() }
    }

    /// The head of a log.
    pub fn log(stream: &str) -> Self {
        Self { space: Space::Log, id: stream.to_owned() }
    }

    /// A page of a log.
    pub fn log_page(stream: &str, began_at: UnixMs, page: u64) -> Self {
        let id = match began_at {
            UnixMs(0) => format!("{stream}/{page}"),
            UnixMs(began_at_ms) => format!("{stream}/{began_at_ms}/{page}"),
        };
        Self { space: Space::LogPage, id }
    }

    /// A nonce.
    pub fn nonce(nonce: [u8; 16]) -> Self {
        Self { space: Space::Nonce, id: bytes::encode(&nonce) }
    }

    /// An order.
    pub fn order(id: &OrderId) -> Self {
        Self { space: Space::Order, id: id.to_string() }
    }

    /// A message at a provider. Its id is the provider's, of any length and alphabet; what is kept is its digest.
    pub fn reference(gateway: &GatewayId, provider_id: &str) -> Self {
        let digest = Sha256::digest(provider_id.as_bytes());
        Self { space: Space::Reference, id: format!("{gateway}/{}", bytes::encode(&digest)) }
    }

    /// A gateway's figures in one country.
    pub fn route(id: &str) -> Self {
        Self { space: Space::Route, id: id.to_owned() }
    }

    /// What became of orders in an hour, or a day.
    pub fn series(period: Period) -> Self {
        Self { space: Space::Series, id: period.to_string() }
    }

    /// A sign-in, by the hash of what the browser holds.
    pub fn session(hash: &str) -> Self {
        Self { space: Space::Session, id: hash.to_owned() }
    }

    /// Who tries to sign in.
    pub fn sign_ins(network: &str) -> Self {
        Self { space: Space::SignIns, id: network.to_owned() }
    }

    /// That an order stands in its tenant's tally.
    pub fn tallied(id: &OrderId) -> Self {
        Self { space: Space::Tallied, id: id.to_string() }
    }

    /// A tenant's orders of the day.
    pub fn tally(tenant: &TenantId) -> Self {
        Self { space: Space::Tally, id: tenant.to_string() }
    }

    /// A tenant's list of verdicts.
    pub fn verdicts(tenant: &TenantId) -> Self {
        Self { space: Space::Verdicts, id: tenant.to_string() }
    }

    /// A client network.
    pub fn visitor(id: VisitorId) -> Self {
        Self { space: Space::Visitor, id: id.to_string() }
    }

    /// Its name within its space.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Space {
    /// Its name, in keys and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Exchanges => "exchanges",
            Self::Admin => "admin",
            Self::Escalations => "escalations",
            Self::Factor => "factor",
            Self::Gateway => "gateway",
            Self::Fleet => "fleet",
            Self::Guard => "guard",
            Self::Hook => "hook",
            Self::HookBook => "hook-book",
            Self::Ledger => "ledger",
            Self::Log => "log",
            Self::LogPage => "log-page",
            Self::Nonce => "nonce",
            Self::Order => "order",
            Self::Reference => "reference",
            Self::Route => "route",
            Self::Series => "series",
            Self::Session => "session",
            Self::SignIns => "sign-ins",
            Self::Tallied => "tallied",
            Self::Tally => "tally",
            Self::Verdicts => "verdicts",
            Self::Visitor => "visitor",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.space.as_str(), self.id)
    }
}

/// A state whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub key: Key,
    /// What it was set to; see [`Store::rest`].
    pub wake_at: UnixMs,
}

/// Where states are kept.
#[derive(Clone)]
pub enum Store {
    /// In this process. Gone with it.
    Memory(Memory),
    /// Shared and durable.
    Redis(Redis),
}

impl Store {
    /// Applies one command to the state under `key`.
    pub async fn apply<M: Machine>(
        &self,
        key: &Key,
        command: &M::Command,
        now: UnixMs,
    ) -> Result<M::Reply, Error> {
        match self {
            Self::Memory(memory) => memory.apply::<M>(key, command, now),
            Self::Redis(redis) => redis.apply::<M>(key, command, now).await,
        }
    }

    /// Up to `max` states of `space` that are to be woken, soonest first.
    pub async fn due(&self, space: Space, now: UnixMs, max: usize) -> Result<Vec<Due>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.due(space, now, max)),
            Self::Redis(redis) => redis.due(space, now, max).await,
        }
    }

    /// The ids of a space's states that begin so, in no order. For what operators ask now and then: it looks at every key.
    pub async fn named(&self, space: Space, prefix: &str) -> Result<Vec<String>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.named(space, prefix)),
            Self::Redis(redis) => redis.named(space, prefix).await,
        }
    }

    /// After a wake-up: forgets it, unless the state has set another one since.
    pub async fn rest(&self, due: &Due) -> Result<(), Error> {
        match self {
            Self::Memory(memory) => {
                memory.rest(due);
                Ok(())
            }
            Self::Redis(redis) => redis.rest(due).await,
        }
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(redis) => redis.ping().await,
        }
    }

    /// What it counts; nothing where it is in memory.
    pub fn meter(&self) -> StoreMeter {
        match self {
            Self::Memory(_) => StoreMeter::default(),
            Self::Redis(redis) => redis.meter(),
        }
    }

    /// For start-up messages and `/readyz`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Redis(_) => "redis",
        }
    }
}
