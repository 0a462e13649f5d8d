//! Vonage's SMS API, as its adapter sees it: a message, the balance, and delivery receipts as forms.
//!
//! Left out: binary messages, conversions, and the limit of a demo account.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use super::basic;
use super::faults::Usual;
use super::state::Sandbox;

mod create;
mod receipt;
mod request;

/// The number is barred; handset out of reach.
pub(super) const USUAL: Usual = Usual { reject: "7", failed_receipt: "2" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/sms/json", post(create::create)).route("/account/get-balance", get(balance))
}

/// Of any of Vonage's APIs.
async fn balance(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Response {
    let is_known = basic::credentials(&headers).is_some_and(|(key, secret)| {
        sandbox.accounts.iter().any(|account| {
            account.kind().starts_with("vonage")
                && account.key("api_key") == key
                && account.secret("api_secret") == secret
        })
    });
    if is_known {
        Json(json!({ "value": 10.28, "autoReload": false })).into_response()
    } else {
        let refusal = json!({ "error-code": "401", "error-code-label": "authentication failed" });
        (StatusCode::UNAUTHORIZED, Json(refusal)).into_response()
    }
}
