//! Plivo Messaging, as its adapter sees it: a message and its record, the account, and signed status callbacks.
//!
//! Left out: media, several destinations, and the list of messages.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use super::Account;
use super::basic;
use super::clock;
use super::faults::Usual;
use super::ids;
use super::journey::POOL_NUMBER;
use super::state::Sandbox;

mod create;
mod receipt;
mod request;

/// A bad request, by its HTTP status: Plivo's refusals have no codes. Handset off or out of reach.
pub(super) const USUAL: Usual = Usual { reject: "400", failed_receipt: "80" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/v1/Account/{auth_id}/", get(fetch))
        .route("/v1/Account/{auth_id}/Message/", post(create::create))
        .route("/v1/Account/{auth_id}/Message/{message_uuid}/", get(record))
}

async fn fetch(
    State(sandbox): State<Arc<Sandbox>>,
    Path(auth_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match account(&sandbox.accounts, &auth_id, &headers) {
        None => stranger(),
        Some(account) => {
            let resource = json!({
                "api_id": ids::uuid(),
                "auth_id": account.key("auth_id"),
                "cash_credits": "20.00000",
                "resource_uri": format!("/v1/Account/{auth_id}/"),
            });
            Json(resource).into_response()
        }
    }
}

/// The record of a message, as far as the sandbox knows it.
async fn record(
    State(sandbox): State<Arc<Sandbox>>,
    Path((auth_id, uuid)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &auth_id, &headers) else { return stranger() };
    let message = sandbox.inbox.find(&uuid).filter(|message| message.entry.gateway == account.gateway());
    let Some(message) = message else { return refuse(StatusCode::NOT_FOUND, "not found") };
    let record = json!({
        "api_id": ids::uuid(),
        "error_code": message.error_code.as_deref().unwrap_or("000"),
        "from_number": message.from.as_deref().unwrap_or(POOL_NUMBER),
        "message_direction": "outbound",
        "message_state": message.status.name(),
        "message_time": clock::rfc3339(message.created_at_ms),
        "message_type": "sms",
        "message_uuid": message.entry.id,
        "resource_uri": format!("/v1/Account/{auth_id}/Message/{uuid}/"),
        "to_number": message.entry.to.trim_start_matches('+'),
        "total_amount": "0.00350",
        "total_rate": "0.00350",
        "units": 1,
    });
    Json(record).into_response()
}

/// The account of the path, when the caller has its token.
fn account<'a>(accounts: &'a [Account], auth_id: &str, headers: &HeaderMap) -> Option<&'a Account> {
    let (name, password) = basic::credentials(headers)?;
    accounts.iter().filter(|_account| name == auth_id).find(|account| {
        account.kind() == "plivo"
            && account.key("auth_id") == auth_id
            && account.secret("auth_token") == password
    })
}

fn stranger() -> Response {
    let text = "Could not verify your access level for that URL.\nYou have to login with proper credentials";
    (StatusCode::UNAUTHORIZED, text).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "api_id": ids::uuid(), "error": error }))).into_response()
}
