//! `/ops/v1/orders`: what core knows of an order.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Read;
use tiffin_shared::order::Timeline;
use tiffin_shared::order::advice::Advice;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::wire::api;

use super::answer;
use crate::app::App;
use crate::host;
use crate::store::Key;

/// `GET /ops/v1/orders/{id}`: attempts with their routes and reasons, and why at other moments nothing was sent.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    answer(find(&app, &id).await)
}

/// A timeline, and what to do about the order.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    timeline: Box<Timeline>,
    /// As core sees it: guesses are counted at the edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<api::Advice>,
}

async fn find(app: &App, id: &str) -> Result<Shown, Problem> {
    let not_found = || {
        Problem::new(
            Code::NotFound,
            "Core has no record of this order: its job has not come, or it is over a day old.",
        )
    };
    let order = OrderId::parse(id).map_err(|_| not_found())?;
    let read = app.store.apply::<Read>(&Key::order(&order), &(), host::now()).await;
    let read = read.map_err(|error| {
        tracing::warn!(%error, order.id = %order, "a record cannot be read");
        Problem::unavailable("The store does not answer, or the record cannot be read.")
    })?;
    let timeline = read.ok_or_else(not_found)?;
    let advice = advice(app, &timeline);
    Ok(Shown { timeline, advice })
}

/// What to do about an order, as core knows it.
pub(crate) fn advice(app: &App, timeline: &Timeline) -> Option<api::Advice> {
    let (job, directory) = (timeline.job.as_ref()?, app.directory.current());
    let tenant = directory.tenants.get(&job.tenant)?;
    let service = tenant.services.get(&job.service)?;
    let ways = directory.ways(service, job.country);
    timeline.advice(&ways, &tenant.limits, service.waiting_ms, host::now()).map(Advice::view)
}
