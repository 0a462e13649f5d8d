//! Hosts the logs: appends rows, many writers' in one write, and reads them back page by page.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log;
use tiffin_shared::log::APPEND_ROWS_MAX;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_shared::log::Page;
use tiffin_shared::log::PageState;
use tiffin_shared::log::Paged;
use tiffin_shared::log::Row;
use tiffin_shared::search::Summary;
use tiffin_shared::time::UnixMs;
use tokio::sync::oneshot;

use crate::app::App;
use crate::host;
use crate::store;
use crate::store::Key;
use crate::store::Space;

/// Rows that wait in this process for one log; one more is refused until the store has taken some.
const WAITING_MAX: usize = 4_096;

/// Names a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What operators changed.
    Audit,
    /// What was delivered to an endpoint of the tenant.
    Deliveries(TenantId, EndpointId),
    /// What the tenant's endpoints are told.
    Hooks(TenantId),
    /// The tenant's money.
    Money(TenantId),
    /// The tenant's closed orders.
    Orders(TenantId),
    /// What the pages of the tenant's closed orders hold.
    Summaries(TenantId),
}

/// Logs that tenants have and that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// [`Stream::Money`].
    Money,
    /// [`Stream::Orders`].
    Orders,
}

impl Logs {
    /// The tenant's.
    pub fn of(self, tenant: TenantId) -> Stream {
        match self {
            Self::Money => Stream::Money(tenant),
            Self::Orders => Stream::Orders(tenant),
        }
    }
}

/// A row was not appended, as far as we know. The same row may be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many rows wait, or the store does not take pages.
    #[error("the log {0} takes no more just now")]
    Full(Stream),
    /// The store did not do it. Shared by all rows of one write.
    #[error("the log {0} was not written: {1}")]
    Store(Stream, Arc<store::Error>),
    /// The process is ending.
    #[error("the log {0} was not written: the process is ending")]
    Ending(Stream),
}

/// Rows that wait for their write.
#[derive(Default)]
pub struct Journal(Mutex<HashMap<Stream, Vec<Waiting>>>);

struct Waiting {
    row: NewRow,
    keep_ms: u64,
    told: oneshot::Sender<Result<u64, Error>>,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audit => f.write_str("audit"),
            Self::Deliveries(tenant, endpoint) => write!(f, "deliveries/{tenant}/{endpoint}"),
            Self::Hooks(tenant) => write!(f, "hooks/{tenant}"),
            Self::Money(tenant) => write!(f, "money/{tenant}"),
            Self::Orders(tenant) => write!(f, "orders/{tenant}"),
            Self::Summaries(tenant) => write!(f, "summaries/{tenant}"),
        }
    }
}

/// Appends a row, and returns its number once the store has it.
pub async fn append(app: &Arc<App>, stream: &Stream, row: NewRow, keep_ms: u64) -> Result<u64, Error> {
    let (told, hears) = oneshot::channel();
    let is_first = {
        let mut journal = app.journal.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !journal.contains_key(stream);
        let waiting = journal.entry(stream.clone()).or_default();
        if waiting.len() >= WAITING_MAX {
            return Err(Error::Full(stream.clone()));
        }
        waiting.push(Waiting { row, keep_ms, told });
        is_first
    };
    if is_first {
        // Its own task: who appends may stop waiting, and the others' rows are in the same write.
        tokio::spawn(write_all(app.clone(), stream.clone()));
    }
    hears.await.unwrap_or_else(|_| Err(Error::Ending(stream.clone())))
}

/// Writes what waits, as much at once as there is, until nothing does.
async fn write_all(app: Arc<App>, stream: Stream) {
    loop {
        let batch: Vec<Waiting> = {
            let mut journal = app.journal.0.lock().unwrap_or_else(PoisonError::into_inner);
            match journal.get_mut(&stream) {
                Some(waiting) if !waiting.is_empty() => {
                    let count = waiting.len().min(APPEND_ROWS_MAX);
                    waiting.drain(..count).collect()
                }
                _ => {
                    journal.remove(&stream);
                    return;
                }
            }
        };
        let rows = batch.iter().map(|waiting| waiting.row.clone()).collect();
        let keep_ms = batch.iter().map(|waiting| waiting.keep_ms).max().unwrap_or_default();
        match write(&app, &stream, &log::Command::Append { rows, keep_ms }).await {
            Ok(Some(numbers)) => {
                for (waiting, n) in batch.into_iter().zip(numbers) {
                    waiting.told.send(Ok(n)).ok();
                }
            }
            Ok(None) => {
                batch.into_iter().for_each(|waiting| {
                    waiting.told.send(Err(Error::Full(stream.clone()))).ok();
                });
            }
            Err(error) => {
                let error = Arc::new(error);
                batch.into_iter().for_each(|waiting| {
                    waiting.told.send(Err(Error::Store(stream.clone(), error.clone()))).ok();
                });
            }
        }
    }
}

/// Appends rows of a writer that counts them, and returns once the store has them all. Those that are there are not
/// appended again, whoever did. Their ids are the writer's numbers.
pub async fn append_counted(app: &App, stream: &Stream, rows: &[NewRow], keep_ms: u64) -> Result<(), Error> {
    for rows in rows.chunks(APPEND_ROWS_MAX) {
        let command = log::Command::AppendCounted { rows: rows.to_vec(), keep_ms };
        let written = write(app, stream, &command).await;
        let written = written.map_err(|error| Error::Store(stream.clone(), Arc::new(error)))?;
        written.ok_or_else(|| Error::Full(stream.clone()))?;
    }
    Ok(())
}

/// The rows' numbers; nothing where the head is full and its pages are not taken.
async fn write(app: &App, stream: &Stream, command: &log::Command) -> Result<Option<Vec<u64>>, store::Error> {
    let mut reply = ask(app, stream, command).await?;
    if !reply.appended {
        seal(app, stream, reply).await?;
        reply = ask(app, stream, command).await?;
        if !reply.appended {
            return Ok(None);
        }
    }
    let numbers = reply.numbers.clone();
    if let Err(error) = seal(app, stream, reply).await {
        tracing::warn!(%error, %stream, "a page waits in its log's head");
    }
    Ok(Some(numbers))
}

/// Writes full pages under their own keys. What another page's place is not free for stays in the head.
async fn seal(app: &App, stream: &Stream, mut reply: log::Reply) -> Result<(), store::Error> {
    while let Some((number, page)) = reply.full.take() {
        let key = Key::log_page(&stream.to_string(), reply.began_at, number);
        if app.store.apply::<Page>(&key, &Some(page.clone()), host::now()).await? == Paged::Differs {
            tracing::error!(%key, "a page of a log has other rows than its head: the head keeps them, until it is full");
            return Ok(());
        }
        if let Stream::Orders(tenant) = stream
            && !summarise(app, tenant, (reply.began_at, number), &page).await?
        {
            tracing::error!(%key, "a page of closed orders has no summary: its head keeps it, until it is full");
            return Ok(());
        }
        reply = ask(app, stream, &log::Command::Sealed(number)).await?;
    }
    Ok(())
}

/// Writes a page's summary beside it, once, before its head forgets it. False where its log takes no more just now.
async fn summarise(
    app: &App,
    tenant: &TenantId,
    (began_at, number): (UnixMs, u64),
    page: &PageState,
) -> Result<bool, store::Error> {
    let summary = Summary::of(tenant, began_at, number, page);
    let keep_ms = page.expires_at.since(host::now());
    let stream = Stream::Summaries(tenant.clone());
    let command = log::Command::AppendCounted { rows: vec![summary.row()], keep_ms };
    // Boxed: it is a log too.
    Ok(Box::pin(write(app, &stream, &command)).await?.is_some())
}

/// A log as its head has it.
pub struct Head {
    /// Names its pages, beside their numbers.
    pub began_at: UnixMs,
    /// Pages are numbered below this.
    pub pages: u64,
    /// Those below this were promised a longer time than the others: they may be there when some after them are gone.
    longer: u64,
    /// Rows that are in no page yet, in order.
    pub tail: Vec<Row>,
}

/// Reads a head.
pub async fn head(app: &App, stream: &Stream) -> Result<Head, store::Error> {
    let log::Reply { began_at, pages, longer, tail, .. } = ask(app, stream, &log::Command::Read).await?;
    let longer = longer.div_ceil(PAGE_ROWS as u64).min(pages);
    Ok(Head { began_at, pages, longer, tail })
}

/// A page's rows; none where its time is over.
pub async fn page(app: &App, stream: &Stream, head: &Head, number: u64) -> Result<Vec<Row>, store::Error> {
    let key = Key::log_page(&stream.to_string(), head.began_at, number);
    Ok(app.store.apply::<Page>(&key, &None, host::now()).await?.rows())
}

/// How many of the pages below `below` begin with a row that was appended at `until` or before, with those whose time is
/// over.
pub async fn pages_until(
    app: &App,
    stream: &Stream,
    head: &Head,
    below: u64,
    until: UnixMs,
) -> Result<u64, store::Error> {
    let (mut from, mut to) = (0, below);
    while from < to {
        let middle = from.midpoint(to);
        let rows = page(app, stream, head, middle).await?;
        match rows.first() {
            Some(first) if until < first.at => to = middle,
            _ => from = middle.saturating_add(1),
        }
    }
    Ok(from)
}

/// Up to a page of rows from number `from` on, or from the oldest that is kept; empty at the end of the log.
pub async fn read(app: &App, stream: &Stream, from: u64) -> Result<Vec<Row>, store::Error> {
    let head = head(app, stream).await?;
    let (_, rows) = first(app, stream, &head, from / PAGE_ROWS as u64, |_| true).await?;
    let rows: Vec<_> = rows.into_iter().filter(|row| row.n >= from).collect();
    if !rows.is_empty() {
        return Ok(rows);
    }
    let tail = head.tail.into_iter().filter(|row| row.n >= from);
    Ok(tail.take(PAGE_ROWS).collect())
}

/// The first page from number `from` on that is kept still and is such a one, and its rows; the tail's place, and none, where
/// there is no such page. By halves, for a log that is read from its beginning may have a million pages whose time is over:
/// first of those that were promised a longer time than the others, then of the others. In both the oldest go first.
async fn first(
    app: &App,
    stream: &Stream,
    head: &Head,
    from: u64,
    is: impl Fn(&Row) -> bool,
) -> Result<(u64, Vec<Row>), store::Error> {
    let mut look = from;
    for end in [head.longer, head.pages] {
        let (mut from, mut to, mut found) = (look, end, None);
        // The page that is asked for is there, nearly always.
        while from < to {
            let rows = page(app, stream, head, look).await?;
            if rows.last().is_some_and(&is) {
                (to, found) = (look, Some(rows));
            } else {
                from = look.saturating_add(1);
            }
            look = from.midpoint(to);
        }
        if let Some(rows) = found {
            return Ok((to, rows));
        }
        look = from;
    }
    Ok((look, Vec::new()))
}

/// Rows before this number, or the last ones, newest first: at most a page. None where older ones are gone.
pub async fn read_back(app: &App, stream: &Stream, before: Option<u64>) -> Result<Vec<Row>, store::Error> {
    let before = before.unwrap_or(u64::MAX);
    let head = ask(app, stream, &log::Command::Read).await?;
    let newest =
        |rows: Vec<Row>| rows.into_iter().rev().filter(|row| row.n < before).take(PAGE_ROWS).collect();
    let tail: Vec<Row> = newest(head.tail);
    let page = head.pages.min(before.div_ceil(PAGE_ROWS as u64)).checked_sub(1);
    let (true, Some(page)) = (tail.is_empty(), page) else { return Ok(tail) };
    let key = Key::log_page(&stream.to_string(), head.began_at, page);
    Ok(newest(app.store.apply::<Page>(&key, &None, host::now()).await?.rows()))
}

/// A number at or before the first row from `since` on, by halves: pages are in order of time, and the oldest may be gone.
pub async fn seek(app: &App, stream: &Stream, since: UnixMs) -> Result<u64, store::Error> {
    let head = head(app, stream).await?;
    let (page, _) = first(app, stream, &head, 0, |last| since <= last.at).await?;
    Ok(page.saturating_mul(PAGE_ROWS as u64))
}

/// One more than the number of the last row.
pub async fn end(app: &App, stream: &Stream) -> Result<u64, store::Error> {
    let head = ask(app, stream, &log::Command::Read).await?;
    Ok(head.pages.saturating_mul(PAGE_ROWS as u64).saturating_add(head.tail.len() as u64))
}

/// Whether something was ever logged there, and is not all gone.
pub async fn exists(app: &App, stream: &Stream) -> Result<bool, store::Error> {
    let head = head(app, stream).await?;
    Ok(head.pages > 0 || !head.tail.is_empty())
}

/// Tenants that have such a log, those that are not served any more included. Looks at every key of the store:
/// [`crate::search::Searched`] keeps the answer for a while.
pub async fn tenants(app: &App, logs: Logs) -> Result<BTreeSet<TenantId>, store::Error> {
    // Any name will do to learn what stands before it.
    let Ok(any) = TenantId::parse("x") else { return Ok(BTreeSet::new()) };
    let name = logs.of(any).to_string();
    let prefix = name.strip_suffix('x').unwrap_or_default();
    let named = app.store.named(Space::Log, prefix).await?;
    Ok(named.iter().filter_map(|id| TenantId::parse(id.strip_prefix(prefix)?).ok()).collect())
}

async fn ask(app: &App, stream: &Stream, command: &log::Command) -> Result<log::Reply, store::Error> {
    app.store.apply::<Log>(&Key::log(&stream.to_string()), command, host::now()).await
}
