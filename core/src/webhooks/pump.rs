//! Delivers to one endpoint until nothing is due: one task per endpoint and process, whose tries run side by side.

use std::sync::Arc;
use std::sync::PoisonError;

use futures::FutureExt;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::json;
use tiffin_shared::log::Row;
use tiffin_shared::webhook::Event;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::outbox::AT_ONCE_MAX;
use tiffin_shared::webhook::outbox::Begin;
use tiffin_shared::webhook::outbox::Command;
use tiffin_shared::webhook::outbox::Disabled;
use tiffin_shared::webhook::outbox::Done;
use tiffin_shared::webhook::outbox::Outcome;
use tiffin_shared::webhook::outbox::Reply;
use tokio::sync::Notify;
use tokio::sync::SemaphorePermit;

use super::Error;
use super::ask;
use super::deliver::deliver;
use super::endpoint::Endpoint;
use crate::app::App;
use crate::audit;
use crate::host;
use crate::journal;
use crate::journal::Stream;
use crate::store;

/// Has what is due delivered to the endpoint of this id, without keeping the caller waiting.
pub fn kick(app: &Arc<App>, id: &str) {
    let mut running = app.hooks.running.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(more) = running.get(id) {
        return more.notify_one();
    }
    let more = Arc::new(Notify::new());
    running.insert(id.to_owned(), more.clone());
    tokio::spawn(run(app.clone(), id.to_owned(), more));
}

async fn run(app: Arc<App>, id: String, more: Arc<Notify>) {
    loop {
        let pumped = pump(&app, &id, &more).await;
        let mut running = app.hooks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = &pumped {
            tracing::warn!(%error, endpoint = id, "webhooks wait");
        } else if more.notified().now_or_never().is_some() {
            continue;
        }
        running.remove(&id);
        return;
    }
}

async fn pump(app: &Arc<App>, id: &str, more: &Notify) -> Result<(), Error> {
    let mut trying = FuturesUnordered::new();
    let mut done: Vec<Done> = Vec::new();
    loop {
        // As it is now: a backlog takes hours, and meanwhile operators rotate its key or remove it.
        let Some(endpoint) = &app.hooks.find(id) else { return Ok(()) };
        let mut permits = permits(app, trying.len()).await;
        let turn = Command::Turn { done, room: permits.len(), entropy: host::entropy()? };
        let reply = ask(app, endpoint, turn).await?;
        done = Vec::new();
        tell(app, endpoint, &reply).await?;
        let is_on = reply.view.disabled.is_none();
        let filled = is_on && reply.news.is_some() && reply.room > 0;
        if filled {
            fill(app, endpoint, &reply).await?;
        }
        for (begin, row) in rows(app, endpoint, &reply.begin).await? {
            match (row, permits.pop()) {
                (Some(row), Some(permit)) => {
                    let delivering = deliver(app.clone(), id.to_owned(), begin, row);
                    trying.push(delivering.map(move |done| {
                        drop(permit);
                        done
                    }));
                }
                _ => done.push(Done { n: begin.n, attempt: begin.attempt, outcome: Outcome::Missing }),
            }
        }
        drop(permits);
        if filled || !done.is_empty() {
            continue;
        }
        if trying.is_empty() {
            return Ok(());
        }
        tokio::select! {
            Some(first) = trying.next() => done.push(first),
            () = more.notified() => {}
        }
        while let Some(Some(next)) = trying.next().now_or_never() {
            done.push(next);
        }
    }
}

/// As many as there are, up to what an endpoint may use; one at least where it has none.
async fn permits(app: &App, used: usize) -> Vec<SemaphorePermit<'_>> {
    let mut permits = Vec::new();
    while permits.len() + used < AT_ONCE_MAX
        && let Ok(permit) = app.hooks.permits.try_acquire()
    {
        permits.push(permit);
    }
    if permits.is_empty() && used == 0 {
        permits.extend(app.hooks.permits.acquire().await.ok());
    }
    permits
}

/// From the log into the window, what this endpoint wants.
async fn fill(app: &Arc<App>, endpoint: &Endpoint, reply: &Reply) -> Result<(), store::Error> {
    let stream = Stream::Hooks(endpoint.tenant.clone());
    let from = reply.cursor;
    let read = journal::read(app, &stream, from).await?;
    let Some(last) = read.last().map(|row| row.n) else {
        // It never ends before the cursor, unless all of it was forgotten and it began anew.
        let end = journal::end(app, &stream).await?;
        let command = match end < from {
            true => Command::Restart { from },
            false => Command::Fill { from, saw: reply.news, rows: Vec::new(), to: from, is_end: end == from },
        };
        ask(app, endpoint, command).await?;
        return Ok(());
    };
    let wanted = |row: &Row| {
        let event: Event = serde_json::from_value(row.body.clone()).ok()?;
        endpoint.wants(&event).then(|| (row.n, event.group()))
    };
    let rows = read.iter().filter_map(wanted).collect();
    let fill = Command::Fill { from, saw: reply.news, rows, to: last.saturating_add(1), is_end: false };
    ask(app, endpoint, fill).await?;
    Ok(())
}

/// The events that tries begin with; none where the log has let one go.
async fn rows(
    app: &Arc<App>,
    endpoint: &Endpoint,
    begin: &[Begin],
) -> Result<Vec<(Begin, Option<Row>)>, store::Error> {
    let stream = Stream::Hooks(endpoint.tenant.clone());
    let (mut found, mut page) = (Vec::new(), Vec::<Row>::new());
    for begin in begin {
        if !page.iter().any(|row| row.n == begin.n) {
            page = journal::read(app, &stream, begin.n).await?;
        }
        found.push((*begin, page.iter().find(|row| row.n == begin.n).cloned()));
    }
    Ok(found)
}

/// What operators, and the tenant's other endpoints, are to hear.
async fn tell(app: &Arc<App>, endpoint: &Endpoint, reply: &Reply) -> Result<(), Error> {
    for row in &reply.given_up {
        tracing::error!(row, tenant = %endpoint.tenant, endpoint = %endpoint.name, "a webhook was given up after its last try");
    }
    let Some(Disabled { at, why, .. }) = reply.tell else { return Ok(()) };
    tracing::error!(
        tenant = %endpoint.tenant, endpoint = %endpoint.name, ?why,
        "an endpoint is disabled: nothing is delivered to it until an operator enables it"
    );
    let id = format!("webhook/{}/{}", endpoint.id, at.0);
    let what = format!("webhook.disable {}/{}", endpoint.tenant, endpoint.name);
    audit::by_rule(app, id.clone(), &what, json!({"why": why})).await?;
    let data = json!({"endpoint": endpoint.name, "why": why, "at": at.rfc3339()});
    // The tenant hears it where it still listens. Kept by whoever runs this, without being delivered first.
    Box::pin(super::emit(app, &endpoint.tenant, Kind::WebhookDisabled, &id, data)).await?;
    ask(app, endpoint, Command::Told).await?;
    Ok(())
}
