//! The shape of `tiffin.toml`. The example in the repository documents every key.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::TurnstileSite;
use tiffin_shared::guard::Policy;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Ceilings;
use tiffin_shared::price::Currency;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::visitor::VisitorLimits;

use super::sim_swap::SimSwap;
use super::telemetry::Telemetry;
use super::webhooks::Webhooks;
use crate::gateways::account::Account;

/// Queues the jobs are spread over may be this many at most: each is a quorum queue with its own log.
const PARTITIONS_MAX: u16 = 64;
/// Jobs a worker process may take from one queue, or work on, at once.
const PREFETCH_MAX: u16 = 4_096;
/// Jobs a worker process may have at once: about a hundred megabytes.
const JOBS_MAX: u16 = 32_768;

/// Attempts remembered of each gateway.
const ATTEMPTS_MAX: u16 = 1_000;
/// Ten years and a week.
const DAYS_MAX: u16 = 3_660;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The operator's own currency: that of `price_micros`, and of tenants that name no other. Default `USD`.
    #[serde(default)]
    pub currency: Currency,
    /// Addresses.
    #[serde(default)]
    pub server: Server,
    /// Where records are kept.
    #[serde(default)]
    pub store: Store,
    /// Where jobs wait.
    #[serde(default)]
    pub bus: Bus,
    /// How workers work.
    #[serde(default)]
    pub delivery: Delivery,
    /// The provider sandbox.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// What one address is sent at most, over all tenants.
    #[serde(default)]
    pub ceilings: Ceilings,
    /// What one client network may ask.
    #[serde(default)]
    pub visitors: VisitorLimits,
    /// When orders that nobody verifies look pumped, and what follows.
    #[serde(default)]
    pub guard: Policy,
    /// A Turnstile widget in place of the built-in proof of work.
    pub turnstile: Option<TurnstileSite>,
    /// Whom we ask whether the SIM of a number changed lately.
    pub sim_swap: Option<SimSwap>,
    /// When people are called in.
    #[serde(default)]
    pub escalations: Escalations,
    /// How long logs are kept.
    #[serde(default)]
    pub retention: Retention,
    /// Where orders' traces go.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Where tenants are told what happens.
    #[serde(default)]
    pub webhooks: Webhooks,
    /// Customers.
    #[serde(default)]
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// Provider accounts, in order of preference.
    #[serde(default)]
    pub gateways: Vec<Account>,
}

/// Addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where core listens.
    pub listen: SocketAddr,
    /// Where the public API listens in standalone mode.
    pub public_listen: SocketAddr,
    /// How providers reach core for their receipts. They sign this very address.
    pub public_url: String,
    /// Where core reaches the edge.
    pub edge_url: String,
    /// Requests served at once on each address; one more is answered 503.
    pub requests_max: u16,
    /// Connections open at once on each address; one more waits for one to end. The public address leaves one client
    /// network an eighth, unless a proxy stands in front.
    pub connections_max: u16,
    /// Long polls and streams at once; one more is answered at once, and told to come back.
    pub watchers_max: u16,
    /// In standalone mode behind a proxy: the header that the proxy overwrites with the client's address. Without
    /// it the connection's own address counts.
    pub client_ip_header: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: loopback(8788),
            public_listen: loopback(8787),
            public_url: "http://127.0.0.1:8788".into(),
            edge_url: "http://127.0.0.1:8787".into(),
            requests_max: 1_024,
            connections_max: 8_192,
            watchers_max: 4_096,
            client_ip_header: None,
        }
    }
}

/// Where records are kept. The address is `REDIS_URL`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// In front of every key, so that installations can share a server.
    pub prefix: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { prefix: "tiffin".into() }
    }
}

/// Where jobs wait. The address is `AMQP_URL`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bus {
    /// In front of every queue and exchange, so that installations can share a server.
    pub prefix: String,
    /// Queues the jobs are spread over by phone. Changing it on a live system needs drained queues.
    pub partitions: u16,
}

impl Default for Bus {
    fn default() -> Self {
        Self { prefix: "tiffin".into(), partitions: 8 }
    }
}

/// How workers work.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Jobs one process works on at once, each for another phone.
    pub lanes: u16,
    /// Jobs one process has at once, held ones included: about three kilobytes each. Half of them may wait in memory for
    /// a receipt or a backoff; more wait on the bus.
    pub jobs: u16,
    /// Jobs one process takes from each queue before it has finished earlier ones.
    pub prefetch: u16,
    /// The operator's corrections of what providers' codes mean; read again within seconds of a change.
    pub codes_path: Option<PathBuf>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { lanes: 256, jobs: 4_096, prefetch: 512, codes_path: None }
    }
}

/// The provider sandbox.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its SMSC listens; only where there is a gateway of kind `smpp`.
    pub smpp_listen: SocketAddr,
    /// Where its mail server listens; only where there is a gateway of kind `smtp`.
    pub smtp_listen: SocketAddr,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { listen: loopback(8789), smpp_listen: loopback(8790), smtp_listen: loopback(8791) }
    }
}

/// When people are called in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Escalations {
    /// A message of a lost order of which nothing was heard for so long after its window is a refund to claim.
    pub overdue_ms: u64,
    /// So many failures through one gateway, of its last [`Self::of`] attempts, are a supplier to replace.
    pub failures: u16,
    /// See there; counted by each process.
    pub of: u16,
    /// How long people have.
    pub due_ms: u64,
}

impl Default for Escalations {
    fn default() -> Self {
        Self { overdue_ms: MINUTE_MS, failures: 15, of: 20, due_ms: DAY_MS }
    }
}

/// How long rows of the logs are kept, in days: 1 to 3,660.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// What operators did: a year, and a month to look back over it.
    pub audit_days: u16,
    /// Money: ten years, which is what books have to be kept in most places.
    pub ledger_days: u16,
    /// Closed orders: a quarter, in which invoices come and are disputed.
    pub orders_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { audit_days: 400, ledger_days: 3_653, orders_days: 92 }
    }
}

impl Retention {
    /// Days as milliseconds.
    pub fn ms(days: u16) -> u64 {
        u64::from(days) * DAY_MS
    }
}

impl File {
    pub(super) fn check(&self) -> Result<(), String> {
        self.webhooks.check(|tenant| self.tenants.contains_key(tenant))?;
        self.guard.check().map_err(|error| format!("guard.{error}"))?;
        self.check_sim_swap()?;
        self.telemetry.check().map_err(|error| format!("telemetry.{error}"))?;
        let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        let urls =
            [("server.public_url", &self.server.public_url), ("server.edge_url", &self.server.edge_url)];
        for (key, url) in urls {
            if !is_url(url) || url.ends_with('/') {
                return Err(format!("{key}: must be an http(s) address without a slash at the end"));
            }
        }
        for (key, prefix) in [("store.prefix", &self.store.prefix), ("bus.prefix", &self.bus.prefix)] {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if prefix.is_empty() || prefix.len() > 40 || !prefix.bytes().all(allowed) {
                return Err(format!("{key}: must be 1 to 40 letters, digits, '-' or '_'"));
            }
        }
        if !(1..=PARTITIONS_MAX).contains(&self.bus.partitions) {
            return Err(format!("bus.partitions: must be 1 to {PARTITIONS_MAX}"));
        }
        if self.server.client_ip_header.as_ref().is_some_and(|name| *name != name.to_lowercase()) {
            return Err("server.client_ip_header: must be in lower case, such as \"x-real-ip\"".into());
        }
        let Server { requests_max, connections_max, watchers_max, .. } = self.server;
        for (key, max) in [
            ("requests_max", requests_max),
            ("connections_max", connections_max),
            ("watchers_max", watchers_max),
        ] {
            if max == 0 {
                return Err(format!("server.{key}: must be at least 1"));
            }
        }
        let Escalations { failures, of, due_ms, .. } = self.escalations;
        if failures == 0 || failures > of || of > ATTEMPTS_MAX {
            return Err(format!("escalations.failures: must be 1 to of, and of at most {ATTEMPTS_MAX}"));
        }
        if due_ms < HOUR_MS {
            return Err("escalations.due_ms: must be at least an hour".into());
        }
        let Delivery { lanes, jobs, prefetch, .. } = self.delivery;
        let Retention { audit_days, ledger_days, orders_days } = self.retention;
        let counts = [
            ("retention.audit_days", audit_days, 1, DAYS_MAX),
            ("retention.ledger_days", ledger_days, 1, DAYS_MAX),
            ("retention.orders_days", orders_days, 1, DAYS_MAX),
            ("delivery.lanes", lanes, 1, PREFETCH_MAX),
            ("delivery.jobs", jobs, 2, JOBS_MAX),
            ("delivery.prefetch", prefetch, 1, PREFETCH_MAX),
        ];
        if let Some((key, _, least, most)) = counts.iter().find(|(_, n, least, most)| n < least || n > most) {
            return Err(format!("{key}: must be {least} to {most}"));
        }
        for (at, gateway) in self.gateways.iter().enumerate() {
            if self.gateways.iter().take(at).any(|earlier| earlier.name == gateway.name) {
                return Err(format!("gateways: {} is there twice", gateway.name));
            }
        }
        Ok(())
    }

    fn check_sim_swap(&self) -> Result<(), String> {
        if let Some(sim_swap) = &self.sim_swap {
            return sim_swap.check().map_err(|error| format!("sim_swap.{error}"));
        }
        let services =
            self.tenants.iter().flat_map(|(tenant, it)| it.services.iter().map(move |it| (tenant, it)));
        let mut asks = services.filter(|(_, (_, service))| service.sim_swap == Some(true));
        match asks.next() {
            None => Ok(()),
            Some((tenant, (name, _))) => Err(format!(
                "tenants.{tenant}.services.{name}.sim_swap: there is nobody to ask: add a section [sim_swap]"
            )),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
