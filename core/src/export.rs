//! Closed orders, kept in their tenants' logs; and logs on their way out, a page at a time.

pub mod csv;

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::id::OrderId;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::Row;
use tiffin_shared::order::Errand;
use tiffin_shared::order::Happening;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::OrderState;

use crate::app::App;
use crate::config::Retention;
use crate::host;
use crate::journal;
use crate::journal::Stream;
use crate::store;

/// Keeps a closed order for the export. One whose job never came has no tenant's word of what it was, and is kept short.
pub async fn keep(app: &Arc<App>, order: &OrderId, errand: &Errand) -> Result<(), journal::Error> {
    let (true, Some(tenant)) = (errand.closes, &errand.tenant) else { return Ok(()) };
    let body = row(order, errand);
    let keep_ms = Retention::ms(app.config.file.retention.orders_days);
    let stream = Stream::Orders(tenant.clone());
    journal::append(app, &stream, NewRow { id: order.to_string(), body }, keep_ms).await.map(drop)
}

/// No number, no code, no words of the message.
fn row(order: &OrderId, errand: &Errand) -> Value {
    let timeline = &errand.timeline;
    let job = timeline.job.as_ref();
    let attempts = timeline.attempts.iter().map(|tried| {
        let attempt = &tried.attempt;
        json!({
            "n": attempt.n, "gateway": attempt.gateway, "channel": attempt.channel, "state": attempt.state,
            "reason": attempt.reason, "called_at": tried.called_at, "at": attempt.at,
        })
    });
    let attempts = attempts.collect::<Vec<_>>();
    let ended_at = timeline.story.entries.iter().rev().find_map(|entry| match &entry.what {
        Happening::Ended { .. } => Some(entry.at),
        _ => None,
    });
    // The row is written with the last posting, not after it: whether that is confirmed, the ledger says.
    let mut bill = json!(timeline.bill);
    if let Some(fields) = bill.as_object_mut() {
        fields.remove("is_posted");
    }
    json!({
        "order": order, "client_ref": job.and_then(|job| job.client_ref.as_ref()), "request": job.and_then(|job| job.request.as_ref()), "service": job.map(|job| &job.service), "country": job.and_then(|job| job.country),
        "channel": job.map(|job| job.channel), "state": timeline.state, "reason": timeline.reason,
        "verified": timeline.state == OrderState::Verified,
        "created_at": job.map(|job| job.created_at), "expires_at": job.map(|job| job.expires_at),
        "charged_micros": timeline.bill.as_ref().map(|bill| bill.sums.captured_micros - bill.sums.refunded_micros.min(bill.sums.captured_micros)),
        "currency": timeline.bill.as_ref().map(|bill| bill.currency), "bill": bill, "ended_at": ended_at, "erased_at": timeline.erased_at, "closed_at": host::now(), "resends": timeline.resends, "attempts": attempts,
    })
}

/// Rows of a log between two times, a page at a time: however long it is, a page is in memory.
pub struct Reader {
    app: Arc<App>,
    stream: Stream,
    next: u64,
    since: UnixMs,
    until: UnixMs,
}

impl Reader {
    /// Rows that were appended from `since` on and before `until`.
    pub async fn start(
        app: &Arc<App>,
        stream: Stream,
        since: UnixMs,
        until: UnixMs,
    ) -> Result<Self, store::Error> {
        let next = journal::seek(app, &stream, since).await?;
        Ok(Self { app: app.clone(), stream, next, since, until })
    }

    /// Some more of them, perhaps none of a page; `None` at the end.
    pub async fn page(&mut self) -> Result<Option<Vec<Row>>, store::Error> {
        let rows = journal::read(&self.app, &self.stream, self.next).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.next = last.n.saturating_add(1);
        if rows.first().is_some_and(|first| self.until <= first.at) {
            return Ok(None);
        }
        let (since, until) = (self.since, self.until);
        Ok(Some(rows.into_iter().filter(|row| since <= row.at && row.at < until).collect()))
    }
}
