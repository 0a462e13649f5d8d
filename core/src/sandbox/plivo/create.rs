//! The creation of a message, which is what faults strike.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
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
use super::request::Create;
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
    Path(auth_id): Path<String>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &auth_id, &headers) else { return stranger() };
    let create = serde_json::from_slice::<Create>(&body).map_err(|error| error.to_string());
    let taking = Taking::begin(&sandbox, account, create.as_ref().ok().map(Create::pair)).await;
    let taken = taking.end(|| {
        let create = create?;
        let message = create.message(account, clock::now_ms())?;
        Ok::<_, String>((message, receipt::teller(account, create.url)))
    });
    match taken.await {
        Taken::Yes(message) => {
            let accepted = json!({
                "api_id": ids::uuid(),
                "message": "message(s) queued",
                "message_uuid": [message.entry.id],
            });
            (StatusCode::ACCEPTED, Json(accepted)).into_response()
        }
        Taken::No(Refusal::Code(status)) => {
            let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
            refuse(status.unwrap_or(StatusCode::BAD_REQUEST), "The message was refused")
        }
        Taken::No(Refusal::Internal) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
        Taken::No(Refusal::Invalid(error)) => refuse(StatusCode::BAD_REQUEST, &error),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let headers = [(header::RETRY_AFTER, retry_after_s.to_string())];
            (headers, refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests")).into_response()
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}
