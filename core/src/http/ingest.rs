//! `POST /internal/v1/jobs`: takes a job from the edge. 202 means that the queue has confirmed it.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use tiffin_shared::envelope;
use tiffin_shared::envelope::ENVELOPE_BYTES_MAX;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::http;
use tiffin_shared::http::internal;
use tiffin_shared::id::OrderId;
use tiffin_shared::nonce;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Cause;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::NONCE_MEMORY_MS;
use tiffin_shared::wire::notice::NOTICE_BYTES_MAX;

use super::health;
use super::read;
use super::respond;
use crate::app::App;
use crate::bus;
use crate::bus::Target;
use crate::errands;
use crate::host;
use crate::orders;
use crate::store;
use crate::store::Key;
use crate::tallies;

/// A job was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue has not confirmed it.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// It does not encode.
    #[error("the envelope does not encode: {0}")]
    Encode(#[from] serde_json::Error),
    /// It is not an edge's.
    #[error(transparent)]
    Envelope(#[from] envelope::Error),
    /// The orders whose place it takes could not be ended.
    #[error(transparent)]
    Order(#[from] orders::Error),
    /// It could not be known whether it was counted.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The edge hands over a job.
pub async fn job(State(app): State<Arc<App>>, request: Request) -> Response {
    let taken = match read(request, ENVELOPE_BYTES_MAX).await {
        Ok(request) => take(&app, &request).await,
        Err(problem) => Err(problem),
    };
    app.metrics.ingested("job", &taken);
    match (taken, host::entropy()) {
        (Ok(()), Ok(entropy)) => {
            let taken = http::Response::ready(r#"{"status":"queued"}"#, &entropy);
            respond(http::Response { status: 202, ..taken })
        }
        (Err(problem), _) => health::refuse(&problem),
        (Ok(()), Err(_)) => health::no_randomness(),
    }
}

async fn take(app: &Arc<App>, request: &http::Request) -> Result<(), Problem> {
    if request.body.len() > ENVELOPE_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "An envelope holds at most 16 KiB."));
    }
    let now = host::now();
    let nonce = internal::authenticate(request, Direction::EdgeToCore, &app.edges, now)?;
    let once = nonce::Command { keep_ms: NONCE_MEMORY_MS };
    // Fail closed: what cannot be known as new is not taken, and the edge's outbox keeps it.
    match app.store.apply::<Nonce>(&Key::nonce(nonce), &once, now).await {
        Ok(nonce::Reply::Fresh) => {}
        Ok(nonce::Reply::Replayed) => {
            return Err(Problem::new(
                Code::Unauthenticated,
                "This request was taken before: its nonce is spent.",
            ));
        }
        Err(error) => {
            tracing::warn!(%error, "ingest cannot reach the store");
            return Err(Problem::unavailable("The store does not answer."));
        }
    }
    let envelope = Envelope::parse(&request.body)
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("{error}.")))?;
    match accept(app, &envelope).await {
        Ok(_) => Ok(()),
        // The edge keeps it, and comes again: by then this process may be of its version.
        Err(Error::Envelope(error @ envelope::Error::Newer { .. })) => {
            tracing::warn!(%error, "a job is not taken");
            Err(Problem::unavailable("The job is of a newer version than this process."))
        }
        Err(Error::Envelope(error)) => Err(Problem::new(Code::Unauthenticated, format!("{error}."))),
        Err(error @ (Error::Bus(_) | Error::Encode(_) | Error::Order(_) | Error::Store(_))) => {
            tracing::warn!(%error, "ingest cannot queue a job");
            Err(Problem::unavailable("The queue did not confirm the job."))
        }
    }
}

/// `POST /internal/v1/notices`: the edge tells what happened to an order. Noted as often as it comes.
pub async fn notice(State(app): State<Arc<App>>, request: Request) -> Response {
    let noted = match read(request, NOTICE_BYTES_MAX).await {
        Ok(request) => match internal::read_notice(&request, &app.edges, host::now()) {
            Ok(notice) => orders::note(&app, &notice).await.map_err(|error| {
                tracing::warn!(%error, order = %notice.order, "a notice was not taken");
                Problem::unavailable("The store does not answer.")
            }),
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    };
    app.metrics.ingested("notice", &noted);
    match (noted, host::entropy()) {
        (Ok(()), Ok(entropy)) => {
            let noted = http::Response::ready(r#"{"status":"noted"}"#, &entropy);
            respond(http::Response { status: 202, ..noted })
        }
        (Err(problem), _) => health::refuse(&problem),
        (Ok(()), Err(_)) => health::no_randomness(),
    }
}

/// Checks whose it is, ends the orders whose place it takes, and returns when the queue has it.
pub async fn accept(app: &Arc<App>, envelope: &Envelope) -> Result<OrderId, Error> {
    let header = envelope.verify(&app.edges)?;
    for older in &header.supersedes {
        let (tenant, terms) = (header.tenant.clone(), errands::terms(app, &header.tenant));
        orders::apply(app, older, Ask::Stop { cause: Cause::Superseded, tenant, terms }).await?;
    }
    tallies::note(app, &header).await?;
    app.routes.heard_of(header.country);
    let order = header.order;
    let partition = order.ledger().partition(app.config.file.bus.partitions);
    // A worker of an older version would not read it: nothing is noted until the operator has all of them export.
    let taken_at = app.telemetry.is_on().then(host::now);
    let body = serde_json::to_vec(&Envelope { taken_at, ..envelope.clone() })?;
    app.bus.publish(Target::Jobs { partition }, &order.to_string(), &body).await?;
    if envelope.dispatch.is_none() {
        app.metrics.accepted(&app.directory.current(), &header.tenant, header.channel);
    }
    Ok(order)
}
