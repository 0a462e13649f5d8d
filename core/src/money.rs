//! Hosts the tenants' accounts: many orders' postings in one write, and what moved into the money log.
//!
//! An account keeps its entries until the log has them. They are appended after each write, by whichever process made it,
//! and by the sweep where that process was killed; the log takes each number once.

pub mod balances;
pub mod price;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::Billing;
use tiffin_shared::directory::Caps;
use tiffin_shared::directory::ChargedBy;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Mode;
use tiffin_shared::directory::Refund;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::NewRow;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::Currency;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Kind;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Reply;
use tiffin_shared::order;
use tiffin_shared::order::BillTerms;
use tiffin_shared::wire::job::Header;
use tokio::sync::oneshot;

use crate::app::App;
use crate::config::Retention;
use crate::host;
use crate::journal;
use crate::journal::Stream;
use crate::orders;
use crate::store;
use crate::store::Key;
use crate::webhooks;

/// Postings that wait in this process for one account; one more is refused until the store has taken some.
const WAITING_MAX: usize = 4_096;
/// Postings of one write: with an entry or two each they stay far below what an account keeps.
const BATCH_MAX: usize = 512;

/// A posting is not in its account, as far as we know. The same may be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process is ending.
    #[error("the account of {0} was not written: the process is ending")]
    Ending(TenantId),
    /// Too many postings wait.
    #[error("too many postings wait for the account of {0}")]
    Full(TenantId),
    /// The log did not take what moved; the account keeps it.
    #[error(transparent)]
    Log(#[from] journal::Error),
    /// The order's record was not told.
    #[error(transparent)]
    Order(#[from] orders::Error),
    /// The tenant's endpoints cannot be told.
    #[error(transparent)]
    Hooks(#[from] webhooks::Error),
    /// The store did not do it. Shared by all postings of one write.
    #[error("the account of {0} was not written: {1}")]
    Store(TenantId, Arc<store::Error>),
}

/// What waits for its account, and what the logs have.
#[derive(Default)]
pub struct Money {
    waiting: Mutex<HashMap<TenantId, Vec<Waiting>>>,
    /// Tenants that are just now told that their balance is low.
    telling: Mutex<HashSet<TenantId>>,
    logged: Mutex<HashMap<TenantId, u64>>,
}

struct Waiting {
    posting: Posting,
    told: oneshot::Sender<Result<Answer, Error>>,
}

impl Money {
    fn waiting(&self) -> MutexGuard<'_, HashMap<TenantId, Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn telling(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logged(&self) -> MutexGuard<'_, HashMap<TenantId, u64>> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an order is paid for; nothing where its tenant does not pay.
pub fn terms(directory: &Directory, header: &Header) -> Option<BillTerms> {
    let tenant = directory.tenants.get(&header.tenant)?;
    let refunds = tenant.services.get(&header.service).and_then(|service| service.refunds.clone());
    let billing = tenant.billing.as_ref()?;
    Some(BillTerms {
        currency: billing.currency,
        max_price_micros: header.max_price_micros,
        refunds: refunds.unwrap_or_else(|| Refund::ALL.to_vec()),
        charged_by: billing.charged_by,
    })
}

/// What is agreed with a tenant. One that pays no more still ends what it began: nothing new is held for it.
fn billing(app: &App, tenant: &TenantId) -> Billing {
    let directory = app.directory.current();
    let agreed = directory.tenants.get(tenant).and_then(|tenant| tenant.billing.clone());
    agreed.unwrap_or_else(|| Billing {
        mode: Mode::Prepaid,
        currency: Currency::NONE,
        credit_limit_micros: 0,
        low_balance_micros: None,
        opening_micros: 0,
        caps: Caps::default(),
        charged_by: ChargedBy::default(),
    })
}

/// Posts without keeping the caller waiting. Without a permit it is posted when its lease is over.
pub fn begin(app: &Arc<App>, posting: Posting) {
    if let Ok(permit) = app.background.clone().try_acquire_owned() {
        let app = app.clone();
        tokio::spawn(async move {
            let order = posting.order.clone();
            if let Err(error) = Box::pin(settle(&app, posting)).await {
                tracing::warn!(%error, %order, "a posting was not made; it will be");
            }
            drop(permit);
        });
    }
}

/// Posts, and tells the order's record what the account answered. False where the account does not take it now.
pub async fn settle(app: &Arc<App>, posting: Posting) -> Result<bool, Error> {
    let (order, n) = (posting.order.clone(), posting.n);
    let posted = post(app, posting).await;
    app.metrics.posted(&posted);
    match posted? {
        Answer::Posted(standing) => {
            orders::apply(app, &order, order::Ask::Posted { n, standing }).await?;
            Ok(true)
        }
        // Its record has a newer one, or gives it out again.
        Answer::Late => Ok(true),
        Answer::Busy => Ok(false),
    }
}

/// Posts before the order goes on. False where that is not known to be done: the job waits, and posts again.
pub async fn funds(app: &Arc<App>, posting: &Posting) -> bool {
    settle(app, posting.clone()).await.unwrap_or_else(|error| {
        tracing::warn!(%error, order = %posting.order, "not on hold yet; the job waits");
        false
    })
}

/// Puts a posting into its tenant's account, and returns once the store has it.
pub async fn post(app: &Arc<App>, posting: Posting) -> Result<Answer, Error> {
    let (told, hears) = oneshot::channel();
    let tenant = posting.tenant.clone();
    let is_first = {
        let mut accounts = app.money.waiting();
        let is_first = !accounts.contains_key(&tenant);
        let waiting = accounts.entry(tenant.clone()).or_default();
        if waiting.len() >= WAITING_MAX {
            return Err(Error::Full(tenant));
        }
        waiting.push(Waiting { posting, told });
        is_first
    };
    if is_first {
        // Its own task: who posts may stop waiting, and the others' postings are in the same write.
        tokio::spawn(write_all(app.clone(), tenant.clone()));
    }
    hears.await.unwrap_or_else(|_| Err(Error::Ending(tenant)))
}

/// Writes what waits, as much at once as there is, until nothing does.
async fn write_all(app: Arc<App>, tenant: TenantId) {
    loop {
        let batch: Vec<Waiting> = {
            let mut accounts = app.money.waiting();
            match accounts.get_mut(&tenant) {
                Some(waiting) if !waiting.is_empty() => {
                    let count = waiting.len().min(BATCH_MAX);
                    waiting.drain(..count).collect()
                }
                _ => {
                    accounts.remove(&tenant);
                    break;
                }
            }
        };
        let postings = batch.iter().map(|waiting| waiting.posting.clone()).collect();
        match ask(&app, &tenant, Ask::Post(postings)).await {
            Ok(reply) => {
                for (waiting, answer) in batch.into_iter().zip(&reply.answers) {
                    waiting.told.send(Ok(*answer)).ok();
                }
                if let Err(error) = log(&app, &tenant, reply.summary.currency, &reply.entries).await {
                    tracing::warn!(%error, %tenant, "what moved waits in the account");
                }
                begin_telling(&app, &tenant, &reply);
            }
            Err(error) => {
                let error = Arc::new(error);
                batch.into_iter().for_each(|waiting| {
                    waiting.told.send(Err(Error::Store(tenant.clone(), error.clone()))).ok();
                });
            }
        }
    }
    // The account forgets what the log has.
    if let Err(error) = ask(&app, &tenant, Ask::Tick).await {
        tracing::warn!(%error, %tenant, "the account keeps what its log has; the sweep will tell it");
    }
}

/// Asks an account, and tells it what its log has.
async fn ask(app: &App, tenant: &TenantId, ask: Ask) -> Result<Reply, store::Error> {
    let logged = app.money.logged().get(tenant).copied().unwrap_or_default();
    let command = Command { billing: billing(app, tenant), logged, ask };
    app.store.apply::<Account>(&Key::account(tenant), &command, host::now()).await
}

/// How an account stands.
pub async fn read(app: &App, tenant: &TenantId) -> Result<Reply, Error> {
    ask(app, tenant, Ask::Read).await.map_err(|error| Error::Store(tenant.clone(), Arc::new(error)))
}

/// Asks, and sees to it that what moved is in the log.
pub async fn ask_and_log(app: &Arc<App>, tenant: &TenantId, asked: Ask) -> Result<Reply, Error> {
    let reply = asked_and_logged(app, tenant, asked).await?;
    begin_telling(app, tenant, &reply);
    Ok(reply)
}

async fn asked_and_logged(app: &Arc<App>, tenant: &TenantId, asked: Ask) -> Result<Reply, Error> {
    let failed = |error| Error::Store(tenant.clone(), Arc::new(error));
    let reply = ask(app, tenant, asked).await.map_err(failed)?;
    if !reply.entries.is_empty() {
        log(app, tenant, reply.summary.currency, &reply.entries).await?;
        ask(app, tenant, Ask::Tick).await.map_err(failed)?;
    }
    Ok(reply)
}

/// Appends entries to the tenant's money log: each once, whoever comes first.
async fn log(app: &Arc<App>, tenant: &TenantId, currency: Currency, entries: &[Entry]) -> Result<(), Error> {
    let Some(last) = entries.last() else { return Ok(()) };
    let rows: Vec<NewRow> = entries
        .iter()
        .map(|entry| NewRow { id: entry.seq.to_string(), body: row(entry, currency) })
        .collect();
    let keep_ms = Retention::ms(app.config.file.retention.ledger_days);
    journal::append_counted(app, &Stream::Money(tenant.clone()), &rows, keep_ms).await?;
    let mut logged = app.money.logged();
    let known = logged.entry(tenant.clone()).or_default();
    *known = (*known).max(last.seq);
    for entry in entries.iter().filter(|entry| entry.kind == Kind::LowBalance) {
        tracing::warn!(
            %tenant, available_micros = entry.available_micros, entry = entry.seq,
            "a tenant's balance is low; its next orders may be refused"
        );
    }
    Ok(())
}

/// With what a reader of the books needs, and an account says only once: in which currency, and how much in one number.
fn row(entry: &Entry, currency: Currency) -> Value {
    let mut row = serde_json::to_value(entry).unwrap_or_default();
    if let Some(fields) = row.as_object_mut() {
        fields.insert("currency".into(), json!(currency));
        fields.insert("amount_micros".into(), json!(entry.amount_micros()));
    }
    row
}

/// Tells the tenant what the account says, beside the postings: endpoints that cannot be told must not keep them waiting.
/// What fails comes again with the next posting, and with the sweep.
fn begin_telling(app: &Arc<App>, tenant: &TenantId, reply: &Reply) {
    let Some(entry) = reply.tell.clone() else { return };
    if !app.money.telling().insert(tenant.clone()) {
        return;
    }
    let (app, tenant) = (app.clone(), tenant.clone());
    tokio::spawn(async move {
        if let Err(error) = tell(&app, &tenant, &entry).await {
            tracing::warn!(%error, %tenant, "a tenant is not told of its balance yet");
        }
        app.money.telling().remove(&tenant);
    });
}

async fn tell(app: &Arc<App>, tenant: &TenantId, entry: &Entry) -> Result<(), Error> {
    low_balance(app, tenant, entry).await?;
    let told = ask(app, tenant, Ask::Told(entry.seq)).await;
    told.map(drop).map_err(|error| Error::Store(tenant.clone(), Arc::new(error)))
}

/// Less is left than the tenant's mark. Told once per crossing, and once more where the process was killed meanwhile: the
/// entry's number is the event's name.
async fn low_balance(app: &Arc<App>, tenant: &TenantId, entry: &Entry) -> Result<(), webhooks::Error> {
    let currency = billing(app, tenant).currency;
    let data = json!({
        "available_micros": entry.available_micros,
        "held_micros": entry.held_micros,
        "currency": currency,
        "at": entry.at.rfc3339(),
    });
    webhooks::emit(app, tenant, webhooks::Kind::BalanceLow, &format!("balance/{}", entry.seq), data).await
}

/// The sweep's: an account whose log is behind, or that is to let go of a hold. True where it need not be woken again.
pub async fn wake(app: &Arc<App>, tenant: &str) -> bool {
    // What is no tenant's name was not written by us, and is only forgotten.
    let Ok(tenant) = TenantId::parse(tenant) else { return true };
    let woken = async {
        let reply = asked_and_logged(app, &tenant, Ask::Tick).await?;
        match &reply.tell {
            Some(entry) => tell(app, &tenant, entry).await,
            None => Ok(()),
        }
    };
    let woken = woken.await;
    let woken = woken.inspect_err(|error| tracing::warn!(%error, %tenant, "cannot wake an account"));
    match woken {
        Ok(()) => true,
        Err(Error::Store(_, error)) => matches!(*error, store::Error::State { .. }),
        Err(_) => false,
    }
}
