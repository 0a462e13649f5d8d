//! Support's wishes about an order: asked of its ledger, which decides by the same rules as for the tenant itself, and written
//! into the order's story, before and after.

use std::sync::Arc;

use axum::response::Response;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::http;
use tiffin_shared::http::desk;
use tiffin_shared::http::desk::Answered;
use tiffin_shared::http::desk::Errand;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::order::Ask;
use tiffin_shared::order::DESK_ENTRIES_MAX;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Desk;
use tiffin_shared::order::Read;
use tiffin_shared::order::Timeline;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::visitor::Visitor;
use tiffin_shared::wire::api;
use tiffin_shared::wire::api::ChannelChoice;

use crate::app::App;
use crate::edge;
use crate::host;
use crate::http::respond;
use crate::ledgers;
use crate::metrics::Push;
use crate::orders;
use crate::store::Key;

/// The ledger was not asked, or its answer did not come. Asking again is safe.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Edge(#[from] edge::Error),
    #[error("an errand, or its answer, is no JSON of ours: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Ledger(#[from] ledgers::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
}

/// A wish to have an order's code sent once more.
pub struct Retry<'a> {
    /// Which.
    pub order: &'a OrderId,
    /// Who.
    pub by: &'a str,
    /// Why, in their words.
    pub reason: String,
    /// How.
    pub channel: ChannelChoice,
    /// The same again is answered as before.
    pub request: Bytes<16>,
}

/// Asks whoever hosts the ledgers: this process, or the edge.
pub async fn ask(app: &Arc<App>, errand: Errand) -> Result<Answered, Error> {
    let (entropy, now) = (host::entropy()?, host::now());
    if app.ledgers.is_some() {
        return Ok(here(app, errand, entropy, now).await?);
    }
    let outgoing = desk::request(&errand, app.signing.current(), &entropy, now)?;
    Ok(serde_json::from_slice(&edge::post(app, Push::Desk, outgoing).await?)?)
}

async fn here(
    app: &Arc<App>,
    errand: Errand,
    entropy: Entropy,
    now: UnixMs,
) -> Result<Answered, ledgers::Error> {
    let front = &app.ledgers.as_ref().ok_or(ledgers::Error::NoLedgers)?.edge.front;
    match desk::question(front, &app.directory.current(), errand) {
        Ok(desk::Question::Ask(ledger, asked)) => {
            Ok(Answered::Outcome(Box::new(ledgers::ask(app, ledger, *asked, entropy, now).await?)))
        }
        Ok(desk::Question::Answered(answered)) => Ok(answered),
        Ok(desk::Question::Networks(asks)) => {
            let mut replies = Vec::new();
            for (visitor, command) in asks {
                replies.push(app.store.apply::<Visitor>(&Key::visitor(visitor), &command, now).await?);
            }
            desk::networks(&replies).ok_or(ledgers::Error::NoLedgers)
        }
        Err(problem) => Ok(problem.into()),
    }
}

/// Takes the errand of another process of this core.
pub async fn take(app: &Arc<App>, request: &http::Request, entropy: &Entropy, now: UnixMs) -> Response {
    let Some(cores) = app.ledgers.as_ref().map(|ledgers| &ledgers.cores) else {
        return respond(http::Response::unavailable("This process hosts no ledgers.", entropy));
    };
    let errand = match desk::read(request, cores, now) {
        Ok(errand) => errand,
        Err(problem) => return respond(http::Response::refused(&problem, entropy)),
    };
    let answered = here(app, errand, entropy.clone(), now).await;
    let answered = answered.inspect_err(|error| tracing::error!(%error, "ledger did not answer")).ok();
    respond(desk::reply(answered, entropy))
}

/// The order's record.
pub async fn find(app: &App, order: &OrderId) -> Result<Box<Timeline>, Problem> {
    let read = app.store.apply::<Read>(&Key::order(order), &(), host::now()).await;
    let read = read.map_err(|error| {
        tracing::warn!(%error, %order, "a record cannot be read");
        Problem::unavailable("The store does not answer, or the record cannot be read.")
    })?;
    read.ok_or_else(no_record)
}

/// What core says of an order that it does not know.
pub fn no_record() -> Problem {
    let detail = "Core has no record of this order: its job has not come, or it is over a day old.";
    Problem::new(Code::NotFound, detail)
}

/// Has the code sent once more, if the ledger allows it.
pub async fn retry(app: &Arc<App>, retry: Retry<'_>) -> Result<Box<api::Order>, Problem> {
    let Retry { order, by, reason, channel, request } = retry;
    let tenant = tenant_of(app, order).await?;
    let by = || by.to_owned();
    let is_named = channel != ChannelChoice::Auto;
    // Before: what is wished for is on record whatever happens to this process.
    log(app, order, Desk::RetryAsked { by: by(), reason, channel }).await?;
    let errand = Errand::Retry { tenant, order: order.clone(), channel, request };
    let (entry, result) = match outcome(app, errand).await {
        Ok(Outcome::Resent { order, channel, may_change, replayed }) => {
            (Desk::Retried { by: by(), channel, may_change, is_named, replayed }, Ok(Box::new(order)))
        }
        Ok(_) => return Err(Problem::unavailable("The ledger answered something else.")),
        Err(problem) => {
            let (code, why) = (problem.code.as_str().to_owned(), problem.detail.clone());
            let may_change = problem.may_change.clone();
            (Desk::RetryRefused { by: by(), code, why, may_change }, Err(problem))
        }
    };
    // The ledger has decided: a failure here is told, and asking again is answered as before.
    log(app, order, entry).await?;
    result
}

/// Calls an order off, inside its window.
pub async fn cancel(app: &Arc<App>, order: &OrderId, by: &str) -> Result<Box<api::Order>, Problem> {
    let tenant = tenant_of(app, order).await?;
    let result = match outcome(app, Errand::Cancel { tenant, order: order.clone() }).await {
        Ok(Outcome::Cancelled(order)) => Ok(Box::new(order)),
        Ok(_) => Err(Problem::unavailable("The ledger answered something else.")),
        Err(problem) => Err(problem),
    };
    let came_to = result.as_ref().map_or_else(|problem| problem.code.as_str(), |_| "cancelled");
    log(app, order, Desk::CalledOff { by: by.to_owned(), came_to: came_to.to_owned() }).await?;
    result
}

/// What core says where something is to be done about an order that was erased.
pub fn erased(at: UnixMs) -> Problem {
    let detail =
        format!("This order was erased on request at {}: nothing more is done or kept.", at.rfc3339());
    Problem::new(Code::NotFound, detail)
}

async fn tenant_of(app: &App, order: &OrderId) -> Result<TenantId, Problem> {
    let record = find(app, order).await?;
    if let Some(at) = record.erased_at {
        return Err(erased(at));
    }
    record.job.map(|job| job.tenant).ok_or_else(no_record)
}

/// The ledger's answer, where it is no refusal.
pub async fn outcome(app: &Arc<App>, errand: Errand) -> Result<Outcome, Problem> {
    // Of the others the same again changes nothing more.
    let has_key = matches!(errand, Errand::Retry { .. });
    let answered = ask(app, errand).await.map_err(|error| {
        tracing::warn!(%error, "a ledger was not asked for support");
        let again = if has_key { "Ask again with the same Idempotency-Key." } else { "Ask again." };
        Problem::unavailable(format!("The ledger does not answer: whether it was done is not known. {again}"))
    })?;
    match answered {
        Answered::Outcome(outcome) => match outcome.problem() {
            Some(problem) => Err(problem),
            None => Ok(*outcome),
        },
        Answered::Refused { code, detail } => Err(Problem::new(code, detail)),
        Answered::Named(_) | Answered::Network(_) => {
            Err(Problem::unavailable("The ledger answered something else."))
        }
    }
}

async fn log(app: &Arc<App>, order: &OrderId, entry: Desk) -> Result<(), Problem> {
    match orders::apply(app, order, Ask::Desk(entry)).await {
        Ok(Decision::Noted) => Ok(()),
        Ok(_) => {
            let detail =
                format!("The order's story holds {DESK_ENTRIES_MAX} wishes of support, and takes no more.");
            Err(Problem::rate_limited(detail, HOUR_MS))
        }
        Err(error) => {
            tracing::warn!(%error, %order, "support's wish was not logged");
            Err(Problem::unavailable("The order's record was not written."))
        }
    }
}
