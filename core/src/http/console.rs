//! `/console/`: the operators' page. Plain files inside the binary; the page asks `/ops/v1` for all it shows.

pub mod session;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use axum::routing::get;
use tiffin_shared::bytes;

use crate::app::App;
use crate::http::health;
use crate::http::params::Path;

/// Loads what is ours, and nothing else; nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! files {
    ($($name:literal $kind:ident),* $(,)?) => {
        /// By the path below `/console/`.
        const FILES: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("../../console/", $name)))),*];
    };
}

files! {
    "index.html" HTML, "icon.svg" PICTURE,
    "tokens.css" STYLE, "console.css" STYLE, "charts.css" STYLE,
    "abuse.js" SCRIPT, "api.js" SCRIPT, "audit.js" SCRIPT, "charts.js" SCRIPT, "dead.js" SCRIPT, "dialog.js" SCRIPT,
    "dom.js" SCRIPT, "escalations.js" SCRIPT, "format.js" SCRIPT, "main.js" SCRIPT, "operators.js" SCRIPT, "order.js" SCRIPT,
    "orders.js" SCRIPT, "overview.js" SCRIPT, "route.js" SCRIPT, "routes.js" SCRIPT, "signin.js" SCRIPT,
    "tenants.js" SCRIPT, "timeline.js" SCRIPT, "webhooks.js" SCRIPT,
}

/// Every path under `/console`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/console", get(async || Redirect::permanent("/console/")))
        .route("/console/", get(async |headers: HeaderMap| file("index.html", &headers)))
        .route("/console/session", get(session::show).post(session::begin).delete(session::end))
        .route(
            "/console/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| file(&path, &headers)),
        )
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(name, _, _)| *name == path) else {
        return health::not_found_here();
    };
    let tag = format!("\"{}\"", bytes::encode(&bytes::truncate::<12>(bytes::sha256(text.as_bytes()))));
    let is_known = headers.get("if-none-match").is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(*text)) };
    let fixed = [
        ("content-type", *kind),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        // Asked for again each time, and answered by the tag: a new version is in use at once.
        ("cache-control", "no-cache"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert("etag", tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else they are asked for one after the other, as each names the next.
    #[test]
    fn the_page_asks_for_every_module_at_once() {
        let (_, _, page) = FILES.iter().find(|(name, _, _)| *name == "index.html").unwrap();
        for (name, _, _) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            assert!(page.contains(&format!("<link rel=\"modulepreload\" href=\"{name}\">")), "{name}");
        }
    }
}
