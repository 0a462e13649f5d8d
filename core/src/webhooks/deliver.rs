//! One try: signs, sends, and writes down what came of it.

use std::sync::Arc;

use serde_json::json;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::Row;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::webhook;
use tiffin_shared::webhook::Event;
use tiffin_shared::webhook::outbox::Begin;
use tiffin_shared::webhook::outbox::Done;
use tiffin_shared::webhook::outbox::Outcome;

use super::send::Sent;
use super::target;
use crate::app::App;
use crate::host;
use crate::journal;
use crate::journal::Stream;

/// How long it is known what came of deliveries.
const DELIVERIES_KEEP_MS: u64 = 7 * DAY_MS;

/// Tries once, at the endpoint of this id as it is when the try begins.
pub async fn deliver(app: Arc<App>, id: String, begin: Begin, row: Row) -> Done {
    let done = |outcome| Done { n: begin.n, attempt: begin.attempt, outcome };
    let Some(endpoint) = app.hooks.find(&id) else { return done(Outcome::Missing) };
    let Ok(event) = serde_json::from_value::<Event>(row.body) else {
        tracing::error!(row = row.n, tenant = %endpoint.tenant, "an event in the log cannot be read; it is left out");
        return done(Outcome::Missing);
    };
    let now = host::now();
    let sent = match target::check(&endpoint.url, app.hooks.to_loopback) {
        Err(_) => Sent::not_sent("its address is not one that may be called"),
        Ok(_) if endpoint.keys(now).next().is_none() => Sent::not_sent("there is no key to sign with"),
        Ok(url) => {
            let mut headers = webhook::headers(endpoint.keys(now), &event.id, &event.payload, now).to_vec();
            headers.extend(event.traceparent.clone().map(|it| ("traceparent", it)));
            app.hooks.sender.send(url, headers, event.payload.clone()).await
        }
    };
    app.metrics.hooked(sent.outcome);
    if sent.outcome != Outcome::Delivered {
        tracing::info!(
            tenant = %endpoint.tenant, endpoint = %endpoint.name, event = event.id, attempt = begin.attempt,
            status = sent.status, error = sent.error, "a webhook was not delivered"
        );
    }
    let body = json!({
        "event": event.id,
        "type": event.kind,
        "subject": event.subject,
        "row": begin.n,
        "attempt": begin.attempt,
        "sent_at": now,
        "duration_ms": sent.duration_ms,
        "delivered": sent.outcome == Outcome::Delivered,
        "status": sent.status,
        "error": sent.error,
        "response": sent.snippet,
    });
    let stream = Stream::Deliveries(endpoint.tenant.clone(), endpoint.name.clone());
    let row = NewRow { id: format!("{}/{}", event.id, now.0), body };
    if let Err(error) = journal::append(&app, &stream, row, DELIVERIES_KEEP_MS).await {
        tracing::warn!(%error, "a delivery is missing in its log");
    }
    done(sent.outcome)
}
