//! The inbox page: a few files that come with the program, without a build step.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::state::Sandbox;

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    let files = [
        ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
        // The console's: every page of ours looks alike.
        ("/tokens.css", "text/css; charset=utf-8", include_str!("../../console/tokens.css")),
        ("/inbox.css", "text/css; charset=utf-8", include_str!("page/inbox.css")),
        ("/inbox.js", "text/javascript; charset=utf-8", include_str!("page/inbox.js")),
        ("/faults.js", "text/javascript; charset=utf-8", include_str!("page/faults.js")),
        ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ];
    files.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        router.route(path, get(async move || file(content_type, content)))
    })
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content)
}

/// A message is written by whoever holds a key: nothing in it may run, load or frame anything.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
