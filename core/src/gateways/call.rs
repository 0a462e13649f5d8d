//! The one place that calls providers: a deadline, a size limit, no redirects.

use std::time::Duration;

use tiffin_shared::gateway::SLOW_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;

/// How long a provider may take. Below the claim of an attempt, so that a claim never ends under a call.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take. Below the time from which a call counts as slow: what never left is known to have not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const _: () =
    assert!(CONNECT_TIMEOUT.as_millis() < SLOW_MS as u128, "a call that does not connect is not slow");
/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A request to a provider. No `Debug`: the form holds the code.
pub struct Call {
    /// Where to post.
    pub url: String,
    /// Basic authentication.
    pub user: String,
    /// Basic authentication.
    pub password: Secret<String>,
    /// What goes out with it.
    pub params: Params,
}

/// What goes out with a request.
pub enum Params {
    /// `POST`, as a form.
    Form(Vec<(&'static str, String)>),
    /// `GET`, in the address.
    Query(Vec<(&'static str, String)>),
}

/// What a provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Seconds that the provider asks to be left alone.
    pub retry_after_s: Option<u64>,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

/// Keeps connections to providers.
#[derive(Clone)]
pub struct Client(reqwest::Client);

impl Client {
    /// Fails only when TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        install_tls();
        let client = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tiffin/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    /// Calls once. Without an answer, the outcome that follows from how it failed.
    pub async fn call(&self, call: Call) -> Result<Answer, CallOutcome> {
        let request = match &call.params {
            Params::Form(form) => self.0.post(&call.url).form(form),
            Params::Query(query) => {
                let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
                self.0.get(format!("{}?{query}", call.url))
            }
        };
        let request = request.basic_auth(&call.user, Some(call.password.expose()));
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        // RFC 9110, 10.2.3; a date in its place is left out: providers send seconds.
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after_s, body })
    }
}

/// Only a request that never left may be repeated without a second thought.
fn failed(error: &reqwest::Error) -> CallOutcome {
    if error.is_connect() || error.is_builder() {
        CallOutcome::Failed(Reason::ProviderDown)
    } else {
        CallOutcome::Unknown
    }
}

/// One TLS provider for the process; a second call changes nothing.
pub fn install_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
}
