//! An OTLP collector that keeps what it is sent, in a file, and answers as it is told.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

/// Running, until the test ends.
#[derive(Clone)]
pub struct Collector {
    /// Where it takes traces.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    file: PathBuf,
    status: StatusCode,
    requests: Vec<String>,
    headers: Vec<HeaderMap>,
}

impl Collector {
    /// Keeps requests in `file`, a line each.
    pub async fn start(file: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1/traces", listener.local_addr()?);
        let inner = Inner {
            file: file.to_owned(),
            status: StatusCode::OK,
            requests: Vec::new(),
            headers: Vec::new(),
        };
        let inner = Arc::new(Mutex::new(inner));
        let router = Router::new().route("/v1/traces", post(take)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, inner })
    }

    /// Answers with this status from here on.
    pub fn answers(&self, status: StatusCode) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).status = status;
    }

    /// Requests that it took.
    pub fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    /// Their headers, and those of what it refused.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).headers.clone()
    }
}

async fn take(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    inner.headers.push(headers);
    if inner.status.is_success() {
        inner.requests.push(String::from_utf8_lossy(&body).into_owned());
        let lines = inner.requests.join("\n");
        if std::fs::write(&inner.file, lines).is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    inner.status
}
