//! At most so many requests at once. One more is told at once to come back, instead of waiting with all the others.
//!
//! A body is read before its request takes a place, under a deadline of its own: who sends slowly holds nobody up. Who
//! begins to wait for news gives the place back: it costs no work until there is some, and has places of its own
//! ([`crate::watchers`]).

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use tiffin_shared::http::BODY_MS_MAX;
use tiffin_shared::http::WAIT_S_MAX;
use tiffin_shared::http::body_bytes_max;
use tiffin_shared::http::incomplete;
use tiffin_shared::problem::Problem;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::callbacks;
use super::health;
use super::ops;

/// How long a request may take at work once its body is here: a dozen calls to Redis and RabbitMQ, each with a deadline
/// of its own.
const WORK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one that gave its place back may take on top of that: the longest wait, and a little for its last look.
const WAIT_TIMEOUT: Duration = Duration::from_secs(WAIT_S_MAX + 5);
const _: () = assert!(WAIT_TIMEOUT.as_secs() > WAIT_S_MAX, "a wait ends by itself before it is cut off");
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_millis(BODY_MS_MAX);
/// Bodies on their way at once, for each request being served: they cost at most [`body_bytes_max`] and a byte each
/// beside the connection's own buffer, and no work.
const BODIES_PER_REQUEST: usize = 8;

/// The deadlines.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    work: Duration,
    wait: Duration,
}

#[derive(Clone)]
struct Room {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    deadlines: Deadlines,
}

/// A request's place among those at work.
#[derive(Clone)]
pub struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// Another request may have it: this one waits from here on.
    pub fn give_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn is_given_back(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// Puts the limits, and the deadlines, in front of every route. All permits are free when this is called.
pub fn limited(router: Router, requests: Arc<Semaphore>) -> Router {
    within(router, requests, Deadlines { work: WORK_TIMEOUT, wait: WAIT_TIMEOUT })
}

fn within(router: Router, requests: Arc<Semaphore>, deadlines: Deadlines) -> Router {
    let room = Room {
        bodies: Arc::new(Semaphore::new(requests.available_permits() * BODIES_PER_REQUEST)),
        requests,
        deadlines,
    };
    router.layer(middleware::from_fn_with_state(room, admit))
}

async fn admit(State(room): State<Room>, request: Request, next: Next) -> Response {
    // Being asked for one's health is no load.
    if matches!(request.uri().path(), "/healthz" | "/metrics" | "/readyz") {
        return next.run(request).await;
    }
    let read = {
        let Ok(_permit) = room.bodies.try_acquire() else { return overloaded() };
        timeout(BODY_TIMEOUT, buffer(request)).await
    };
    let mut request = match read {
        Ok(Ok(request)) => request,
        Ok(Err(problem)) => return health::refuse(&problem),
        Err(_) => return health::refuse(&incomplete()),
    };
    let Ok(permit) = room.requests.clone().try_acquire_owned() else { return overloaded() };
    let place = Place::new(permit);
    request.extensions_mut().insert(place.clone());
    let mut served = std::pin::pin!(next.run(request));
    if let Ok(response) = timeout(room.deadlines.work, served.as_mut()).await {
        return response;
    }
    if place.is_given_back()
        && let Ok(response) = timeout(room.deadlines.wait, served).await
    {
        return response;
    }
    health::refuse(&Problem::unavailable("The request took too long; retry."))
}

/// The request with its body read: whole, or one byte more than is ever accepted.
async fn buffer(request: Request) -> Result<Request, Problem> {
    // Fifty times longer than the others: not read before it is known to be an operator's.
    if ops::is_upload(request.uri().path()) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    // A body that is cut short has another signature.
    let is_callback = path.starts_with(callbacks::PATH);
    let body_bytes_max = match path {
        _ if is_callback => callbacks::BODY_BYTES_MAX,
        _ if path.starts_with("/ops/") => ops::body_bytes_max(path),
        _ => body_bytes_max(path),
    };
    let mut stream = body.into_data_stream();
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| incomplete())?;
        let room = (body_bytes_max + 1).saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if body.len() > body_bytes_max {
            break;
        }
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn overloaded() -> Response {
    tracing::warn!("overloaded: a request was turned away");
    health::refuse(&Problem::unavailable("Too many requests at once. Nothing was done; retry."))
}

#[cfg(test)]
mod tests;
