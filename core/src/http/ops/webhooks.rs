//! `/ops/v1/webhooks`: endpoints of tenants, what was delivered to them, and the operator's hand on them.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;

use super::answer;
use crate::app::App;
use crate::audit;
use crate::http::params::Path;
use crate::http::read_whole;
use crate::operators::Who;
use crate::webhooks::Kind;
use crate::webhooks::manage;
use crate::webhooks::manage::DELIVERIES_MAX;
use crate::webhooks::manage::Refused;
use crate::webhooks::manage::Which;
use crate::webhooks::target;

/// An address of 2 KiB, the names of all events, and some room.
const BODY_BYTES_MAX: usize = 8_192;
/// Deliveries shown where nobody says how many.
const DELIVERIES: usize = 100;
/// How long a rotated key signs too, where nobody says so, in hours; and at most.
const OVERLAP_HOURS: u64 = 24;
const OVERLAP_HOURS_MAX: u64 = 30 * (DAY_MS / HOUR_MS);

type Named = Path<(String, String)>;

/// Body of `POST /ops/v1/webhooks/{tenant}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: EndpointId,
    url: String,
    /// Everything where there is none.
    #[serde(default)]
    events: Vec<Kind>,
    #[serde(default)]
    signature: Signature,
}

/// How deliveries are signed.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signature {
    /// HMAC-SHA256.
    #[default]
    V1,
    /// Ed25519.
    V1a,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotate {
    overlap_hours: Option<u64>,
}

/// Body of `POST …/replay`. One of `event`, `order` and `since`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    event: Option<String>,
    order: Option<String>,
    since_ms: Option<u64>,
    until_ms: Option<u64>,
    #[serde(default)]
    from: u64,
}

/// How many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Endpoints {
    endpoints: Vec<manage::Shown>,
}

/// `GET /ops/v1/webhooks`
pub async fn list(State(app): State<Arc<App>>) -> Response {
    let listed = manage::list(&app).await.map_err(|error| refused(&error));
    answer(listed.map(|endpoints| Endpoints { endpoints }))
}

/// `POST /ops/v1/webhooks/{tenant}`: the reply holds the key, this once.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response {
    let added = async {
        let tenant = TenantId::parse(&tenant).map_err(|_| refused(&Refused::NoTenant))?;
        let New { name, url, events, signature } = body(request).await?;
        let is_pair = matches!(signature, Signature::V1a);
        let what = format!("webhook.add {tenant}/{name}");
        let wanted = (Value::Null, json!({"url": target::shown(&url), "events": events}));
        let adding = async {
            let added = manage::add(&app, (tenant, name), url, events, is_pair).await;
            added.map_err(|error| refused(&error))
        };
        audit::around(&app, &by, &what, wanted, adding).await
    };
    answer(added.await)
}

/// `DELETE /ops/v1/webhooks/{tenant}/{name}`
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(named): Named,
) -> Response {
    let removed = async {
        let (tenant, name) = parse(&named)?;
        let removing = async { manage::remove(&app, &tenant, &name).await.map_err(|error| refused(&error)) };
        let (url, events) = manage::told(&app, &tenant, &name).await.map_err(|error| refused(&error))?;
        let gone = (json!({"url": target::shown(&url), "events": events}), Value::Null);
        audited(&app, &by, ("remove", &tenant, &name), gone, removing).await?;
        Ok(json!({"removed": true}))
    };
    answer(removed.await)
}

/// `POST /ops/v1/webhooks/{tenant}/{name}/rotate` with `{"overlap_hours": 24}`, or without a body.
pub async fn rotate(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(named): Named,
    request: Request,
) -> Response {
    let rotated = async {
        let (tenant, name) = parse(&named)?;
        let hours = body::<Rotate>(request).await?.overlap_hours.unwrap_or(OVERLAP_HOURS);
        if hours > OVERLAP_HOURS_MAX {
            return Err(invalid(format!("overlap_hours: must be 0 to {OVERLAP_HOURS_MAX}.")));
        }
        let rotating = async {
            let rotated = manage::rotate(&app, (&tenant, &name), hours.saturating_mul(HOUR_MS)).await;
            rotated.map_err(|error| refused(&error))
        };
        let changed = (Value::Null, json!({"overlap_hours": hours}));
        audited(&app, &by, ("rotate", &tenant, &name), changed, rotating).await
    };
    answer(rotated.await)
}

/// `POST /ops/v1/webhooks/{tenant}/{name}/enable`
pub async fn enable(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(named): Named,
) -> Response {
    let enabled = async {
        let (tenant, name) = parse(&named)?;
        let enabling = async { manage::enable(&app, &tenant, &name).await.map_err(|error| refused(&error)) };
        audited(&app, &by, ("enable", &tenant, &name), UNSAID, enabling).await
    };
    answer(enabled.await)
}

/// `POST /ops/v1/webhooks/{tenant}/{name}/test`
pub async fn test(State(app): State<Arc<App>>, Extension(by): Extension<By>, Path(named): Named) -> Response {
    let tested = async {
        let (tenant, name) = parse(&named)?;
        let testing = async { manage::test(&app, &tenant, &name).await.map_err(|error| refused(&error)) };
        let event = audited(&app, &by, ("test", &tenant, &name), UNSAID, testing).await?;
        Ok(json!({"event": event}))
    };
    answer(tested.await)
}

/// `GET /ops/v1/webhooks/{tenant}/{name}/deliveries?limit=100`
pub async fn deliveries(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(named): Named,
    limit: Result<Query<Limit>, QueryRejection>,
) -> Response {
    let listed = async {
        let (tenant, name) = parse(&named)?;
        let limit = limit.ok().and_then(|Query(Limit { limit })| {
            (1..=DELIVERIES_MAX).contains(&limit.unwrap_or(DELIVERIES)).then(|| limit.unwrap_or(DELIVERIES))
        });
        let limit =
            limit.ok_or_else(|| invalid(format!("limit: must be a number from 1 to {DELIVERIES_MAX}.")))?;
        let found = manage::deliveries(&app, (&tenant, &name), limit, who.role).await;
        let found = found.map_err(|error| refused(&error))?;
        Ok(json!({"deliveries": found}))
    };
    answer(listed.await)
}

/// `POST /ops/v1/webhooks/{tenant}/{name}/replay`
pub async fn replay(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(named): Named,
    request: Request,
) -> Response {
    let replayed = async {
        let (tenant, name) = parse(&named)?;
        let Replay { event, order, since_ms, until_ms, from } = body(request).await?;
        if [event.is_some(), order.is_some(), since_ms.is_some()].into_iter().filter(|given| *given).count()
            != 1
        {
            return Err(invalid("Give one of event, order and since_ms.".into()));
        }
        let (since, until) = (since_ms.map(UnixMs), until_ms.map(UnixMs));
        let which = Which { event, subject: order, since, until };
        let replaying = async {
            let replayed = manage::replay(&app, (&tenant, &name), &which, from).await;
            replayed.map_err(|error| refused(&error))
        };
        audited(&app, &by, ("replay", &tenant, &name), UNSAID, replaying).await
    };
    answer(replayed.await)
}

/// Logs it, does it, and logs too when it was not done.
async fn audited<T>(
    app: &Arc<App>,
    by: &By,
    (verb, tenant, name): (&str, &TenantId, &EndpointId),
    changed: (Value, Value),
    act: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let what = format!("webhook.{verb} {tenant}/{name}");
    audit::around(app, by, &what, changed, act).await
}

const UNSAID: (Value, Value) = (Value::Null, Value::Null);

fn parse((tenant, name): &(String, String)) -> Result<(TenantId, EndpointId), Problem> {
    let parsed = (TenantId::parse(tenant), EndpointId::parse(name));
    match parsed {
        (Ok(tenant), Ok(name)) => Ok((tenant, name)),
        _ => Err(refused(&Refused::NotFound)),
    }
}

/// An empty one is `{}`.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let request = read_whole(request, BODY_BYTES_MAX).await?;
    let text = if request.body.is_empty() { b"{}".as_slice() } else { &request.body };
    // Through a value: its errors repeat no more of the body than a name.
    let value: Value = bytes::read_json(text).map_err(|_| invalid("The body is no JSON.".into()))?;
    serde_json::from_value(value).map_err(|error| invalid(format!("The body: {error}.")))
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

fn refused(error: &Refused) -> Problem {
    let code = match error {
        Refused::NotFound | Refused::NoTenant => Code::NotFound,
        Refused::Exists | Refused::Fixed(_) | Refused::Full | Refused::Target(_) => Code::InvalidRequest,
        Refused::Failed(error) => {
            tracing::warn!(%error, "endpoints cannot be looked at or changed");
            return Problem::unavailable("The store did not do it, as far as we know. Look, and retry.");
        }
    };
    Problem::new(code, format!("{error}."))
}
