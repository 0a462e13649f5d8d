//! What operators set over the settings file: kept in the store, merged into every process's directory, every change audited.

mod leaving;

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use serde_json::json;
use tiffin_shared::admin::Admin;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::Command;
use tiffin_shared::admin::Entry;
use tiffin_shared::admin::Refusal;
use tiffin_shared::admin::Reply;
use tiffin_shared::admin::RouteSettings;
use tiffin_shared::admin::Settings;
use tiffin_shared::admin::Wish;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::snapshot::SNAPSHOT_BYTES_MAX;
use tiffin_shared::log::NewRow;
use tiffin_shared::price::Prices;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::wire::api::Channel;
use tokio::sync::Mutex;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::App;
use crate::audit;
use crate::gateways::Gateway;
use crate::host;
use crate::money;
use crate::store;
use crate::store::Key;
use crate::store::Store;

/// Changes of others between looking and changing, after which one gives up.
const TRIES_MAX: usize = 16;
/// How long whoever changed something waits until this process's directory has it: reading takes a few milliseconds.
const MERGE_PATIENCE: Duration = Duration::from_secs(2);
/// What a snapshot has besides tenants, keys and routes: verdicts, counts, a signature.
const SNAPSHOT_SPARE_BYTES: usize = 128 * 1024;

/// What this process knows of it.
pub struct Settled {
    current: RwLock<Arc<Settings>>,
    changed: Notify,
    /// Changes of this process take turns: against each other they would only try again.
    turn: Mutex<()>,
    /// The version that is in this process's directory.
    served: watch::Sender<u64>,
}

impl Settled {
    /// As the store has it. Without it a process would turn away the customers that it does not know.
    pub async fn load(store: &Store) -> Result<Self, store::Error> {
        let settings = read(store).await?;
        let served = watch::Sender::new(settings.version);
        let current = RwLock::new(Arc::new(settings));
        Ok(Self { current, changed: Notify::new(), turn: Mutex::new(()), served })
    }

    /// As of a few seconds ago at most.
    pub fn current(&self) -> Arc<Settings> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when this process has changed something.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Adds it to what the file says. Its version.
    pub fn merge(&self, directory: &mut Directory) -> u64 {
        let current = self.current();
        for dropped in current.merge(directory) {
            tracing::error!(what = %dropped.what, why = %dropped.why, "what an operator set is not in use");
        }
        current.version
    }

    /// This process's directory has what it was at this version.
    pub fn serves(&self, version: u64) {
        self.served.send_replace(version);
    }

    /// Returns when this process's directory has it, so that who was told of a change finds it; after a while in any case.
    async fn in_use(&self, version: u64) {
        let mut served = self.served.subscribe();
        let _late = timeout(MERGE_PATIENCE, served.wait_for(|served| *served >= version)).await;
    }

    /// Never an older one.
    fn saw(&self, settings: Settings) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if settings.version >= current.version {
            *current = Arc::new(settings);
        }
    }
}

/// Whether it delivers there, as operators set it, or else the file.
pub fn reaches(settled: &Settings, gateway: &Gateway, country: Option<Country>) -> bool {
    match over(settled, gateway).and_then(|over| over.countries.as_ref()) {
        Some(countries) => gateway.channel() == Channel::Email || countries.allow(country),
        None => gateway.reaches(country),
    }
}

/// Its priority.
pub fn priority(settled: &Settings, gateway: &Gateway) -> u16 {
    over(settled, gateway).and_then(|over| over.priority).unwrap_or(gateway.settings().priority)
}

/// Its share of the orders of its priority.
pub fn weight(settled: &Settings, gateway: &Gateway) -> Option<u16> {
    over(settled, gateway).and_then(|over| over.weight).or(gateway.settings().weight)
}

/// Its price lists. What operators set is in the directory within seconds, and here at once.
pub fn prices(settled: &Settings, directory: &Directory, gateway: &Gateway) -> Prices {
    let mut prices = money::price::lists(directory, gateway).cloned().unwrap_or_default();
    if let Some(price_micros) = over(settled, gateway).and_then(|over| over.price_micros) {
        prices.set_default(directory.currency, price_micros);
    }
    prices
}

fn over<'a>(settled: &'a Settings, gateway: &Gateway) -> Option<&'a RouteSettings> {
    settled.routes.get(gateway.name()).map(|kept| &kept.value)
}

/// Reads it again, and gives the audit log what it has not taken yet.
pub async fn refresh(app: &Arc<App>) {
    match read(&app.store).await {
        Ok(settings) => {
            log(app, &settings).await;
            app.settled.saw(settings);
        }
        Err(error) => tracing::warn!(%error, "what operators set stays as it was"),
    }
}

async fn read(store: &Store) -> Result<Settings, store::Error> {
    match store.apply::<Admin>(&Key::admin(), &Command::Read, host::now()).await? {
        Reply::Settings(settings) => Ok(*settings),
        Reply::Refused(_) | Reply::Stale => Ok(Settings::default()),
    }
}

/// Changes something, if what comes of it may be served. Everything as it is then.
pub async fn change(app: &Arc<App>, wish: Wish) -> Result<Arc<Settings>, Problem> {
    managed_by_file(app, &wish.change)?;
    let _turn = app.settled.turn.lock().await;
    leaving::check(app, &wish.change).await?;
    for _ in 0..TRIES_MAX {
        let settings = read(&app.store).await.map_err(|error| failed(&error))?;
        let candidate = settings.changed(&wish, host::now()).map_err(refused)?;
        check(app, &candidate, &settings)?;
        let command = Command::Change { seen: settings.version, wish: Box::new(wish.clone()) };
        match app.store.apply::<Admin>(&Key::admin(), &command, host::now()).await {
            Ok(Reply::Settings(settings)) => {
                // It stands. An audit log that does not take it now takes it with the next look.
                log(app, &settings).await;
                let version = settings.version;
                app.settled.saw(*settings);
                app.settled.changed.notify_one();
                app.settled.in_use(version).await;
                return Ok(app.settled.current());
            }
            Ok(Reply::Refused(refusal)) => return Err(refused(refusal)),
            Ok(Reply::Stale) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Problem::unavailable("Others change things at the same time."))
}

/// Gives the audit log what it does not have: each once, whoever died in between.
pub async fn log(app: &Arc<App>, settings: &Settings) {
    let Some(last) = settings.unlogged.last() else { return };
    let row = |entry: &Entry| NewRow { id: format!("settings/{}", entry.n), body: json!(entry) };
    let rows: Vec<_> = settings.unlogged.iter().map(row).collect();
    if let Err(error) = audit::append_counted(app, &rows).await {
        tracing::warn!(%error, "changes wait for the audit log");
        return;
    }
    if let Err(error) = app.store.apply::<Admin>(&Key::admin(), &Command::Logged(last.n), host::now()).await {
        tracing::warn!(%error, "changes that are in the audit log are offered to it again");
    }
}

/// What the change would make of the whole must be fit to be served, and must not be dropped.
fn check(app: &App, candidate: &Settings, before: &Settings) -> Result<(), Problem> {
    let file = || app.config.reread_directory().map_err(|error| Problem::unavailable(error.to_string()));
    let (mut directory, mut old) = (file()?, file()?);
    let known = before.merge(&mut old);
    if let Some(dropped) = candidate.merge(&mut directory).iter().find(|dropped| !known.contains(dropped)) {
        return Err(invalid(format!("{}: {}.", dropped.what, dropped.why)));
    }
    directory.check().map_err(|reason| invalid(format!("{reason}.")))?;
    let text = serde_json::to_string(&directory.without_words()).unwrap_or_default();
    if text.len() > SNAPSHOT_BYTES_MAX - SNAPSHOT_SPARE_BYTES {
        return Err(invalid("All tenants and keys together are more than an edge keeps.".into()));
    }
    // What an edge cannot read keeps every later change from it, the end of keys too.
    let read = serde_json::from_str::<Directory>(&text);
    read.map(drop).map_err(|error| invalid(format!("An edge could not read it: {error}.")))
}

fn managed_by_file(app: &App, change: &Change) -> Result<(), Problem> {
    let file = &app.config.file;
    let by_file = |what: String| {
        Err(Problem::new(Code::ManagedByFile, format!("{what} stands in tiffin.toml, and is changed there.")))
    };
    match change {
        Change::PutService(tenant, ..) | Change::PutTenant(tenant, _)
            if file.tenants.contains_key(tenant) =>
        {
            by_file(format!("The tenant {tenant}"))
        }
        Change::PutRoute(gateway, _) if app.gateways.named(gateway.as_str()).is_none() => {
            Err(Problem::new(Code::NotFound, "No gateway has this name. `tiffin route list` shows them."))
        }
        Change::RevokeKey(id) | Change::MakeKey(tiffin_shared::directory::ApiKey { id, .. })
            if is_in_file(app, id) =>
        {
            let detail =
                format!("The API key {id} stands in TIFFIN_API_KEYS: `tiffin keys` makes and retires those.");
            Err(Problem::new(Code::ManagedByFile, detail))
        }
        Change::MakeKey(_)
        | Change::PutOperator(..)
        | Change::PutRoute(..)
        | Change::PutService(..)
        | Change::PutTenant(..)
        | Change::RevokeKey(_) => Ok(()),
    }
}

fn is_in_file(app: &App, id: &tiffin_shared::id::KeyId) -> bool {
    app.config.reread_directory().is_ok_and(|directory| directory.keys.iter().any(|key| key.id == *id))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Conflict(Some(version)) => {
            let detail =
                format!("It is at version {version} now. Read it, and send `If-Match: \"{version}\"`.");
            Problem::new(Code::PreconditionFailed, detail)
        }
        Refusal::Conflict(None) => {
            Problem::new(Code::PreconditionFailed, "It is not there: send what is new without If-Match.")
        }
        Refusal::Full(why) | Refusal::Used(why) => invalid(format!("{why}.")),
        Refusal::NotFound => Problem::new(Code::NotFound, "Operators have set no such thing."),
        Refusal::Unlogged => Problem::unavailable("The audit log takes no entries just now."),
    }
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

fn failed(error: &store::Error) -> Problem {
    tracing::warn!(%error, "a change was not made, as far as is known");
    Problem::unavailable("The store does not answer. Read what there is before you change it again.")
}
