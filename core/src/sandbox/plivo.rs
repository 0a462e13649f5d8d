//! Plivo Messaging, as its adapter sees it: a message, the account, and signed status callbacks.
//!
//! Left out: media, several destinations, and the records of messages.

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
use super::faults::Usual;
use super::ids;
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
