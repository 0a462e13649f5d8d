//! `/ops/v1/dead`: what could not be worked on, to be looked at, sent again, or forgotten.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use crate::app::App;
use crate::audit;
use crate::bus;
use crate::bus::dead::Act;
use crate::bus::dead::BATCH_MAX;
use crate::bus::dead::Dead;
use crate::bus::dead::LOOK_MAX;
use crate::bus::dead::Meant;
use crate::bus::dead::Report;
use crate::http::params::Path;
use crate::http::read_whole;

/// Letters of one call that names no number.
const BATCH: usize = 100;
/// `{"max": 1000}` and some room.
const BODY_BYTES_MAX: usize = 1_024;

/// How many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    limit: Option<usize>,
}

/// Which of them to replay.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Batch {
    max: Option<usize>,
}

/// Oldest first.
#[derive(Serialize)]
struct Letters {
    letters: Vec<Dead>,
}

/// `GET /ops/v1/dead?limit=100`
pub async fn list(State(app): State<Arc<App>>, limit: Result<Query<Limit>, QueryRejection>) -> Response {
    let listed = async {
        let Query(Limit { limit }) = limit.map_err(|_| out_of_range("limit"))?;
        let limit = within("limit", limit)?;
        app.bus.dead_list(limit).await.map_err(|error| failed(&error))
    };
    answer(listed.await.map(|letters| Letters { letters }))
}

/// `GET /ops/v1/dead/{id}`
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let letters = app.bus.dead_get(&id).await.map_err(|error| failed(&error));
    answer(
        letters
            .and_then(|letters| if letters.is_empty() { Err(not_found()) } else { Ok(Letters { letters }) }),
    )
}

/// `POST /ops/v1/dead/{id}/replay`
pub async fn replay(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
) -> Response {
    answer(act(&app, &by, Act::Replay, &id).await)
}

/// `POST /ops/v1/dead/{id}/discard`
pub async fn discard(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
) -> Response {
    answer(act(&app, &by, Act::Discard, &id).await)
}

/// `POST /ops/v1/dead/replay` with `{"max": 100}`, or without a body.
pub async fn replay_all(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    request: Request,
) -> Response {
    let replayed = async {
        let request = read_whole(request, BODY_BYTES_MAX).await?;
        let batch = match request.body.is_empty() {
            true => Batch::default(),
            false => bytes::read_json(&request.body).map_err(|_| out_of_range("max"))?,
        };
        let max = within("max", batch.max)?;
        let replay =
            async { app.bus.dead_act(Act::Replay, Meant::All, max).await.map_err(|error| failed(&error)) };
        let wanted = (Value::Null, json!({"max": max}));
        let report = audit::around(&app, &by, "dead.replay", wanted, replay).await?;
        told(Act::Replay, None, report);
        Ok(report)
    };
    answer(replayed.await)
}

async fn act(app: &Arc<App>, by: &By, act: Act, id: &str) -> Result<Report, Problem> {
    if app.bus.dead_get(id).await.map_err(|error| failed(&error))?.is_empty() {
        return Err(not_found());
    }
    let what = match act {
        Act::Discard => format!("dead.discard {id}"),
        Act::Replay => format!("dead.replay {id}"),
    };
    let acting = async {
        let report = app.bus.dead_act(act, Meant::Id(id), LOOK_MAX).await.map_err(|error| failed(&error))?;
        if report == Report::default() { Err(not_found()) } else { Ok(report) }
    };
    let report = audit::around(app, by, &what, (Value::Null, Value::Null), acting).await?;
    told(act, Some(id), report);
    Ok(report)
}

/// What an operator did is on record.
fn told(act: Act, id: Option<&str>, report: Report) {
    tracing::info!(?act, ?id, ?report, "an operator acted on dead letters");
}

fn within(name: &str, number: Option<usize>) -> Result<usize, Problem> {
    let number = number.unwrap_or(BATCH);
    if (1..=BATCH_MAX).contains(&number) { Ok(number) } else { Err(out_of_range(name)) }
}

fn out_of_range(name: &str) -> Problem {
    Problem::new(Code::InvalidRequest, format!("{name}: must be a number from 1 to {BATCH_MAX}."))
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, format!("No dead letter among the oldest {LOOK_MAX} has this id."))
}

fn failed(error: &bus::Error) -> Problem {
    tracing::warn!(%error, "dead letters cannot be looked at");
    Problem::unavailable(format!("The bus did not do it: {error}. What was not done is still there; retry."))
}
