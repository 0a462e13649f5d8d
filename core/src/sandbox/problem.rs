//! Refusals of the sandbox's own interface, as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::json;

/// A problem with a `code` of the public API's list; `detail` says what would have been right.
pub(super) fn response(status: StatusCode, code: &'static str, detail: &str) -> Response {
    let body = json!({
        "type": format!("/problems/{code}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}
