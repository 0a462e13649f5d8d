//! `/ops/v1/escalations`: what people have to look at.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::escalation::Act;
use tiffin_shared::escalation::Command;
use tiffin_shared::escalation::Escalation;
use tiffin_shared::escalation::Kind;
use tiffin_shared::escalation::ORDERS_MAX;
use tiffin_shared::escalation::Opening;
use tiffin_shared::escalation::Reply;
use tiffin_shared::escalation::Standing;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;

use super::answer;
use super::orders::invalid;
use super::said::named;
use super::said::said;
use crate::app::App;
use crate::audit;
use crate::desk;
use crate::escalations;
use crate::host;
use crate::http::params::Path;
use crate::http::read_whole;
use crate::webhooks;

/// A hundred orders' ids, and a note.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Of a subject.
const SUBJECT_CHARS_MAX: usize = 120;
/// Of a note.
const NOTE_CHARS_MAX: usize = 1_000;
/// Of a name.
const OWNER_CHARS_MAX: usize = 64;
/// A year.
const DUE_MS_MAX: u64 = 366 * DAY_MS;

/// Which of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    state: Option<Standing>,
    kind: Option<Kind>,
    owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    kind: Kind,
    subject: String,
    text: String,
    tenant: Option<TenantId>,
    gateway: Option<GatewayId>,
    #[serde(default)]
    orders: Vec<OrderId>,
    due_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    owner: String,
}

/// `GET /ops/v1/escalations?state=open&kind=refund&owner=asha`
pub async fn list(State(app): State<Arc<App>>, filter: Result<Query<Filter>, QueryRejection>) -> Response {
    let listed = async {
        let Query(filter) = filter.map_err(|_| invalid("Filters are state, kind and owner.".into()))?;
        let all = all(&app).await?;
        let is_asked_for = |it: &Escalation| {
            filter.state.is_none_or(|state| it.state == state)
                && filter.kind.is_none_or(|kind| it.kind == kind)
                && filter.owner.as_ref().is_none_or(|owner| it.owner.as_ref() == Some(owner))
        };
        let now = host::now();
        let rows: Vec<_> = all.iter().filter(|it| is_asked_for(it)).map(|it| shown(it, now)).collect();
        Ok(json!({"escalations": rows}))
    };
    answer(listed.await)
}

/// `GET /ops/v1/escalations/{id}`
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let found = async {
        let id = number(&id)?;
        let found = all(&app).await?.into_iter().find(|known| known.id == id).ok_or_else(not_found)?;
        Ok(shown(&found, host::now()))
    };
    answer(found.await)
}

/// `POST /ops/v1/escalations`
pub async fn open(State(app): State<Arc<App>>, Extension(by): Extension<By>, request: Request) -> Response {
    let opened = async {
        let request = read_whole(request, BODY_BYTES_MAX).await?;
        let name = match request.header("idempotency-key") {
            Some(name) => bytes::truncate(bytes::sha256(name.as_bytes())),
            None => host::random().map_err(|_| Problem::unavailable("There is no randomness."))?,
        };
        let New { kind, subject, text, tenant, gateway, orders, due_ms } = parsed(&request.body)?;
        let due_ms = due_ms.unwrap_or(app.config.file.escalations.due_ms);
        if orders.len() > ORDERS_MAX || !(HOUR_MS..=DUE_MS_MAX).contains(&due_ms) {
            return Err(invalid(format!("At most {ORDERS_MAX} orders, and due_ms of an hour to a year.")));
        }
        check(&app, tenant.as_ref(), gateway.as_ref(), &orders).await?;
        let now = host::now();
        let opening = Opening {
            kind,
            rule: None,
            subject: said("subject", &subject, SUBJECT_CHARS_MAX, now)?,
            tenant,
            gateway,
            orders,
            text: said("text", &text, NOTE_CHARS_MAX, now)?,
            due_ms,
            request: Bytes(name),
        };
        let what = (Value::Null, json!({"kind": kind, "subject": opening.subject}));
        let command = Command::Open { by: by.name.clone(), opening: Box::new(opening) };
        audit::around(&app, &by, "escalation.open", what, done(&app, command)).await
    };
    answer(opened.await)
}

/// What a person names is there, and of orders that a tenant is told of, each is its own.
async fn check(
    app: &App,
    tenant: Option<&TenantId>,
    gateway: Option<&GatewayId>,
    orders: &[OrderId],
) -> Result<(), Problem> {
    if let Some(tenant) = tenant.filter(|tenant| !app.directory.current().tenants.contains_key(*tenant)) {
        return Err(invalid(format!("tenant: there is no {tenant}. `tiffin tenant list` shows them.")));
    }
    if let Some(gateway) = gateway.filter(|gateway| app.gateways.named(gateway.as_str()).is_none()) {
        return Err(invalid(format!("gateway: there is no {gateway}. `tiffin route list` shows them.")));
    }
    for order in orders {
        let found = desk::find(app, order).await.map_err(|problem| match problem.code {
            Code::NotFound => invalid(format!(
                "orders: core has no record of {order}, or no more: name it in the text instead."
            )),
            _ => problem,
        })?;
        let of = found.job.map(|job| job.tenant);
        if let Some(tenant) = tenant.filter(|tenant| of.as_ref() != Some(*tenant)) {
            return Err(invalid(format!("orders: {order} is not {tenant}'s, who will be told of it.")));
        }
    }
    Ok(())
}

/// `POST /ops/v1/escalations/{id}/assign|note|resolve` with `{"owner"}` or `{"text"}`.
pub async fn act(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path((id, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let acted = async {
        let id = number(&id)?;
        let body = read_whole(request, BODY_BYTES_MAX).await?.body;
        let text = |Text { text }| said("text", &text, NOTE_CHARS_MAX, host::now());
        let act = match verb.as_str() {
            "assign" => Act::Assign(named("owner", parsed::<Owner>(&body)?.owner, OWNER_CHARS_MAX)?),
            "note" => Act::Note(text(parsed(&body)?)?),
            "resolve" => Act::Resolve(text(parsed(&body)?)?),
            _ => return Err(Problem::new(Code::NotFound, "assign, note or resolve.")),
        };
        let after = match &act {
            Act::Assign(owner) => json!({"owner": owner}),
            Act::Note(_) => Value::Null,
            Act::Resolve(_) => json!({"state": "resolved"}),
        };
        let what = format!("escalation.{verb} {id}");
        let command = Command::Act { id, by: by.name.clone(), act };
        audit::around(&app, &by, &what, (Value::Null, after), done(&app, command)).await
    };
    answer(acted.await)
}

async fn done(app: &Arc<App>, command: Command) -> Result<Value, Problem> {
    let kind = match &command {
        Command::Open { .. } => webhooks::Kind::EscalationOpened,
        Command::Act { act: Act::Resolve(_), .. } => webhooks::Kind::EscalationClosed,
        Command::Act { .. } | Command::List => webhooks::Kind::EscalationUpdated,
    };
    match escalations::ask(app, &command).await.map_err(|error| failed(&error))? {
        Reply::One { escalation, .. } => {
            // It stands; its tenant hears of it when somebody does the same again, at the latest.
            escalations::tell(app, kind, &escalation).await.map_err(|error| {
                tracing::warn!(%error, "a tenant is not told of an escalation");
                Problem::unavailable("It is done, and its tenant was not told. Do the same again.")
            })?;
            Ok(shown(&escalation, host::now()))
        }
        Reply::Full => {
            let detail = "There are too many of these: resolve some, or open another.";
            Err(Problem::rate_limited(detail, HOUR_MS))
        }
        Reply::Over => Err(invalid("It is resolved: open another.".into())),
        Reply::All(_) | Reply::NotFound => Err(not_found()),
    }
}

async fn all(app: &App) -> Result<Vec<Escalation>, Problem> {
    escalations::all(app).await.map_err(|error| failed(&error))
}

fn shown(escalation: &Escalation, now: tiffin_shared::time::UnixMs) -> Value {
    let mut shown = json!(escalation);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("request");
        let is_late = escalation.state != Standing::Resolved && escalation.due_at <= now;
        fields.insert("overdue".into(), is_late.into());
    }
    shown
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    bytes::read_json(body)
        .map_err(|_| invalid("Not such a body: see docs/OPERATIONS.md, \"Escalations\".".into()))
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "No escalation has this number. `tiffin escalation list` shows them.")
}

fn failed(error: &crate::store::Error) -> Problem {
    tracing::warn!(%error, "escalations cannot be asked");
    Problem::unavailable("The store does not answer.")
}
