//! CAMARA's SIM Swap API, version 2, as its caller sees it: tokens for client credentials, and the check. Its faults are those of
//! the gateway `sim-swap`: `reject` without a code says that the SIM changed, and with one refuses by it.
//!
//! Left out: three-legged tokens, and the date of the change.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Form;
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::AppendHeaders;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;
use tiffin_shared::secret::Secret;

use super::basic;
use super::calls::Pair;
use super::clock;
use super::faults::Mode;
use super::faults::Strike;
use super::faults::Usual;
use super::ids;
use super::line::Connection;
use super::number::is_number;
use super::state::Sandbox;
use super::taking::Silence;

/// Faults and calls are filed under it.
pub(super) const GATEWAY: &str = "sim-swap";
/// The SIM changed.
const SWAPPED: &str = "SWAPPED";
/// Of `reject`; no receipt follows a check.
pub(super) const USUAL: Usual = Usual { reject: SWAPPED, failed_receipt: SWAPPED };

/// Who may ask. No `Debug`: it holds the secret.
pub struct SimSwapClient {
    /// As `[sim_swap]` names it.
    pub id: String,
    /// Its secret.
    pub secret: Secret<String>,
}

/// Tokens that were given out, oldest first, with the time of their end.
#[derive(Default)]
pub(super) struct Tokens(Mutex<VecDeque<(String, u64)>>);

impl Tokens {
    fn give(&self, now_ms: u64) -> Option<String> {
        let token = ids::hex(32)?;
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS_MAX {
            tokens.pop_front();
        }
        tokens.push_back((token.clone(), now_ms.saturating_add(TOKEN_LIFE_S * 1_000)));
        Some(token)
    }

    fn are_good(&self, headers: &HeaderMap, now_ms: u64) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(given) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.iter().any(|(token, until_ms)| token == given && now_ms < *until_ms)
    }
}

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/oauth2/token", post(token)).route("/sim-swap/v2/check", post(check))
}

#[derive(Deserialize)]
struct Wish {
    grant_type: String,
    #[serde(default)]
    scope: String,
}

/// RFC 6749 sections 4.4 and 5.2.
async fn token(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, Form(wish): Form<Wish>) -> Response {
    let refuse = |status, error: &str| (status, Json(json!({ "error": error }))).into_response();
    let is_client = |client: &&SimSwapClient| {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let given = basic::credentials(&headers).map(|(id, secret)| (decoded(&id), decoded(&secret)));
        given.is_some_and(|(id, secret)| id == client.id && secret == *client.secret.expose())
    };
    if sandbox.sim_swap.as_ref().filter(is_client).is_none() {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    if wish.grant_type != "client_credentials" {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    if !wish.scope.split(' ').any(|scope| matches!(scope, "sim-swap" | "sim-swap:check")) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_scope");
    }
    match sandbox.sim_swap_tokens.give(clock::now_ms()) {
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        Some(token) => Json(json!({
            "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S, "scope": wish.scope,
        }))
        .into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    phone_number: Option<String>,
    #[serde(default = "max_age")]
    max_age: u32,
}

async fn check(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now_ms = clock::now_ms();
    if !sandbox.sim_swap_tokens.are_good(&headers, now_ms) {
        return refuse("UNAUTHENTICATED");
    }
    let Ok(question) = serde_json::from_slice::<Question>(&body) else { return refuse("INVALID_ARGUMENT") };
    let Some(number) = question.phone_number else { return refuse("MISSING_IDENTIFIER") };
    if !number.strip_prefix('+').is_some_and(is_number) {
        return refuse("INVALID_ARGUMENT");
    }
    if !(1..=MAX_AGE_MAX).contains(&question.max_age) {
        return refuse("OUT_OF_RANGE");
    }
    let strike = sandbox.faults.strike(GATEWAY, now_ms);
    let call = sandbox.calls.received(GATEWAY, Some(Pair::new(&number, "")), now_ms);
    if strike.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(strike.latency_ms)).await;
    }
    if let Some(silence) = silence(strike.mode) {
        call.refused(strike.mode.name());
        return silence.keep(&sandbox, connection).await;
    }
    match answer(&strike) {
        Ok(swapped) => {
            call.taken(clock::now_ms());
            Json(json!({ "swapped": swapped })).into_response()
        }
        Err(code) => {
            call.refused(strike.mode.name());
            let retry_after = (strike.mode == Mode::Http429).then_some(strike.retry_after_s);
            let headers =
                AppendHeaders(retry_after.map(|seconds| (header::RETRY_AFTER, seconds.to_string())));
            (headers, refuse(code)).into_response()
        }
    }
}

fn silence(mode: Mode) -> Option<Silence> {
    match mode {
        Mode::Timeout | Mode::TimeoutTaken => Some(Silence::Held),
        Mode::Reset | Mode::ResetTaken => Some(Silence::Cut),
        _ => None,
    }
}

/// Whether the SIM changed, or the code of the refusal. Modes of messages and receipts mean nothing here.
fn answer(strike: &Strike) -> Result<bool, &str> {
    match strike.mode {
        Mode::Reject if strike.code == SWAPPED => Ok(true),
        Mode::Reject => Err(&strike.code),
        Mode::Http500 => Err("INTERNAL"),
        Mode::Http429 => Err("TOO_MANY_REQUESTS"),
        _ => Ok(false),
    }
}

/// CAMARA's `ErrorInfo`, with the status that its code goes with.
fn refuse(code: &str) -> Response {
    let status = match code {
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "PERMISSION_DENIED" => StatusCode::FORBIDDEN,
        "NOT_FOUND" | "IDENTIFIER_NOT_FOUND" => StatusCode::NOT_FOUND,
        "MISSING_IDENTIFIER" | "SERVICE_NOT_APPLICABLE" | "UNNECESSARY_IDENTIFIER" => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        "QUOTA_EXCEEDED" | "TOO_MANY_REQUESTS" => StatusCode::TOO_MANY_REQUESTS,
        "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let message = status.canonical_reason().unwrap_or_default();
    let body = json!({ "status": status.as_u16(), "code": code, "message": message });
    (status, Json(body)).into_response()
}

fn max_age() -> u32 {
    240
}

/// Hours.
const MAX_AGE_MAX: u32 = 2_400;
/// An hour, as most services have it.
const TOKEN_LIFE_S: u64 = 3_600;
/// More than the processes of any test.
const TOKENS_MAX: usize = 64;
