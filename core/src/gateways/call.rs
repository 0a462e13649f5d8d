//! The one place that calls providers: a deadline, a size limit, no redirects.

use std::time::Duration;

use reqwest::Method;
use tiffin_shared::gateway::SLOW_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::adapter::Refusal;
use crate::host;

/// How long a provider may take. Below the claim of an attempt, so that a claim never ends under a call.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take. Below the time from which a call counts as slow: what never left is known to have not.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const _: () =
    assert!(CONNECT_TIMEOUT.as_millis() < SLOW_MS as u128, "a call that does not connect is not slow");
/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Headers that are kept of an answer.
const HEADERS_MAX: usize = 8;

/// A request to a provider. No `Debug`: the body holds the code, and the headers a key.
pub struct Call {
    /// `GET`, or `POST` where there is something to say.
    pub method: Method,
    /// Where to, with its query.
    pub url: String,
    /// How we say who we are.
    pub auth: Auth,
    /// Further headers: names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What goes out with it.
    pub body: Body,
}

/// How we say who we are. No `Debug`: it holds the key.
pub enum Auth {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret<String>,
    },
    /// The value of `Authorization`: `Bearer …`, `App …`, `AWS4-HMAC-SHA256 …`.
    Authorization(Secret<String>),
    /// A header of the provider's own.
    Header(&'static str, Secret<String>),
    /// Headers that a configuration names: keys may be among them.
    Headers(Vec<(String, Secret<String>)>),
    /// In the body or the address, or not at all.
    None,
}

/// What goes out with a request. No `Debug`: it holds the code.
pub enum Body {
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
    /// `application/json`.
    Json(serde_json::Value),
    /// Nothing.
    None,
    /// Bytes of a type that `headers` names.
    Raw(Vec<u8>),
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

/// Nothing could be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It did not answer.
    #[error("no answer")]
    NoAnswer,
    /// It answered with this status.
    #[error("status {0}")]
    Status(u16),
}

/// What was seen of a call from outside. No `Debug`: a provider may repeat what it was told.
pub struct Seen {
    /// By our clock, before it.
    pub began_at: UnixMs,
    /// By our clock, when the answer was there or given up.
    pub ended_at: UnixMs,
    /// Those that tell something, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Status, and the body.
    pub reply: Option<(String, Vec<u8>)>,
    /// Why there is none.
    pub failure: Option<&'static str>,
}

/// Keeps connections to providers.
#[derive(Clone)]
pub struct Client(reqwest::Client);

impl Call {
    /// `GET`, with a query.
    pub fn get(url: &str, query: &[(&str, String)], auth: Auth) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let url = if query.is_empty() { url.to_owned() } else { format!("{url}?{query}") };
        Self { method: Method::GET, url, auth, headers: Vec::new(), body: Body::None }
    }

    /// `POST`.
    pub fn post(url: impl Into<String>, auth: Auth, body: Body) -> Self {
        Self { method: Method::POST, url: url.into(), auth, headers: Vec::new(), body }
    }
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether nobody can tell from the status if the message was taken: a gateway on the way gave up waiting, or lost the
    /// answer.
    pub fn is_unclear(&self) -> bool {
        matches!(self.status, 408 | 502 | 504)
    }

    /// The refusal with this code; what it means without one follows from the status (RFC 9110 section 15).
    pub fn refusal(&self, code: Option<String>) -> Refusal {
        let fallback = match self.status {
            401 | 403 => Reason::AuthFailed,
            402 => Reason::InsufficientBalance,
            429 => Reason::Throttled,
            500.. => Reason::ProviderDown,
            _ => Reason::Rejected,
        };
        let retry_after_ms = self.retry_after_s.map(|seconds| seconds.saturating_mul(SECOND_MS));
        Refusal { code, fallback, retry_after_ms }
    }
}

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
        self.tell(call, &mut Vec::new()).await
    }

    /// The same, with what was seen of it from outside: times, and the headers that tell something.
    pub async fn exchange(&self, call: Call) -> (Seen, Result<Answer, CallOutcome>) {
        let (began_at, mut headers) = (host::now(), Vec::new());
        let answered = self.tell(call, &mut headers).await;
        let (reply, failure) = match &answered {
            Ok(answer) => (Some((answer.status.to_string(), answer.body.clone())), None),
            Err(CallOutcome::Unknown) => (None, Some("no answer: the request may have arrived")),
            Err(_) => (None, Some("not reached: the request did not leave")),
        };
        (Seen { began_at, ended_at: host::now(), headers, reply, failure }, answered)
    }

    async fn tell(&self, call: Call, headers: &mut Vec<(String, String)>) -> Result<Answer, CallOutcome> {
        let mut request = self.0.request(call.method, &call.url);
        request = match &call.auth {
            Auth::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
            Auth::Authorization(value) => request.header("authorization", value.expose()),
            Auth::Header(name, value) => request.header(*name, value.expose()),
            Auth::Headers(headers) => {
                headers.iter().fold(request, |request, (name, value)| request.header(name, value.expose()))
            }
            Auth::None => request,
        };
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        request = match call.body {
            Body::Form(form) => request.form(&form),
            Body::Json(json) => request.json(&json),
            Body::None => request,
            Body::Raw(bytes) => request.body(bytes),
        };
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        // RFC 9110, 10.2.3; a date in its place is left out: providers send seconds.
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.trim().parse().ok());
        let told = response.headers().iter().filter(|(name, _)| tells(name.as_str()));
        let told = told.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        headers.extend(told.take(HEADERS_MAX));
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

impl Client {
    /// Reads a document of a provider's.
    pub async fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let call = Call::get(url, &[], Auth::None);
        let answer = self.call(call).await.map_err(|_| FetchError::NoAnswer)?;
        if answer.is_success() { Ok(answer.body) } else { Err(FetchError::Status(answer.status)) }
    }

    /// Visits an address of a provider's, as a person would to confirm something.
    pub async fn visit(&self, url: &str) -> Result<(), FetchError> {
        self.fetch(url).await.map(drop)
    }
}

/// Whether a provider's header is worth keeping: when, what, and by which name its own log has the request. All others are
/// left out: cookies and keys could be among them.
pub fn tells(header: &str) -> bool {
    const ENDS: [&str; 5] = ["request-id", "requestid", "trace-id", "correlation-id", "debug-id"];
    matches!(header, "content-type" | "date" | "retry-after") || ENDS.iter().any(|end| header.ends_with(end))
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
