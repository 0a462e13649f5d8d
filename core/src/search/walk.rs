//! A walk through one tenant's closed orders, backwards: the rows of its log's head, then the pages, each by its summary
//! where it has one.

use std::collections::VecDeque;

use tiffin_shared::id::TenantId;
use tiffin_shared::log::Row;
use tiffin_shared::search::Filter;
use tiffin_shared::search::Found;
use tiffin_shared::search::Summary;
use tiffin_shared::time::UnixMs;

use crate::app::App;
use crate::journal;
use crate::journal::Head;
use crate::journal::Stream;
use crate::store;

/// Pages without a summary that are looked at together.
const PLAIN_PAGES: u64 = 16;
/// Pages read at once.
const READS: usize = 8;

/// Where a walk stands.
pub(super) struct Walk {
    pub(super) tenant: TenantId,
    log: Head,
    /// Pages below this number are in no block yet.
    page: u64,
    /// Summaries; read once they are needed.
    index: Option<Index>,
    /// The next ones, the latest first.
    blocks: VecDeque<Block>,
    /// Nothing that is still to come was closed after this.
    pub(super) closed_by: UnixMs,
}

/// Summaries that are still to come.
struct Index {
    log: Head,
    /// Pages of summaries below this number.
    page: u64,
}

/// Rows that are looked at together.
enum Block {
    /// Those of the head, which are in no page yet.
    Tail(Vec<Row>),
    /// A page that may hold what is meant.
    Page(u64),
    /// A page that cannot.
    Other { from: UnixMs, rows: usize },
}

/// An order that is meant.
pub(super) struct Hit {
    pub(super) at: UnixMs,
    pub(super) n: u64,
    pub(super) found: Found,
}

/// How much a walk may do at a time.
#[derive(Clone, Copy)]
pub(super) struct Stride {
    pub(super) pages: usize,
    pub(super) rows: usize,
}

/// What it came to.
#[derive(Default)]
pub(super) struct Came {
    pub(super) hits: Vec<Hit>,
    pub(super) pages: usize,
    pub(super) rows: usize,
}

impl Walk {
    /// Begins at the last row that was closed at `start` or before.
    pub(super) async fn begin(app: &App, tenant: TenantId, start: UnixMs) -> Result<Self, store::Error> {
        let stream = Stream::Orders(tenant.clone());
        let mut log = journal::head(app, &stream).await?;
        let tail = std::mem::take(&mut log.tail);
        let is_deep = start < UnixMs(u64::MAX) && tail.first().is_none_or(|first| start < first.at);
        let (page, index) = match is_deep {
            true => seek(app, &tenant, &log, start).await?,
            false => (log.pages, None),
        };
        let closed_by = tail.last().map_or(start, |last| last.at.min(start));
        let blocks = Some(tail).filter(|tail| !tail.is_empty()).map(Block::Tail).into_iter().collect();
        Ok(Self { tenant, log, page, index, blocks, closed_by })
    }

    /// Whether nothing is still to come.
    pub(super) fn is_over(&self) -> bool {
        self.blocks.is_empty() && self.page == 0
    }

    /// Goes on.
    pub(super) async fn go(
        &mut self,
        app: &App,
        filter: &Filter,
        stride: Stride,
    ) -> Result<Came, store::Error> {
        let mut came = Came::default();
        while came.pages < stride.pages && came.rows < stride.rows && !self.is_over() {
            match self.blocks.pop_front() {
                None => self.prepare(app, filter).await?,
                Some(Block::Other { from, rows }) => {
                    came.rows += rows;
                    self.closed_by = self.closed_by.min(from);
                }
                Some(Block::Tail(rows)) => {
                    self.look(rows, filter, &mut came);
                    // Often it has all that was asked for.
                    break;
                }
                Some(Block::Page(first)) => {
                    let mut numbers = vec![first];
                    while let Some(Block::Page(number)) = self.blocks.front()
                        && numbers.len() < READS
                    {
                        numbers.push(*number);
                        self.blocks.pop_front();
                    }
                    came.pages += numbers.len();
                    self.read(app, &numbers, filter, &mut came).await?;
                }
            }
        }
        Ok(came)
    }

    async fn read(
        &mut self,
        app: &App,
        numbers: &[u64],
        filter: &Filter,
        came: &mut Came,
    ) -> Result<(), store::Error> {
        let stream = Stream::Orders(self.tenant.clone());
        let reads = numbers.iter().map(|number| journal::page(app, &stream, &self.log, *number));
        for rows in futures::future::try_join_all(reads).await? {
            if rows.is_empty() {
                // Its time is over, and so is that of all before it.
                self.blocks.clear();
                self.page = 0;
                return Ok(());
            }
            self.look(rows, filter, came);
        }
        Ok(())
    }

    fn look(&mut self, rows: Vec<Row>, filter: &Filter, came: &mut Came) {
        came.rows += rows.len();
        self.closed_by = rows.first().map_or(self.closed_by, |row| self.closed_by.min(row.at));
        let hits = rows.into_iter().filter_map(|row| {
            let found = Found::closed(&self.tenant, &row.body)?;
            filter.is_met(&found).then_some(Hit { at: row.at, n: row.n, found })
        });
        came.hits.extend(hits);
    }

    /// Finds out which of the next pages have to be read.
    async fn prepare(&mut self, app: &App, filter: &Filter) -> Result<(), store::Error> {
        let stream = Stream::Summaries(self.tenant.clone());
        let index = match &mut self.index {
            Some(index) => index,
            None => {
                let log = journal::head(app, &stream).await?;
                let page = log.pages.saturating_add(1);
                self.index.insert(Index { log, page })
            }
        };
        let rows = match index.page {
            0 => Vec::new(),
            page if page > index.log.pages => std::mem::take(&mut index.log.tail),
            page => journal::page(app, &stream, &index.log, page - 1).await?,
        };
        index.page = if rows.is_empty() && index.page <= index.log.pages { 0 } else { index.page - 1 };
        let is_end = index.page == 0;
        for summary in rows.into_iter().rev().filter_map(|row| summary(row, self.log.began_at)) {
            if summary.page >= self.page {
                continue;
            }
            // Those between were written before there were summaries.
            let between = (summary.page + 1..self.page).rev().map(Block::Page);
            self.blocks.extend(between);
            self.page = summary.page;
            self.blocks.push_back(match summary.may_meet(filter) {
                true => Block::Page(summary.page),
                false => Block::Other { from: summary.from, rows: summary.rows() },
            });
        }
        if is_end && self.blocks.is_empty() {
            let from = self.page.saturating_sub(PLAIN_PAGES);
            self.blocks.extend((from..self.page).rev().map(Block::Page));
            self.page = from;
        }
        Ok(())
    }
}

/// One of this log's.
fn summary(row: Row, began_at: UnixMs) -> Option<Summary> {
    let summary: Summary = serde_json::from_value(row.body).ok()?;
    (summary.began_at == began_at).then_some(summary)
}

/// Below which page, and with which summaries, to begin for what was closed at `start` or before.
async fn seek(
    app: &App,
    tenant: &TenantId,
    log: &Head,
    start: UnixMs,
) -> Result<(u64, Option<Index>), store::Error> {
    let stream = Stream::Summaries(tenant.clone());
    let head = journal::head(app, &stream).await?;
    // The first of the summaries that stand together, where it is of what was closed later.
    let later = |rows: Vec<Row>| {
        let first = rows.into_iter().next().and_then(|row| summary(row, log.began_at));
        first.filter(|first| start < first.from).map(|first| first.page)
    };
    let mut below = later(head.tail.clone());
    if below.is_none() && !head.tail.is_empty() {
        let page = head.pages.saturating_add(1);
        return Ok((log.pages, Some(Index { log: head, page })));
    }
    let (mut from, mut to) = (0, head.pages);
    while from < to {
        let middle = from.midpoint(to);
        // What is gone was before, and so was what is of an earlier log.
        match later(journal::page(app, &stream, &head, middle).await?) {
            Some(page) => (below, to) = (Some(page), middle),
            None => from = middle.saturating_add(1),
        }
    }
    let below = below.unwrap_or(log.pages);
    // Before there were summaries, the pages themselves tell.
    let page = if to == 0 {
        journal::pages_until(app, &Stream::Orders(tenant.clone()), log, below, start).await?
    } else {
        below
    };
    Ok((page, Some(Index { log: head, page: to })))
}
