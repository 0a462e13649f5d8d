//! `/console/session`: signing in and out, and who a request with the console's cookie is from.
//!
//! The cookie holds 256 random bits; the store knows their hash alone. A request that changes something also brings the hash
//! that the page was told (`X-Csrf-Token`), which no other site can read, and must not say that it comes from one.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use subtle::ConstantTimeEq;
use tiffin_shared::bytes;
use tiffin_shared::operator::Attempts;
use tiffin_shared::operator::Command;
use tiffin_shared::operator::IDLE_MS;
use tiffin_shared::operator::LIFE_MS;
use tiffin_shared::operator::Session;
use tiffin_shared::operator::SignedIn;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::visitor::network;

use crate::app::App;
use crate::host;
use crate::http::callbacks;
use crate::http::health;
use crate::http::ops::answer;
use crate::http::read_whole;
use crate::http::server::octets;
use crate::operators;
use crate::operators::Who;
use crate::store;
use crate::store::Key;

/// Over TLS. Browsers take this prefix (RFC 6265bis, 4.1.3) from this very host alone: a page of a host beside it plants no
/// sign-in of its own.
const COOKIE: &str = "__Host-tiffin_session";
/// On this machine itself, without TLS.
const COOKIE_HERE: &str = "tiffin_session";
const CSRF: &str = "x-csrf-token";
/// Says that nobody has touched the page for a while.
const UNATTENDED: &str = "x-unattended";
/// A token and a name.
const BODY_BYTES_MAX: usize = 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
    name: Option<String>,
}

/// What the browser holds.
struct Secret([u8; 32]);

impl Secret {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let cookie = cookie(headers);
        let (_, value) = pairs.find(|(name, _)| *name == cookie)?;
        bytes::decode_array(value).map(Self)
    }

    fn hash(&self, label: &[u8]) -> String {
        bytes::encode(&bytes::hmac_sha256(&self.0, &[label]))
    }

    fn key(&self) -> Key {
        Key::session(&self.hash(b"tiffin-session-v1"))
    }

    fn csrf(&self) -> String {
        self.hash(b"tiffin-csrf-v1")
    }
}

/// Whose cookie the request brings; nobody's where it brings none, or one that is over.
pub async fn of(app: &Arc<App>, method: &Method, headers: &HeaderMap) -> Result<Option<Who>, Problem> {
    let Some(secret) = Secret::of(headers) else { return Ok(None) };
    if !matches!(*method, Method::GET | Method::HEAD) {
        own_page(headers, &secret)?;
    }
    let command = if headers.contains_key(UNATTENDED) { Command::Look } else { Command::Use };
    let signed_in = ask(app, &secret, &command).await?;
    Ok(signed_in.and_then(|signed_in| operators::by_session(app, &signed_in)))
}

/// `GET /console/session`: whether somebody is signed in, who, and what the page must send with what it changes.
pub async fn show(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Response {
    let shown = async {
        let Some(secret) = Secret::of(&headers) else { return Ok(nobody()) };
        let who = of(&app, &method, &headers).await?;
        Ok(who.map_or_else(nobody, |who| about(&who, &secret)))
    };
    answer(shown.await)
}

/// `POST /console/session` with `{"token", "name"?}`: signs in.
pub async fn begin(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    match sign_in(&app, address, request).await {
        Ok((who, secret)) => {
            let mut response = answer(Ok(about(&who, &secret)));
            set_cookie(&mut response, &headers, &bytes::encode(&secret.0), LIFE_MS / 1_000);
            response
        }
        Err(problem) => health::refuse(&problem),
    }
}

async fn sign_in(app: &Arc<App>, address: SocketAddr, request: Request) -> Result<(Who, Secret), Problem> {
    let request = read_whole(request, BODY_BYTES_MAX).await?;
    foreign(|name| request.header(name))?;
    let client = callbacks::client(app, &request, Some(address.ip())).unwrap_or(address.ip());
    let network = name_of(app, client);
    let tried = app.store.apply::<Attempts>(&Key::sign_ins(&network), &(), host::now()).await;
    tried.map_err(|error| failed(&error))?.map_err(|wait_ms| {
        tracing::warn!(network, "nobody is let try to sign in at the console: too many attempts");
        let detail = "Too many attempts to sign in from your network. Wait, and look up the token.";
        Problem { retry_after_ms: Some(wait_ms), ..Problem::new(Code::RateLimited, detail) }
    })?;
    let SignIn { token, name } = bytes::read_json(&request.body).map_err(|_| {
        Problem::new(Code::InvalidRequest, "Send {\"token\": \"...\"}, and \"name\" with a shared one.")
    })?;
    let who = operators::by_token(app, token.trim(), name.as_deref().map(str::trim))
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("name: {error}.")))?;
    let who = who.ok_or_else(|| {
        tracing::warn!(network, "a sign-in at the console was refused");
        Problem::new(Code::Unauthenticated, "No operator has this token.")
    })?;
    let random = host::random::<32>().map_err(|_| Problem::unavailable("There is no randomness."))?;
    let secret = Secret(random);
    let begin = Command::Begin(SignedIn { name: who.by.name.clone(), digest: who.digest });
    ask(app, &secret, &begin).await?;
    tracing::info!(operator = %who.by.name, role = %who.role, "signed in at the console");
    Ok((who, secret))
}

/// `DELETE /console/session`: signs out.
pub async fn end(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let ended = async {
        let Some(secret) = Secret::of(&headers) else { return Ok(()) };
        own_page(&headers, &secret)?;
        ask(&app, &secret, &Command::End).await.map(drop)
    };
    match ended.await {
        Ok(()) => {
            let mut response = answer(Ok(nobody()));
            set_cookie(&mut response, &headers, "", 0);
            response
        }
        // The browser keeps the cookie, and with it the means to try again: the sign-in lives on.
        Err(problem) => health::refuse(&problem),
    }
}

fn about(who: &Who, secret: &Secret) -> Value {
    json!({"signed_in": true, "name": who.by.name, "role": who.role, "csrf": secret.csrf(), "idle_ms": IDLE_MS})
}

async fn ask(app: &Arc<App>, secret: &Secret, command: &Command) -> Result<Option<SignedIn>, Problem> {
    app.store.apply::<Session>(&secret.key(), command, host::now()).await.map_err(|error| failed(&error))
}

/// Only the console's own page may change something with this cookie.
fn own_page(headers: &HeaderMap, secret: &Secret) -> Result<(), Problem> {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    foreign(header)?;
    let sent = header(CSRF).unwrap_or_default();
    if bool::from(sent.as_bytes().ct_eq(secret.csrf().as_bytes())) {
        return Ok(());
    }
    let detail = "X-Csrf-Token is missing, or of another sign-in. Load the console again.";
    Err(Problem::new(Code::Forbidden, detail))
}

/// What browsers say of another site's requests (Fetch Metadata, and `Origin` of RFC 6454).
fn foreign<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Result<(), Problem> {
    let is_own_site = header("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let host = header("host").unwrap_or_default();
    let is_own_origin = header("origin")
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, named)| named == host));
    if is_own_site && is_own_origin {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "This comes from another site's page. Use the console itself."))
}

/// What the cookie is called where the browser asks.
fn cookie(headers: &HeaderMap) -> &'static str {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':')));
    if is_here { COOKIE_HERE } else { COOKIE }
}

/// Scripts cannot read it, other sites' pages cannot send it, and it goes over TLS alone, but on this machine itself.
fn set_cookie(response: &mut Response, headers: &HeaderMap, value: &str, max_age_s: u64) {
    let name = cookie(headers);
    let secure = if name == COOKIE { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// An address is personal data: its network stands there as a keyed hash.
fn name_of(app: &App, client: IpAddr) -> String {
    let hash = bytes::hmac_sha256(&app.sign_in_key, &[&octets(network(client))]);
    bytes::encode(&bytes::truncate::<12>(hash))
}

fn nobody() -> Value {
    json!({"signed_in": false})
}

fn failed(error: &store::Error) -> Problem {
    tracing::warn!(%error, "a sign-in was not looked up");
    Problem::unavailable("The store does not answer, so nobody can be let in.")
}
