//! The HTTP side of the counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde::Serialize;

use super::Tally;
use crate::gateways::hex;
use crate::sandbox::clock;
use crate::sandbox::inbox;
use crate::sandbox::problem;
use crate::sandbox::state::Sandbox;

pub(in crate::sandbox) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/calls/{gateway}", get(read).delete(forget))
}

/// What `GET /calls/{gateway}` answers.
#[derive(Serialize)]
pub(super) struct Report {
    gateway: String,
    since: String,
    received: u64,
    taken: u64,
    refused: BTreeMap<&'static str, u64>,
    /// The last two minutes, oldest first; seconds without a call are left out.
    per_second: Vec<PerSecond>,
    /// Messages that were taken more than once: what idempotency must keep at 0.
    duplicates: usize,
    /// Newest first, as `?to=` wants them.
    messages: Vec<PerMessage>,
    /// What `messages` has no room for; `?to=` finds it.
    left_off: usize,
    /// Messages that are no longer counted apart.
    forgotten: u64,
}

#[derive(Serialize)]
struct PerSecond {
    at: String,
    received: u64,
    taken: u64,
}

#[derive(Serialize)]
struct PerMessage {
    to: String,
    body_sha256: String,
    received: u64,
    taken: u64,
}

impl Report {
    pub(super) fn new(gateway: &str, tally: &Tally, to: Option<&str>, now_ms: u64) -> Self {
        let wanted = || tally.order.iter().rev().filter(|pair| to.is_none_or(|to| to == pair.to));
        let count = |pair| tally.counts.get(pair).copied().unwrap_or_default();
        let messages = wanted().take(MESSAGES_MAX).map(|pair| PerMessage {
            to: pair.to.clone(),
            body_sha256: hex::encode(&pair.body_sha256),
            received: count(pair).received,
            taken: count(pair).taken,
        });
        let oldest_s = (now_ms / 1_000).saturating_sub(super::SECONDS_MAX - 1);
        let per_second =
            tally.seconds.iter().filter(|second| second.at_s >= oldest_s).map(|second| PerSecond {
                at: clock::rfc3339(second.at_s * 1_000),
                received: second.received,
                taken: second.taken,
            });
        Self {
            gateway: gateway.to_owned(),
            since: clock::rfc3339(tally.since_ms),
            received: tally.received,
            taken: tally.taken,
            refused: tally.refused.clone(),
            per_second: per_second.collect(),
            duplicates: wanted().filter(|pair| count(*pair).taken > 1).count(),
            messages: messages.collect(),
            left_off: wanted().count().saturating_sub(MESSAGES_MAX),
            forgotten: tally.forgotten,
        }
    }
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

async fn read(
    State(sandbox): State<Arc<Sandbox>>,
    Path(gateway): Path<String>,
    Query(filter): Query<Filter>,
) -> Response {
    let to = filter.to.as_deref().map(inbox::address);
    let report = sandbox.calls.report(&gateway, to.as_deref(), clock::now_ms());
    report.map_or_else(no_such_gateway, |report| Json(report).into_response())
}

async fn forget(State(sandbox): State<Arc<Sandbox>>, Path(gateway): Path<String>) -> Response {
    let forgotten = sandbox.calls.forget(&gateway, clock::now_ms());
    forgotten.map_or_else(no_such_gateway, |()| StatusCode::NO_CONTENT.into_response())
}

fn no_such_gateway() -> Response {
    let detail = "the sandbox plays no such gateway; GET /faults names them";
    problem::response(StatusCode::NOT_FOUND, "not_found", detail)
}

/// Some 150 KB of JSON; a test that sends more looks at `duplicates` first.
const MESSAGES_MAX: usize = 1_000;
