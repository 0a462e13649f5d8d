//! `/ops/v1/audit`: who did what.

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use tiffin_shared::log::Row;
use tiffin_shared::problem::Problem;

use super::answer;
use super::orders::invalid;
use crate::app::App;
use crate::journal;
use crate::journal::Stream;
use crate::store;

/// Where to begin, and which way to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    newest_first: bool,
    before: Option<u64>,
}

#[derive(Serialize)]
struct Rows {
    /// Oldest first, unless asked for otherwise.
    rows: Vec<Row>,
    /// Ask from here on for more; missing at the end of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// `GET /ops/v1/audit?from=0`: a page of rows. `?newest_first=true&before=100`: those before that one.
pub async fn list(State(app): State<Arc<App>>, wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    answer(page(&app, &Stream::Audit, wanted).await.map(|(rows, next)| Rows { rows, next }))
}

fn unread(error: &store::Error, stream: &Stream) -> Problem {
    tracing::warn!(%error, %stream, "a log cannot be read");
    Problem::unavailable("The store does not answer.")
}

/// A page of a log, and where the next one begins.
pub(super) async fn page(
    app: &App,
    stream: &Stream,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<(Vec<Row>, Option<u64>), Problem> {
    let Query(Wanted { from, newest_first, before }) = wanted
        .map_err(|_| invalid("Send from=0, or newest_first=true with before, each a row's number.".into()))?;
    let away = |error: store::Error| unread(&error, stream);
    if newest_first {
        let rows = journal::read_back(app, stream, before).await.map_err(away)?;
        let next = rows.last().map(|oldest| oldest.n).filter(|n| *n > 0);
        return Ok((rows, next));
    }
    let rows = journal::read(app, stream, from).await.map_err(away)?;
    let next = rows.last().map(|last| last.n.saturating_add(1));
    Ok((rows, next))
}
