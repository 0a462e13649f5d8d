//! The account itself.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::Error;
use super::auth;
use crate::sandbox::state::Sandbox;

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/2010-04-01/Accounts/{file}", get(fetch))
}

async fn fetch(
    State(sandbox): State<Arc<Sandbox>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let account_sid = file.strip_suffix(".json").ok_or(Error::NotFound)?;
    auth::gateways(&sandbox.accounts, account_sid, &headers)?;
    let account =
        json!({ "sid": account_sid, "friendly_name": "Tiffin sandbox", "status": "active", "type": "Full" });
    Ok(Json(account).into_response())
}
