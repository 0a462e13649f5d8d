//! A receiver that keeps callbacks as they came.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use tiffin_shared::http::Request;

use crate::common::listen;

/// What came so far.
pub type Posted = Arc<Mutex<Vec<Arc<Request>>>>;

/// Takes whatever comes. Its address.
pub async fn receive() -> (Posted, String) {
    let (listener, address) = listen().await;
    let posted = Posted::default();
    let router = Router::new().fallback(keep).with_state(Arc::clone(&posted));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (posted, format!("http://{address}"))
}

async fn keep(
    State(posted): State<Posted>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    posted.lock().unwrap().push(Arc::new(Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    }));
    StatusCode::NO_CONTENT
}
