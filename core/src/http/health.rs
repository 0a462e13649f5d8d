//! Alive, ready, and what nothing else answers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use tiffin_shared::http;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::respond;
use crate::app::App;
use crate::host;

/// The process runs.
pub async fn healthz() -> Response {
    match host::entropy() {
        Ok(entropy) => respond(http::Response::ready(r#"{"status":"ok"}"#, &entropy)),
        Err(_) => no_randomness(),
    }
}

/// Store and bus answer.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    let Ok(entropy) = host::entropy() else { return no_randomness() };
    if let Err(error) = app.store.ping().await {
        tracing::warn!(%error, "not ready: the store does not answer");
        return respond(http::Response::unavailable("The store does not answer.", &entropy));
    }
    if !app.bus.is_ready() {
        return respond(http::Response::unavailable("The bus is not connected.", &entropy));
    }
    let body = serde_json::json!({"status": "ready", "store": app.store.kind(), "bus": app.bus.kind()});
    respond(http::Response::ready(&body.to_string(), &entropy))
}

/// Every other path.
pub async fn not_found() -> Response {
    not_found_here()
}

/// The same from inside a handler.
pub fn not_found_here() -> Response {
    refuse(&Problem::new(Code::NotFound, "Core has no such path."))
}

/// A problem of its own, outside the public API.
pub fn refuse(problem: &Problem) -> Response {
    match host::entropy() {
        Ok(entropy) => respond(http::Response::refused(problem, &entropy)),
        Err(_) => no_randomness(),
    }
}

/// Nothing can be decided without randomness.
pub fn no_randomness() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
