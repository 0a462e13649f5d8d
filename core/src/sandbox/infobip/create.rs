//! The creation of a message, which is what faults strike.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::json;

use super::account;
use super::receipt;
use super::refuse;
use super::request::Envelope;
use super::request::Refused;
use super::status::Name;
use super::stranger;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::line::Connection;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

pub(super) async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &headers) else { return stranger() };
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "E400", "Request cannot be processed.");
    };
    let create = envelope.message();
    let taking = Taking::begin(&sandbox, account, Some(create.pair())).await;
    let taken = taking.end(|| {
        let is_known = |id: &str| sandbox.inbox.find(id).is_some();
        let message = create.message(account, is_known, clock::now_ms())?;
        Ok((message, receipt::teller(account, create.webhooks.clone())))
    });
    match taken.await {
        Taken::Yes(message) => answer(&message.entry.id, "PENDING_ACCEPTED"),
        Taken::No(Refusal::Code(name)) => answer(&ids::uuid().unwrap_or_default(), &name),
        Taken::No(Refusal::Internal) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "E500", "Something went wrong.")
        }
        Taken::No(Refusal::Invalid(Refused(name))) => answer(&ids::uuid().unwrap_or_default(), name),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let headers = [(header::RETRY_AFTER, retry_after_s.to_string())];
            (headers, refuse(StatusCode::TOO_MANY_REQUESTS, "E429", "Too many requests.")).into_response()
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

/// Infobip takes every request that it can read, and tells the fate of the message within.
fn answer(id: &str, name: &str) -> Response {
    let message = json!({ "messageId": id, "status": Name(name).resource() });
    Json(json!({ "messages": [message] })).into_response()
}
