//! Closed orders: all tenants' logs walked through backwards together, the last closed first.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::search::Closed;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;

use super::Error;
use super::Part;
use super::walk::Came;
use super::walk::Hit;
use super::walk::Stride;
use super::walk::Walk;
use crate::app::App;

/// Orders that one call looks at by their summaries: they are 23 bytes of each.
const ROWS_MAX: usize = 1 << 20;
/// Pages that one call reads, of about 60 kilobytes.
const PAGES_MAX: usize = 256;
/// What a walk does before the others catch up.
const STRIDE: Stride = Stride { pages: 8, rows: 16_384 };
/// Walks at once.
const WALKS: usize = 8;
/// Heads of logs read at once.
const HEADS: usize = 16;
/// How far an edge's clock may be ahead of core's.
const SKEW_MS: u64 = 10 * MINUTE_MS;

/// What is found so far.
struct Search {
    walks: Vec<Walk>,
    hits: Vec<(TenantId, Hit)>,
    rows: usize,
    pages: usize,
}

pub(super) async fn find(
    app: &Arc<App>,
    filter: &Arc<Filter>,
    tenants: BTreeSet<TenantId>,
    at: Closed,
    limit: usize,
    known: &BTreeSet<OrderId>,
) -> Result<Part, Error> {
    let start = filter.closed_before().map_or(at.at, |to| at.at.min(to.plus(SKEW_MS)));
    let begun = stream::iter(tenants).map(|tenant| {
        let app = app.clone();
        async move {
            let walk = tokio::spawn(async move { Walk::begin(&app, tenant, start).await });
            Ok::<_, Error>(walk.await??)
        }
    });
    let walks: Vec<Walk> = begun.buffer_unordered(HEADS).try_collect().await?;
    let mut search = Search { walks, hits: Vec::new(), rows: 0, pages: 0 };
    loop {
        let chosen = search.choose(filter, limit);
        if chosen.is_empty() {
            return Ok(search.whole(limit));
        }
        if search.rows >= ROWS_MAX || search.pages >= PAGES_MAX {
            search.walks.extend(chosen);
            return Ok(search.short(filter, limit));
        }
        let going = chosen.into_iter().map(|mut walk| {
            let (app, filter) = (app.clone(), filter.clone());
            tokio::spawn(async move {
                let came = walk.go(&app, &filter, STRIDE).await;
                came.map(|came| (walk, came))
            })
        });
        for gone in futures::future::join_all(going).await {
            let (walk, came) = gone??;
            search.take(walk, came, &at, known);
        }
    }
}

impl Search {
    /// Walks that may still find what belongs into the answer, those that are furthest behind first.
    fn choose(&mut self, filter: &Filter, limit: usize) -> Vec<Walk> {
        let enough = self.enough(limit);
        let oldest = filter.from.map_or(UnixMs(0), |from| from.minus(SKEW_MS));
        self.walks.retain(|walk| !walk.is_over() && oldest <= walk.closed_by);
        self.walks.sort_by_key(|walk| Reverse(walk.closed_by));
        let wanted = self.walks.iter().take(WALKS).take_while(|walk| enough <= walk.closed_by);
        let count = wanted.count();
        self.walks.drain(..count).collect()
    }

    /// What was closed before this is not needed; the beginning of time as long as there is not enough.
    fn enough(&mut self, limit: usize) -> UnixMs {
        self.hits
            .sort_by(|(tenant, hit), (other, than)| (than.at, other, than.n).cmp(&(hit.at, tenant, hit.n)));
        let last = limit.checked_sub(1).and_then(|last| self.hits.get(last));
        last.map_or(UnixMs(0), |(_, hit)| hit.at)
    }

    fn take(&mut self, walk: Walk, came: Came, at: &Closed, known: &BTreeSet<OrderId>) {
        self.rows += came.rows;
        self.pages += came.pages;
        let next = came
            .hits
            .into_iter()
            .filter(|hit| at.is_next(hit.at, &walk.tenant, hit.n) && !known.contains(&hit.found.id));
        self.hits.extend(next.map(|hit| (walk.tenant.clone(), hit)));
        self.walks.push(walk);
    }

    /// Everything that belongs into the answer was found.
    fn whole(mut self, limit: usize) -> Part {
        let has_more = self.hits.len() > limit || !self.walks.is_empty();
        self.hits.truncate(limit);
        let last = self.hits.last().filter(|_| has_more);
        let next = last.map(|(tenant, hit)| {
            Cursor::Closed(Closed { at: hit.at, before: Some((tenant.clone(), hit.n)) })
        });
        self.part(next, false)
    }

    /// What was found for certain: of what was closed after all that is still to come.
    fn short(mut self, filter: &Filter, limit: usize) -> Part {
        // Sorts them.
        self.enough(limit);
        let oldest = filter.from.map_or(UnixMs(0), |from| from.minus(SKEW_MS));
        let behind = self.walks.iter().filter(|walk| oldest <= walk.closed_by).map(|walk| walk.closed_by);
        let at = behind.max().unwrap_or_default();
        self.hits.retain(|(_, hit)| at < hit.at);
        self.hits.truncate(limit);
        self.part(Some(Cursor::Closed(Closed { at, before: None })), true)
    }

    fn part(self, next: Option<Cursor>, is_short: bool) -> Part {
        let orders = self.hits.into_iter().map(|(_, hit)| hit.found).collect();
        Part { orders, scanned: self.rows, next, is_short }
    }
}
