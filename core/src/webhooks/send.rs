//! The one place that calls tenants' endpoints: a deadline, no redirects, no proxy, and a resolver that knows no address
//! but the public ones.
//!
//! The check is made by the resolver that the connector itself asks, so that there is no second look-up whose answer
//! could differ. An address that needs no look-up never comes here: [`target::check`](super::target::check) refuses it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::webhook::address;
use tiffin_shared::webhook::outbox::Outcome;
use tiffin_shared::webhook::outbox::TIMEOUT_MS;

use crate::gateways::call::install_tls;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next delivery.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle connections kept to one endpoint.
const IDLE_MAX: usize = 4;
/// What is read of an answer, and kept in the delivery log.
const SNIPPET_BYTES_MAX: usize = 512;

/// Looks names up.
pub trait Lookup: Send + Sync {
    /// Every address of a name.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// Looks names up as this machine does.
pub struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        // The port is the connector's.
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// A name that leads to an address beside us. One such address is enough: an honest name has none.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not on the public internet")]
struct NotPublic;

struct Guarded(Arc<dyn Lookup>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = self.0.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = looking.await?;
            if !addresses.iter().all(|at| address::is_public(at.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Keeps connections to endpoints.
pub struct Sender(reqwest::Client);

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What it means.
    pub outcome: Outcome,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<&'static str>,
    /// The beginning of the answer.
    pub snippet: String,
    /// How long it took.
    pub duration_ms: u64,
}

impl Sent {
    /// Nothing went out.
    pub fn not_sent(error: &'static str) -> Self {
        Self {
            outcome: Outcome::Failed { retry_after_ms: None },
            status: None,
            error: Some(error),
            snippet: String::new(),
            duration_ms: 0,
        }
    }
}

impl Sender {
    /// Fails only when TLS cannot be set up.
    pub fn new(lookup: Arc<dyn Lookup>) -> Result<Self, reqwest::Error> {
        install_tls();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(TIMEOUT_MS))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look the name up for us.
            .no_proxy()
            .dns_resolver(Arc::new(Guarded(lookup)))
            .user_agent(concat!("tiffin/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    /// Delivers once, to an address that was checked.
    pub async fn send(&self, url: Url, headers: Vec<(&'static str, String)>, payload: String) -> Sent {
        let began = Instant::now();
        let mut request = self.0.post(url).header("content-type", "application/json").body(payload);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut sent = match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Sent::not_sent(why(&error)),
        };
        sent.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        sent
    }
}

async fn read(mut response: reqwest::Response) -> Sent {
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|text| text.trim().parse::<u64>().ok());
    let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(SECOND_MS));
    let mut body = Vec::new();
    // The status is the answer. Who trickles the rest is read for as long as the deadline lets.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= SNIPPET_BYTES_MAX {
            body.truncate(SNIPPET_BYTES_MAX);
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let snippet = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let outcome = Outcome::of_status(status, retry_after_ms);
    Sent { outcome, status: Some(status), error: None, snippet, duration_ms: 0 }
}

/// In words of ours: an error of the client tells the address, and that may hold a secret.
fn why(error: &reqwest::Error) -> &'static str {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return "the name leads to an address that is not on the public internet";
        }
        cause = inner.source();
    }
    match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        _ => "the connection broke",
    }
}
