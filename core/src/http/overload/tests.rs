use axum::Extension;
use axum::routing::get;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tiffin_shared::http::BODY_BYTES_MAX;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::wire::event::EVENTS_BYTES_MAX;
use tokio::time::sleep;

use super::*;

const DEADLINES: Deadlines = Deadlines { work: Duration::from_millis(100), wait: Duration::from_secs(2) };

/// Works for as long as the path says, in milliseconds, or waits for as long.
fn router(requests_max: u16) -> Router {
    let of = |uri: axum::http::Uri| {
        let ms = uri.path().rsplit('/').next().and_then(|text| text.parse().ok());
        Duration::from_millis(ms.unwrap_or_default())
    };
    let work = async move |uri: axum::http::Uri| sleep(of(uri)).await;
    let wait = async move |Extension(place): Extension<Place>, uri: axum::http::Uri| {
        place.give_back();
        sleep(of(uri)).await;
    };
    let router = Router::new().route("/work/{ms}", get(work)).route("/wait/{ms}", get(wait));
    within(router, Arc::new(Semaphore::new(usize::from(requests_max))), DEADLINES)
}

async fn status(router: Router, path: &str) -> u16 {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    TowerToHyperService::new(router).call(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn who_waits_may_take_longer_than_who_works() {
    let router = router(4);
    assert_eq!(status(router.clone(), "/work/0").await, 200);
    assert_eq!(status(router.clone(), "/work/1000").await, 503);
    assert_eq!(status(router.clone(), "/wait/1000").await, 200);
    assert_eq!(status(router, "/wait/10000").await, 503);
}

#[tokio::test]
async fn who_waits_takes_no_place_from_who_works() {
    let router = router(1);
    let waiting = (0..20).map(|_| tokio::spawn(status(router.clone(), "/wait/1000")));
    let waiting: Vec<_> = waiting.collect();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(status(router.clone(), "/work/0").await, 200);
    let working = tokio::spawn(status(router.clone(), "/work/50"));
    sleep(Duration::from_millis(10)).await;
    assert_eq!(status(router, "/work/0").await, 503, "one place");
    assert_eq!(working.await.unwrap(), 200);
    // They come in one after the other, for each has the place for a moment; some may have met another in it.
    let mut told = 0;
    for waiting in waiting {
        told += usize::from(waiting.await.unwrap() == 200);
    }
    assert!(told > 0);
}

#[tokio::test]
async fn a_body_is_kept_to_one_byte_too_many_however_it_comes() {
    for (path, kept) in [
        ("/v1/orders", BODY_BYTES_MAX),
        (EVENTS_PATH, EVENTS_BYTES_MAX),
        ("/callbacks/mail/secret", callbacks::BODY_BYTES_MAX),
    ] {
        let body = Body::from(vec![0; 40 * BODY_BYTES_MAX]);
        let request = buffer(Request::builder().uri(path).body(body).unwrap()).await.ok().unwrap();
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
        assert_eq!(body.len(), kept + 1, "{path}");
    }
}
