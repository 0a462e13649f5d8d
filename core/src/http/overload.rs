//! At most so many requests at once. One more is told at once to come back, instead of waiting with all the others.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use tiffin_shared::problem::Problem;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::health;

/// How long a request may take, its body included. Nothing that is answered here waits for longer than a few
/// calls to Redis and RabbitMQ do.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts the limit, and a deadline, in front of every route.
pub fn limited(router: Router, requests_max: u16) -> Router {
    let room = Arc::new(Semaphore::new(usize::from(requests_max)));
    router.layer(middleware::from_fn_with_state(room, admit))
}

async fn admit(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    // Alive is not the same as idle.
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    let Ok(_permit) = room.try_acquire() else {
        tracing::warn!("overloaded: a request was turned away");
        return health::refuse(&Problem::unavailable("Too many requests at once. Nothing was done; retry."));
    };
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => health::refuse(&Problem::unavailable("The request took too long; retry.")),
    }
}
