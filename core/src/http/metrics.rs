//! `GET /metrics` on core's own address, whatever the roles: opened by a token of its own, which opens nothing else. The
//! public address of standalone has no such path.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::health;
use crate::app::App;
use crate::config::TOKEN_CHARS_MIN;
use crate::config::names::METRICS_TOKEN;

/// As the OpenMetrics standard names it, 1.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What this process counts.
pub async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if app.metrics_token != Some(TokenDigest::of(token)) {
        let detail = match &app.metrics_token {
            Some(_) => format!("Send the scrapers' token: `Authorization: Bearer <{METRICS_TOKEN}>`."),
            None => format!(
                "Metrics are closed: this process has no {METRICS_TOKEN}. Set one of at least {TOKEN_CHARS_MIN} \
                 characters (`tiffin keys make --missing` makes it) and start again."
            ),
        };
        return health::refuse(&Problem::new(Code::Unauthenticated, detail));
    }
    match app.metrics.text(&app) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => health::refuse(&Problem::unavailable("The metrics do not encode.")),
    }
}
