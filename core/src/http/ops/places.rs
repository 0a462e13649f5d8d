//! Operators have so many places among the requests at work: however much is looked at, with a stolen token too, the edge's
//! jobs and the providers' receipts find one.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use tiffin_shared::problem::Problem;
use tokio::sync::Semaphore;

use crate::http::health;

/// A dozen people with the console open, and their scripts. What one request reads is some megabytes at most.
const PLACES: usize = 32;

/// The places of a listener.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }
}

/// Lets in who finds a place, for as long as he is answered; what is streamed after that is held by its connection alone.
pub(super) async fn take(State(Room(places)): State<Room>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        tracing::warn!("overloaded: an operator's request was turned away");
        let detail =
            format!("Operators have {PLACES} requests at work here already. Nothing was done; retry.");
        return health::refuse(&Problem::unavailable(detail));
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use axum::middleware;
    use axum::routing::get;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    async fn status(router: Router, path: &str) -> u16 {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = TowerToHyperService::new(router).call(request);
        timeout(Duration::from_secs(30), answer).await.unwrap().unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn operators_take_their_own_places_and_nobody_elses() {
        let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let work = {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move || {
                let waits = go_on.notified();
                begun.add_permits(1);
                waits.await;
            }
        };
        let router = Router::new()
            .route("/ops", get(work))
            .route_layer(middleware::from_fn_with_state(Room::default(), take))
            .route("/jobs", get(async || ()));
        let working: Vec<_> = (0..PLACES).map(|_| tokio::spawn(status(router.clone(), "/ops"))).collect();
        begun.acquire_many(u32::try_from(PLACES).unwrap()).await.unwrap().forget();
        assert_eq!(status(router.clone(), "/ops").await, 503, "one more");
        assert_eq!(status(router.clone(), "/jobs").await, 200);
        go_on.notify_waiters();
        for working in working {
            assert_eq!(working.await.unwrap(), 200);
        }
        let again = tokio::spawn(status(router, "/ops"));
        begun.acquire().await.unwrap().forget();
        go_on.notify_waiters();
        assert_eq!(again.await.unwrap(), 200, "their places are free again");
    }
}
