//! Requests by where they came in: the path's first word, never the path.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::family::Buckets;
use super::family::Durations;
use crate::app::App;
use crate::http::callbacks;

/// Up to the longest poll.
const REQUESTS: Buckets =
    Buckets(&[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);

/// Of what is served.
pub struct Requests(Durations<2>);

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let help = "Requests, until the head of the answer; long polls with their wait";
        let it = Durations::new(registry, "tiffin_http_request_seconds", help, ["door", "status"], REQUESTS);
        for door in ["callbacks", "health", "internal", "ops", "other", "public"] {
            it.begin([door, "2xx"]);
        }
        Self(it)
    }
}

#[derive(Clone)]
struct Measured {
    app: Arc<App>,
    is_public: bool,
}

/// Measures every request of a listener, those that are turned away too.
pub fn measured(router: Router, app: Arc<App>, is_public: bool) -> Router {
    router.layer(middleware::from_fn_with_state(Measured { app, is_public }, measure))
}

async fn measure(State(of): State<Measured>, request: Request, next: Next) -> Response {
    let began_at = Instant::now();
    let door = door(request.uri().path(), of.is_public);
    let response = next.run(request).await;
    let status = match response.status().as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    };
    of.app.metrics.requests.0.observe([door, status], began_at.elapsed().as_secs_f64());
    response
}

fn door(path: &str, is_public: bool) -> &'static str {
    match path {
        "/healthz" | "/metrics" | "/readyz" => "health",
        _ if path.starts_with("/internal/") => "internal",
        _ if is_public => "public",
        _ if path.starts_with(callbacks::PATH) => "callbacks",
        _ if path.starts_with("/ops/") => "ops",
        _ => "other",
    }
}
