//! What is answered to anyone, without a key.

use super::Request;
use super::Response;
use super::Turn;
use super::problems;

/// Seconds a browser may remember that a page may call.
const PREFLIGHT_CACHE_S: &str = "600";

pub(super) fn find(request: &Request, request_id: &str) -> Option<Turn> {
    if request.method == "OPTIONS" && request.path.starts_with("/v1/") {
        return Some(Turn::Reply(preflight(request_id)));
    }
    if !request.is_read() {
        return None;
    }
    if request.path == "/healthz" {
        return Some(Turn::Reply(Response::json(200, r#"{"status":"ok"}"#.to_owned(), request_id)));
    }
    if request.path == "/openapi.json" {
        // Pages that show it may come from anywhere.
        return Some(Turn::Document(Response::json(200, String::new(), request_id).readable(None)));
    }
    let code = request.path.strip_prefix("/problems/")?;
    Some(Turn::Reply(problems::page(code, request_id)))
}

/// A browser asks whether a page may call (Fetch standard, CORS preflight). It may try: the key decides.
fn preflight(request_id: &str) -> Response {
    let mut response = Response::new(204, "text/plain", String::new(), request_id);
    response.headers.extend([
        ("access-control-allow-origin", "*".to_owned()),
        ("access-control-allow-methods", "GET, POST".to_owned()),
        (
            "access-control-allow-headers",
            "authorization, content-type, idempotency-key, if-none-match, last-event-id".to_owned(),
        ),
        ("access-control-max-age", PREFLIGHT_CACHE_S.to_owned()),
    ]);
    response
}
