//! Status callbacks: posts to the URL that a sender asked for, tried a few times.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::Client;
use reqwest::StatusCode;
use reqwest::redirect;
use tokio::sync::Semaphore;

/// One post, with its signature among the headers.
pub(super) struct Callback {
    pub(super) url: String,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Vec<u8>,
}

impl Callback {
    pub(super) fn form(
        url: String,
        params: &[(String, String)],
        headers: Vec<(&'static str, String)>,
    ) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let content_type = "application/x-www-form-urlencoded";
        Self { url, content_type, headers: named(headers), body: body.into_bytes() }
    }

    pub(super) fn json(url: String, body: &serde_json::Value, headers: Vec<(&'static str, String)>) -> Self {
        let body = body.to_string().into_bytes();
        Self { url, content_type: "application/json", headers: named(headers), body }
    }
}

fn named(headers: Vec<(&'static str, String)>) -> Vec<(Cow<'static, str>, String)> {
    headers.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Makes the calls.
pub(super) struct Courier {
    client: Result<Client, Error>,
    calls: Semaphore,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the receiver answered {0}")]
    Answer(StatusCode),
    #[error("the call failed")]
    Call(#[source] reqwest::Error),
    #[error("no HTTP client could be made")]
    Client(#[source] reqwest::Error),
    #[error("the sandbox is closing")]
    Closing,
}

impl Courier {
    pub(super) fn new() -> Self {
        // It fails when a provider is installed already, which then serves as well.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(Duration::from_millis(CALL_MS_MAX))
            .redirect(redirect::Policy::none())
            // The receiver is a process on this machine, never behind the proxy of the environment.
            .no_proxy()
            .build()
            .map_err(Error::Client);
        if let Err(error) = &client {
            tracing::error!(error = error as &dyn std::error::Error, "status callbacks are off");
        }
        Self { client, calls: Semaphore::new(CALLS_MAX) }
    }

    /// Posts until the receiver answers 2xx, [`CALL_ATTEMPTS_MAX`] times at most.
    pub(super) async fn deliver(&self, message_id: &str, callback: &Callback) {
        let mut pause_ms = PAUSE_MS_FIRST;
        for attempt in 1..=CALL_ATTEMPTS_MAX {
            let Err(error) = self.post(callback).await else { return };
            tracing::warn!(
                message.id = message_id,
                attempt,
                attempts_max = CALL_ATTEMPTS_MAX,
                error = &error as &dyn std::error::Error,
                "status callback not taken"
            );
            if attempt < CALL_ATTEMPTS_MAX {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                pause_ms *= 2;
            }
        }
    }

    async fn post(&self, callback: &Callback) -> Result<(), Error> {
        let Ok(client) = &self.client else { return Ok(()) };
        let _permit = self.calls.acquire().await.map_err(|_closed| Error::Closing)?;
        let mut request = client.post(&callback.url).header("content-type", callback.content_type);
        for (name, value) in &callback.headers {
            request = request.header(&**name, value);
        }
        let request = request.body(callback.body.clone());
        // The URL may carry a secret of the receiver's in its query; the log does without it.
        let answer = request.send().await.map_err(|error| Error::Call(error.without_url()))?;
        let status = answer.status();
        if answer.content_length().is_some_and(|length| length <= ANSWER_BYTES_MAX) {
            // Read to its end, so that the connection serves the next call; what it says does not matter.
            let _read = answer.bytes().await;
        }
        if status.is_success() { Ok(()) } else { Err(Error::Answer(status)) }
    }
}

/// Enough to keep a local receiver busy without exhausting its backlog of connections.
const CALLS_MAX: usize = 64;

/// Receivers answer with nothing, or with a line.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// With the pauses (0.5, 1, 2 s) it outlasts a receiver that starts again after a second.
const CALL_ATTEMPTS_MAX: u32 = 4;

/// A receiver that takes longer than this is as good as down; the providers wait 5 to 15 s.
const CALL_MS_MAX: u64 = 5_000;

const PAUSE_MS_FIRST: u64 = 500;
