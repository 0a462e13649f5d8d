//! Everything a core process works with. Made once, shared by reference.

use std::sync::Arc;

use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::seal::PrivateKey;
use tokio::sync::Semaphore;

use crate::admin::Settled;
use crate::bus;
use crate::bus::Bus;
use crate::config;
use crate::config::AMQP_URL;
use crate::config::Config;
use crate::config::REDIS_URL;
use crate::config::names::METRICS_TOKEN;
use crate::config::names::OPERATOR_TOKEN;
use crate::deliver::Openers;
use crate::deliver::Waits;
use crate::directories::Directories;
use crate::escalations::Watch;
use crate::fleet::Fleet;
use crate::gateways::Gateways;
use crate::gateways::call;
use crate::gateways::certificates::Certificates;
use crate::gateways::codes::Codes;
use crate::guard::Guards;
use crate::host;
use crate::inquiries::Inquiries;
use crate::journal::Journal;
use crate::ledgers::Ledgers;
use crate::metrics::Metrics;
use crate::money::Money;
use crate::operators;
use crate::reports::Reports;
use crate::routes::Routes;
use crate::search::Searched;
use crate::series;
use crate::sim_swap::Checker;
use crate::store;
use crate::store::Store;
use crate::tallies::Tallies;
use crate::telemetry::Exporter;
use crate::watchers::Watchers;
use crate::webhooks::Hooks;

/// Reports and hand-overs under way at once. Those beyond it come with the next sweep.
pub const BACKGROUND_MAX: usize = 256;

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus.
    #[error(
        "cannot use RabbitMQ at {AMQP_URL}: {0}. Start it, mend the address, or unset {AMQP_URL} for the bus in memory"
    )]
    Bus(bus::Error),
    /// Settings.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// TLS.
    #[error("cannot set up TLS: {0}")]
    Http(#[from] reqwest::Error),
    /// The operating system.
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    /// The store.
    #[error(
        "cannot use Redis at {REDIS_URL}: {0}. Start it, mend the address, or unset {REDIS_URL} for the store in memory"
    )]
    Store(store::Error),
}

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Takes the providers' receipts.
    Callbacks,
    /// Calls the providers.
    Deliver,
    /// Takes the edge's jobs.
    Ingest,
    /// Serves the operators' API.
    Ops,
    /// Serves the public API itself, in place of an edge.
    Public,
}

/// A process.
pub struct App {
    /// Records and ledgers.
    pub store: Store,
    /// Jobs.
    pub bus: Bus,
    /// The workers, of which this process may be one.
    pub fleet: Fleet,
    /// What opens the operators' API, besides operators' own tokens.
    pub shared_token: Option<TokenDigest>,
    /// Names who tries to sign in.
    pub sign_in_key: [u8; 32],
    /// What opens `/metrics`.
    pub metrics_token: Option<TokenDigest>,
    /// What is counted.
    pub metrics: Metrics,
    /// Provider accounts.
    pub gateways: Gateways,
    /// What is known of the ways through them.
    pub routes: Routes,
    /// Jobs that wait in this process.
    pub waits: Waits,
    /// Calls providers.
    pub provider_client: call::Client,
    /// What providers sign their callbacks with.
    pub certificates: Certificates,
    /// Calls the edge.
    pub edge_client: reqwest::Client,
    /// Whose jobs to take.
    pub edges: Ring<Verifying>,
    /// Signs events to the edge.
    pub signing: Ring<Signing>,
    /// Opens jobs. Only where jobs are delivered.
    pub seal: Option<Ring<PrivateKey>>,
    /// Key exchanges that jobs were opened after.
    pub openers: Openers,
    /// Tenants.
    pub directory: Directories,
    /// What may become an escalation.
    pub escalations: Watch,
    /// What operators set over the file.
    pub settled: Settled,
    /// The ledgers, where this process serves the public API.
    pub ledgers: Option<Ledgers>,
    /// Counts of what is sent and verified.
    pub guards: Guards,
    /// Whose orders are searched.
    pub searched: Searched,
    /// What became of orders.
    pub series: series::Marks,
    /// Orders of tenants with a quota.
    pub tallies: Tallies,
    /// Bounds what runs besides requests and jobs.
    pub background: Arc<Semaphore>,
    /// How often providers were asked of late.
    pub inquiries: Inquiries,
    /// Rows on their way into the logs.
    pub journal: Journal,
    /// Whom delivery workers ask whether a SIM changed lately.
    pub sim_swap: Option<Checker>,
    /// Postings on their way into the tenants' accounts.
    pub money: Money,
    /// Endpoints of tenants, and what is under way to them.
    pub hooks: Hooks,
    /// What the edge is to be told.
    pub reports: Reports,
    /// Where orders' traces go.
    pub telemetry: Exporter,
    /// Who waits for news.
    pub watchers: Watchers,
    /// Settings.
    pub config: Config,
}

impl App {
    /// Connects to everything that is configured. Fails loudly: a half-working process helps nobody.
    pub async fn start(config: Config, roles: &[Role]) -> Result<Arc<Self>, Error> {
        call::install_tls();
        let core_keys = config.core_keys(roles.contains(&Role::Deliver))?;
        let ledgers = if roles.contains(&Role::Public) {
            Some(Ledgers::new(config.edge()?, config.core_public_keys()?))
        } else {
            None
        };
        // Whoever does not deliver needs no secret for it.
        let sim_swap = match config.file.sim_swap.clone().filter(|_| roles.contains(&Role::Deliver)) {
            None => None,
            Some(settings) => {
                let secret = settings.secret(&config.environment)?;
                Some(Checker::new(settings, secret))
            }
        };
        let (store, bus) = (store(&config).await?, bus(&config).await?);
        let telemetry = Exporter::new(&config)?;
        let metrics = Metrics::new(&store.meter(), &bus.meter(), telemetry.meter());
        let (mut directory, settled) =
            (config.directory()?, Settled::load(&store).await.map_err(Error::Store)?);
        settled.merge(&mut directory);
        let shared_token = config.environment.token(OPERATOR_TOKEN)?;
        let app = Arc::new(Self {
            gateways: Gateways::new(
                &config.file.gateways,
                &config.environment,
                Codes::new(config.corrections().map_err(config::Error::Codes)?)
                    .map_err(config::Error::Codes)?,
            )?,
            routes: Routes::default(),
            waits: Waits::default(),
            provider_client: call::Client::new()?,
            certificates: Certificates::default(),
            edge_client: crate::orders::edge_client()?,
            edges: core_keys.edges,
            signing: core_keys.signing,
            seal: core_keys.seal,
            openers: Openers::default(),
            directory: Directories::new(directory),
            escalations: Watch::default(),
            settled,
            ledgers,
            guards: Guards::new(host::now()),
            fleet: Fleet::new(config.file.bus.partitions)?,
            sign_in_key: operators::sign_in_key(shared_token.as_ref())?,
            shared_token,
            searched: Searched::default(),
            series: series::Marks::default(),
            metrics_token: config.environment.token(METRICS_TOKEN)?,
            metrics,
            tallies: Tallies::default(),
            background: Arc::new(Semaphore::new(BACKGROUND_MAX)),
            inquiries: Inquiries::default(),
            journal: Journal::default(),
            sim_swap,
            money: Money::default(),
            hooks: Hooks::new(&config)?,
            reports: Reports::default(),
            telemetry,
            watchers: Watchers::default(),
            store,
            bus,
            config,
        });
        app.metrics.begin(&app, roles);
        Ok(app)
    }
}

async fn store(config: &Config) -> Result<Store, Error> {
    let Some(url) = config.environment.get(REDIS_URL) else {
        return Ok(Store::Memory(store::Memory::default()));
    };
    let redis = store::Redis::connect(&url, &config.file.store.prefix).await;
    redis.map(Store::Redis).map_err(Error::Store)
}

async fn bus(config: &Config) -> Result<Bus, Error> {
    let Some(url) = config.environment.get(AMQP_URL) else {
        return Ok(Bus::Memory(bus::Memory::default()));
    };
    let settings = &config.file.bus;
    let rabbit = bus::Rabbit::connect(&url, &settings.prefix, settings.partitions).await;
    rabbit.map(Bus::Rabbit).map_err(Error::Bus)
}
