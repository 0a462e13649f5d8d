//! At most so many requests at once. One more is told at once to come back, instead of waiting with all the others.
//!
//! A body is read before its request takes a place, under a deadline of its own: who sends slowly holds nobody up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use tiffin_shared::http::BODY_BYTES_MAX;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::health;

/// How long a request may take once its body is here: a few calls to Redis and RabbitMQ.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a body may take: 16 KiB arrive within it on the slowest of connections.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// Bodies on their way at once, for each request being served: they cost 16 KiB each and no work.
const BODIES_PER_REQUEST: usize = 8;

#[derive(Clone)]
struct Room {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

/// Puts the limits, and the deadlines, in front of every route.
pub fn limited(router: Router, requests_max: u16) -> Router {
    let requests = usize::from(requests_max);
    let room = Room {
        requests: Arc::new(Semaphore::new(requests)),
        bodies: Arc::new(Semaphore::new(requests * BODIES_PER_REQUEST)),
    };
    router.layer(middleware::from_fn_with_state(room, admit))
}

async fn admit(State(room): State<Room>, request: Request, next: Next) -> Response {
    // Being asked for one's health is no load.
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let read = {
        let Ok(_permit) = room.bodies.try_acquire() else { return overloaded() };
        timeout(BODY_TIMEOUT, buffer(request)).await
    };
    let request = match read {
        Ok(Ok(request)) => request,
        Ok(Err(problem)) => return health::refuse(&problem),
        Err(_) => return health::refuse(&incomplete()),
    };
    let Ok(_permit) = room.requests.try_acquire() else { return overloaded() };
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => health::refuse(&Problem::unavailable("The request took too long; retry.")),
    }
}

/// The request with its body read: whole, or one chunk more than is ever accepted.
async fn buffer(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let mut stream = body.into_data_stream();
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| incomplete())?);
        if body.len() > BODY_BYTES_MAX {
            break;
        }
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn incomplete() -> Problem {
    Problem::new(Code::InvalidRequest, "The body did not arrive whole.")
}

fn overloaded() -> Response {
    tracing::warn!("overloaded: a request was turned away");
    health::refuse(&Problem::unavailable("Too many requests at once. Nothing was done; retry."))
}
