//! Infobip's SMS API, as its adapter sees it: a message, the log, the balance, and delivery reports.
//!
//! Left out: several messages in one request, binary ones, schedules, and reports by request.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::Query;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use self::status::Name;
use super::Account;
use super::clock;
use super::faults::Usual;
use super::state::Sandbox;

mod create;
mod receipt;
mod request;
mod status;

/// On a block list; handset off or out of reach.
pub(super) const USUAL: Usual =
    Usual { reject: "REJECTED_DESTINATION_BLOCKLISTED", failed_receipt: "EC_ABSENT_SUBSCRIBER" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/account/1/balance", get(balance))
        .route("/sms/3/logs", get(logs))
        .route("/sms/3/messages", post(create::create))
}

async fn balance(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Response {
    match account(&sandbox.accounts, &headers) {
        None => stranger(),
        Some(_account) => Json(json!({ "balance": 47.79, "currency": "EUR" })).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    message_id: Option<String>,
}

async fn logs(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &headers) else { return stranger() };
    let messages = sandbox.inbox.newest(|message| {
        message.entry.gateway == account.gateway()
            && wanted.message_id.as_ref().is_none_or(|id| *id == message.entry.id)
    });
    let logged = messages.iter().take(LOGGED_MAX).map(|message| {
        json!({
            "destination": message.entry.to.trim_start_matches('+'),
            "messageId": message.entry.id,
            "sentAt": clock::rfc3339(message.created_at_ms),
            "doneAt": clock::rfc3339(message.updated_at_ms),
            "messageCount": 1,
            "status": Name::of(message.status).resource(),
            "error": status::error(message.error_code.as_deref()),
            "content": { "text": message.entry.text },
        })
    });
    Json(json!({ "results": logged.collect::<Vec<_>>() })).into_response()
}

/// Whose key it is.
fn account<'a>(accounts: &'a [Account], headers: &HeaderMap) -> Option<&'a Account> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_it = |account: &&Account| account.kind() == "infobip" && account.secret("api_key") == key;
    accounts.iter().filter(|_account| scheme.eq_ignore_ascii_case("app")).find(is_it)
}

fn stranger() -> Response {
    refuse(StatusCode::UNAUTHORIZED, "E401", "The request lacks valid authentication credentials.")
}

fn refuse(status: StatusCode, code: &str, description: &str) -> Response {
    let error = json!({ "errorCode": code, "description": description, "violations": [], "resources": [] });
    (status, Json(error)).into_response()
}

/// Infobip's own default.
const LOGGED_MAX: usize = 50;
