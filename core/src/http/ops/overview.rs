//! `/ops/v1/overview`: how the installation fares.

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use tiffin_shared::problem::Problem;
use tiffin_shared::series::Span;

use super::answer;
use super::orders::invalid;
use crate::app::App;
use crate::overview::overview;

/// How far back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    span: Span,
}

/// `GET /ops/v1/overview?span=hour|day|week`
pub async fn show(State(app): State<Arc<App>>, wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    let shown = async {
        let Query(Wanted { span }) =
            wanted.map_err(|_| invalid("span: must be hour, day or week.".into()))?;
        overview(&app, span).await.map_err(|error| {
            tracing::warn!(%error, "there is no overview");
            Problem::unavailable("The store does not answer.")
        })
    };
    answer(shown.await)
}
