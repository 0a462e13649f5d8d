//! Finds orders: those that are open by their records, which the store is to wake one day, and closed ones in their
//! tenants' logs, by the summaries beside the pages.
//!
//! Open ones come first, newest first; then closed ones, the last closed first. One that closes meanwhile may come twice,
//! and none is left out.

mod closed;
mod open;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use tiffin_shared::http::desk::Answered;
use tiffin_shared::http::desk::Errand;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Problem;
use tiffin_shared::search::Closed;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::search::Found;
use tiffin_shared::search::Open;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tokio::sync::Mutex;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::desk;
use crate::host;
use crate::journal;
use crate::journal::Logs;
use crate::store;

/// Orders of one answer.
pub const LIMIT_MAX: usize = 100;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// In their order.
    pub orders: Vec<Found>,
    /// Where to go on; null at the end.
    pub next: Option<String>,
    /// Orders that were looked at.
    pub scanned: usize,
    /// False where it stopped before it had found as many as were asked for: `next` goes on.
    pub complete: bool,
}

/// Orders were not looked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process is ending.
    #[error("a read was cut short: {0}")]
    Ending(#[from] tokio::task::JoinError),
    /// The cursor is of a time when far fewer orders were open, or made up.
    #[error("many more orders are open than when this search began; begin it anew")]
    Outgrown,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a part of a search came to.
struct Part {
    orders: Vec<Found>,
    scanned: usize,
    /// Where this part goes on; nothing at its end.
    next: Option<Cursor>,
    /// It stopped without having found enough.
    is_short: bool,
}

/// Names a phone's ledger: whoever hosts the ledgers has the key.
pub async fn ledger_of(app: &Arc<App>, phone: Phone) -> Result<LedgerId, Problem> {
    let asked = desk::ask(app, Errand::Name { phone }).await.map_err(|error| {
        tracing::warn!(%error, "a ledger was not named");
        Problem::unavailable("Whoever hosts the ledgers does not answer.")
    })?;
    match asked {
        Answered::Named(ledger) => Ok(ledger),
        Answered::Refused { code, detail } => Err(Problem::new(code, detail)),
        Answered::Network(_) | Answered::Outcome(_) => {
            Err(Problem::unavailable("The edge answered something else."))
        }
    }
}

/// Looks for up to `limit` orders, from `cursor` on.
pub async fn search(
    app: &Arc<App>,
    filter: Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Answer, Error> {
    // Nobody closes it.
    let _place = app.searched.places.acquire().await;
    let filter = Arc::new(filter);
    let mut answer = Answer { orders: Vec::new(), next: None, scanned: 0, complete: true };
    let (open, at) = match cursor {
        Some(Cursor::Closed(at)) => (None, at),
        Some(Cursor::Open(from)) => (Some(Some(from)), Closed::latest()),
        None => (Some(None), Closed::latest()),
    };
    if let Some(from) = open
        && opened(app, &filter, from, limit, &mut answer).await?
    {
        return Ok(answer);
    }
    let known: BTreeSet<OrderId> = answer.orders.iter().map(|found| found.id.clone()).collect();
    let left = limit.saturating_sub(answer.orders.len());
    let tenants = tenants(app, &filter).await?;
    let part = closed::find(app, &filter, tenants, at, left, &known).await?;
    answer.take(part);
    masks(app, &mut answer.orders).await?;
    Ok(answer)
}

/// Looks among open orders. True where the answer is whole with that.
async fn opened(
    app: &Arc<App>,
    filter: &Arc<Filter>,
    from: Option<Open>,
    limit: usize,
    answer: &mut Answer,
) -> Result<bool, Error> {
    let part = open::find(app, filter, from, limit).await?;
    let goes_on = part.next.is_some();
    answer.take(part);
    let is_enough = answer.orders.len() >= limit;
    if is_enough && !goes_on {
        answer.next = Some(Cursor::Closed(Closed::latest()).text());
    }
    Ok(goes_on || is_enough)
}

impl Answer {
    fn take(&mut self, part: Part) {
        self.orders.extend(part.orders);
        self.scanned += part.scanned;
        self.next = part.next.map(|next| next.text());
        self.complete = !part.is_short;
    }
}

/// Whose logs to look into: those that there are, of tenants that are not served any more too.
async fn tenants(app: &Arc<App>, filter: &Filter) -> Result<BTreeSet<TenantId>, store::Error> {
    match &filter.tenant {
        Some(tenant) => Ok(BTreeSet::from([tenant.clone()])),
        None => {
            let mut known = app.searched.orders.known(app).await?;
            known.extend(app.directory.current().tenants.keys().cloned());
            Ok(known)
        }
    }
}

/// Closed orders are shown with the mask of their number as long as their record has it.
async fn masks(app: &Arc<App>, orders: &mut [Found]) -> Result<(), Error> {
    let missing = orders.iter().filter(|found| found.to_masked.is_none()).map(|found| found.id.clone());
    let records = open::records(app, missing.collect()).await?;
    for found in orders {
        let record = records.iter().find(|(id, _)| *id == found.id);
        if let Some(job) = record.and_then(|(_, record)| record.job.as_ref()) {
            found.to_masked.clone_from(&job.to_masked);
        }
    }
    Ok(())
}

/// What searches and exports of this process share.
pub struct Searched {
    /// Who has logs of closed orders.
    pub orders: Listed,
    /// Who has logs of money.
    pub money: Listed,
    /// Searches under way.
    places: Semaphore,
}

/// Tenants that have such logs, as this process last listed them: the list looks at every key of the store.
pub struct Listed {
    logs: Logs,
    last: Mutex<Option<(UnixMs, BTreeSet<TenantId>)>>,
}

/// Searches at once; others wait for their turn. One reads up to some twenty megabytes: ids, records and pages.
const AT_ONCE: usize = 4;

impl Default for Searched {
    fn default() -> Self {
        let of = |logs| Listed { logs, last: Mutex::default() };
        Self { orders: of(Logs::Orders), money: of(Logs::Money), places: Semaphore::new(AT_ONCE) }
    }
}

/// How old the list may be. Who is missing in it was a tenant a moment ago, and is known from the directory since.
const LISTED_MS_MAX: u64 = 10 * MINUTE_MS;

impl Searched {
    /// The list of those.
    pub fn listed(&self, logs: Logs) -> &Listed {
        match logs {
            Logs::Money => &self.money,
            Logs::Orders => &self.orders,
        }
    }
}

impl Listed {
    /// The first search of a process waits for the list; later ones are answered from the last one while it is made anew.
    async fn known(&self, app: &Arc<App>) -> Result<BTreeSet<TenantId>, store::Error> {
        let mut last = self.last.lock().await;
        let now = host::now();
        if let Some((at, known)) = &mut *last {
            if LISTED_MS_MAX <= now.since(*at) {
                *at = now;
                tokio::spawn(list_again(app.clone(), self.logs));
            }
            return Ok(known.clone());
        }
        let found = journal::tenants(app, self.logs).await?;
        *last = Some((now, found.clone()));
        Ok(found)
    }

    /// A list of the last [`LISTED_MS_MAX`]: an export must not leave out who was removed since an older one.
    pub async fn fresh(&self, app: &App) -> Result<BTreeSet<TenantId>, store::Error> {
        let mut last = self.last.lock().await;
        let now = host::now();
        if let Some((_, known)) = last.as_ref().filter(|(at, _)| now.since(*at) < LISTED_MS_MAX) {
            return Ok(known.clone());
        }
        let found = journal::tenants(app, self.logs).await?;
        *last = Some((now, found.clone()));
        Ok(found)
    }
}

async fn list_again(app: Arc<App>, logs: Logs) {
    match journal::tenants(&app, logs).await {
        Ok(found) => {
            if let Some((_, known)) = &mut *app.searched.listed(logs).last.lock().await {
                known.extend(found);
            }
        }
        Err(error) => tracing::warn!(%error, "logs of orders were not listed again; they will be"),
    }
}
