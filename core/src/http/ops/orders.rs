//! `/ops/v1/orders`: what core knows of an order, and what support may do about it.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Timeline;
use tiffin_shared::order::advice::Advice;
use tiffin_shared::order::moves::Allowed;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::wire::api;
use tiffin_shared::wire::api::ChannelChoice;

use super::answer;
use super::said::said;
use crate::app::App;
use crate::audit;
use crate::desk;
use crate::desk::Retry;
use crate::host;
use crate::http::params::Path;
use crate::http::read_whole;

/// A channel and a reason.
const BODY_BYTES_MAX: usize = 2 * 1_024;
/// Of a reason: a sentence for whoever reads the story later.
const REASON_CHARS_MAX: usize = 280;
/// Of an `Idempotency-Key`.
const KEY_CHARS_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    channel: ChannelChoice,
    reason: String,
}

#[derive(Serialize)]
struct Came {
    /// As its tenant would see it.
    order: Box<api::Order>,
}

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
    /// What support may do, and why it may not do the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    moves: Option<[Allowed; 2]>,
}

async fn find(app: &App, id: &str) -> Result<Shown, Problem> {
    let timeline = desk::find(app, &order_of(id)?).await?;
    let outlook = outlook(app, &timeline);
    let (advice, moves) = outlook.map_or((None, None), |(advice, moves)| (Some(advice.view()), Some(moves)));
    Ok(Shown { timeline, advice, moves })
}

/// What to do about an order, as core knows it.
pub(crate) fn advice(app: &App, timeline: &Timeline) -> Option<api::Advice> {
    outlook(app, timeline).map(|(advice, _)| advice.view())
}

fn outlook(app: &App, timeline: &Timeline) -> Option<(Advice, [Allowed; 2])> {
    let (job, directory) = (timeline.job.as_ref()?, app.directory.current());
    let tenant = directory.tenants.get(&job.tenant)?;
    let service = tenant.services.get(&job.service)?;
    let ways = directory.ways(service, job.country);
    timeline.outlook(&ways, &tenant.limits, service.waiting_ms, host::now())
}

/// `POST /ops/v1/orders/{id}/retry` with `{"channel": "voice", "reason": "..."}`.
pub async fn retry(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let asked = async {
        let order = order_of(&id)?;
        let request = read_whole(request, BODY_BYTES_MAX).await?;
        let name = request.header("idempotency-key").map(str::to_owned);
        if name.as_ref().is_some_and(|name| name.is_empty() || name.len() > KEY_CHARS_MAX) {
            return Err(invalid(format!("Idempotency-Key: must be 1 to {KEY_CHARS_MAX} characters.")));
        }
        let request_id = match name {
            Some(name) => bytes::truncate(bytes::sha256(name.as_bytes())),
            None => host::random().map_err(|_| Problem::unavailable("There is no randomness."))?,
        };
        let Wish { channel, reason } = bytes::read_json(&request.body).map_err(|_| {
            invalid("Send {\"reason\": \"...\"}, and \"channel\" where it must be one of them.".into())
        })?;
        let reason = said("reason", &reason, REASON_CHARS_MAX, host::now())?;
        let wanted = (Value::Null, json!({"channel": channel, "reason": reason}));
        let retry = Retry { order: &order, by: &by.name, reason, channel, request: Bytes(request_id) };
        audit::around(&app, &by, &format!("order.retry {order}"), wanted, desk::retry(&app, retry)).await
    };
    answer(asked.await.map(|order| Came { order }))
}

/// `POST /ops/v1/orders/{id}/cancel`: inside its cancellation window.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
) -> Response {
    let asked = async {
        let order = order_of(&id)?;
        let cancelling = desk::cancel(&app, &order, &by.name);
        audit::around(&app, &by, &format!("order.cancel {order}"), (Value::Null, Value::Null), cancelling)
            .await
    };
    answer(asked.await.map(|order| Came { order }))
}

fn order_of(id: &str) -> Result<OrderId, Problem> {
    OrderId::parse(id).map_err(|_| desk::no_record())
}

pub(super) fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}
