//! Open orders: those whose records are to be woken one day, at the latest to be closed.

use std::cmp::Reverse;
use std::sync::Arc;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Read;
use tiffin_shared::order::Timeline;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::search::Found;
use tiffin_shared::search::Open;
use tiffin_shared::time::UnixMs;

use super::Error;
use super::Part;
use crate::app::App;
use crate::host;
use crate::store;
use crate::store::Key;
use crate::store::Space;

/// Ids listed at once: more than a busy installation has open, at 75 bytes each. What is beyond them is found when it is
/// closed.
const IDS_MAX: usize = 262_144;
/// Records that one call reads, at about three kilobytes each; four times as many where orders have come since the search
/// began.
const RECORDS_MAX: usize = 2_048;
/// Records of one task, and tasks at once.
const CHUNK: usize = 64;
const TASKS: usize = 8;

pub(super) async fn find(
    app: &Arc<App>,
    filter: &Arc<Filter>,
    from: Option<Open>,
    limit: usize,
) -> Result<Part, Error> {
    let due = app.store.due(Space::Order, UnixMs(u64::MAX), IDS_MAX).await?;
    let mut ids: Vec<OrderId> = due.iter().filter_map(|due| OrderId::parse(due.key.id()).ok()).collect();
    if let Some(ledger) = filter.ledger {
        ids.retain(|id| id.ledger() == ledger);
    }
    let slices = u32::try_from(ids.len().div_ceil(RECORDS_MAX)).unwrap_or(u32::MAX).max(1);
    let at = from.unwrap_or(Open { slices, slice: 0, after: None });
    if !at.is_fine_enough(ids.len(), RECORDS_MAX) {
        return Err(Error::Outgrown);
    }
    ids.retain(|id| at.slice_of(id) == at.slice);
    let scanned = ids.len();
    let records = records(app, ids).await?;
    // One that is closed, and of which that is told, stands in its tenant's log.
    let is_open = |record: &Timeline| !record.is_closed || record.is_closing;
    let open = records.iter().filter(|(_, record)| is_open(record));
    let found = open.filter_map(|(id, record)| Found::open(id, record));
    let mut found: Vec<Found> =
        found.filter(|found| filter.is_met(found) && at.is_next(found.created_at, &found.id)).collect();
    found.sort_by_cached_key(|found| Reverse((found.created_at, found.id.to_string())));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = match found.last() {
        Some(last) if has_more => Some(Open { after: Some((last.created_at, last.id.clone())), ..at }),
        _ if at.slice + 1 < at.slices => Some(Open { slice: at.slice + 1, after: None, ..at }),
        _ => None,
    };
    let is_short = next.is_some() && found.len() < limit;
    Ok(Part { orders: found, scanned, next: next.map(Cursor::Open), is_short })
}

/// Their records, as far as the store has them.
pub(super) async fn records(
    app: &Arc<App>,
    ids: Vec<OrderId>,
) -> Result<Vec<(OrderId, Box<Timeline>)>, Error> {
    let chunks: Vec<Vec<OrderId>> = ids.chunks(CHUNK).map(<[OrderId]>::to_vec).collect();
    let tasks = stream::iter(chunks).map(|ids| {
        let app = app.clone();
        async move { tokio::spawn(async move { read(&app, ids).await }).await? }
    });
    let records: Vec<Vec<_>> = tasks.buffered(TASKS).try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}

async fn read(app: &App, ids: Vec<OrderId>) -> Result<Vec<(OrderId, Box<Timeline>)>, Error> {
    let now = host::now();
    let reads = stream::iter(ids).map(|id| async move {
        match app.store.apply::<Read>(&Key::order(&id), &(), now).await {
            Ok(record) => Ok(record.map(|record| (id, record))),
            // One that cannot be read hides no other.
            Err(error @ store::Error::State { .. }) => {
                tracing::error!(%error, "an order cannot be searched");
                Ok(None)
            }
            Err(error) => Err(Error::Store(error)),
        }
    });
    let records: Vec<Option<_>> = reads.buffered(CHUNK).try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}
