//! Core's own HTTP: the edge's jobs, the providers' receipts, the operators' API, health.

pub mod callbacks;
pub mod console;
pub mod evidence;
pub mod health;
pub mod ingest;
pub mod metrics;
pub mod ops;
pub mod overload;
pub mod params;
pub mod server;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use futures::StreamExt;
use tiffin_shared::http;
use tiffin_shared::http::internal::EVIDENCE_PATH;
use tiffin_shared::http::internal::JOBS_PATH;
use tiffin_shared::http::internal::NOTICES_PATH;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use crate::app::App;
use crate::app::Role;

/// What the roles of this process answer.
pub fn router(app: Arc<App>, roles: &[Role]) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(metrics::show))
        .route("/readyz", get(health::readyz))
        .fallback(health::not_found);
    if roles.contains(&Role::Ingest) {
        router = router.route(JOBS_PATH, post(ingest::job)).route(NOTICES_PATH, post(ingest::notice));
        router = router.route(EVIDENCE_PATH, post(evidence::ask));
    }
    if roles.contains(&Role::Callbacks) {
        // Some providers tell by GET, and WhatsApp asks by GET whether the address is ours.
        let callback = || get(callbacks::callback).post(callbacks::callback);
        router = router
            .route("/callbacks/{gateway}", callback())
            .route("/callbacks/{gateway}/{secret}", callback());
    }
    if roles.contains(&Role::Ops) {
        router = router.merge(ops::router(&app)).merge(console::router());
    }
    // Last: it is of the routes that are there by then.
    let router = router.method_not_allowed_fallback(health::not_found);
    router.route_layer(middleware::from_fn(log)).with_state(app)
}

/// One line for a request, at debug: providers' receipts alone are two for each message. The route in place of the path, in
/// which a callback's secret may stand; whose request it is, the reply's id says, by which the caller's log has it too.
async fn log(route: MatchedPath, request: Request, next: Next) -> Response {
    let (began, method) = (Instant::now(), request.method().clone());
    let response = next.run(request).await;
    let request_id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::debug!(
        %method, route = route.as_str(), status = response.status().as_u16(), request_id,
        duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX), "request"
    );
    response
}

/// The request as the shared layer wants it. Keeps at most one byte more of the body than `body_bytes_max`.
pub async fn read(request: Request, body_bytes_max: usize) -> Result<http::Request, Problem> {
    let (parts, body) = request.into_parts();
    // As the Fetch standard has it, and with it the worker: repeated headers are one, and none is dropped.
    let value = |name| {
        let values = parts.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(", ")
    };
    let headers = parts.headers.keys().map(|name| (name.as_str().to_owned(), value(name))).collect();
    let mut stream = body.into_data_stream();
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk =
            chunk.map_err(|_| Problem::new(Code::InvalidRequest, "The body did not arrive whole."))?;
        let room = (body_bytes_max + 1).saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if body.len() > body_bytes_max {
            break;
        }
    }
    let (method, path) = (parts.method.as_str().to_owned(), http::resolved(parts.uri.path()));
    let query = parts.uri.query().unwrap_or_default().to_owned();
    Ok(http::Request { method, path, query, headers, body })
}

/// The same of a request whose body must fit.
pub async fn read_whole(request: Request, body_bytes_max: usize) -> Result<http::Request, Problem> {
    let request = read(request, body_bytes_max).await?;
    if request.body.len() > body_bytes_max {
        let most = if body_bytes_max < 1_024 {
            format!("{body_bytes_max} bytes")
        } else {
            format!("{} KiB", body_bytes_max / 1_024)
        };
        return Err(Problem::new(Code::BodyTooLarge, format!("A body holds at most {most} here.")));
    }
    Ok(request)
}

/// Writes the shared layer's reply.
pub fn respond(reply: http::Response) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
