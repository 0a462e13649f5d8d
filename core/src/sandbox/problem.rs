//! Refusals of the sandbox's own interface, as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

/// A problem with a `code` of the public API's list; `detail` says what would have been right.
pub(super) fn response(status: StatusCode, code: &'static str, detail: &str) -> Response {
    with(status, code, detail, None)
}

/// A body that cannot be used, with the `field` that is to be mended where there is one.
pub(super) fn of_field(field: Option<&str>, detail: &str) -> Response {
    with(StatusCode::BAD_REQUEST, "invalid_request", detail, field)
}

fn with(status: StatusCode, code: &'static str, detail: &str, field: Option<&str>) -> Response {
    let mut body = json!({
        "type": format!("/problems/{code}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    if let (Some(field), Value::Object(body)) = (field, &mut body) {
        body.insert("field".to_owned(), field.into());
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}
