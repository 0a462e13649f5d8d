//! `/ops/v1/balances` and `/ops/v1/tenants/{id}/…`: what tenants have, what they were charged, and money put in.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::AMOUNT_MICROS_MAX;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Credited;
use tiffin_shared::money::NOTE_CHARS_MAX;
use tiffin_shared::money::REFERENCE_CHARS_MAX;
use tiffin_shared::money::Summary;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use super::audit::Wanted;
use super::audit::page;
use crate::app::App;
use crate::audit;
use crate::http::params::Path;
use crate::http::read_whole;
use crate::journal::Stream;
use crate::money;

/// An amount, a reference, a note and some room.
const BODY_BYTES_MAX: usize = 2_048;

/// Accounts read at once.
const READS: usize = 16;

#[derive(Serialize)]
struct Listed {
    balances: Vec<OfTenant>,
}

#[derive(Serialize)]
struct OfTenant {
    tenant: TenantId,
    #[serde(flatten)]
    summary: Summary,
}

/// An operator's credit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credit {
    amount_micros: i64,
    reference: String,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Serialize)]
struct Done {
    /// Whether it was done just now, or before.
    result: Credited,
    #[serde(flatten)]
    account: OfTenant,
}

#[derive(Serialize)]
struct Entries {
    /// Oldest first, unless asked for otherwise.
    entries: Vec<Value>,
    /// Where the next ones begin; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// `GET /ops/v1/balances`: every tenant that pays.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    let directory = app.directory.current();
    let paying = directory.tenants.iter().filter(|(_, tenant)| tenant.billing.is_some());
    let paying: Vec<TenantId> = paying.map(|(id, _)| id.clone()).collect();
    let read = stream::iter(paying).map(|id| {
        let app = Arc::clone(&app);
        async move { stands(&app, &id).await }
    });
    let balances: Result<Vec<OfTenant>, Problem> = read.buffered(READS).try_collect().await;
    answer(balances.map(|balances| Listed { balances }))
}

/// `GET /ops/v1/tenants/{id}/balance`
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let shown = async { stands(&app, &paying(&app, &id)?).await };
    answer(shown.await)
}

/// `POST /ops/v1/tenants/{id}/balance/credit`: once by its reference, however often it comes.
pub async fn credit(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let credited = async {
        let tenant = paying(&app, &id)?;
        let body = read_whole(request, BODY_BYTES_MAX).await?.body;
        let Credit { amount_micros, reference, note } = bytes::read_json(&body).map_err(|error| {
            invalid(format!("Send {{\"amount_micros\", \"reference\", \"note\"}}: {error}."))
        })?;
        if amount_micros == 0 || amount_micros.unsigned_abs() > AMOUNT_MICROS_MAX {
            return Err(invalid(format!("amount_micros: 1 to {AMOUNT_MICROS_MAX}, or the same below zero.")));
        }
        let fits = |text: &str, max| text.chars().count() <= max && !text.chars().any(char::is_control);
        if reference.trim().is_empty() || !fits(&reference, REFERENCE_CHARS_MAX) {
            return Err(invalid(format!("reference: 1 to {REFERENCE_CHARS_MAX} printable characters.")));
        }
        if !note.as_deref().is_none_or(|note| fits(note, NOTE_CHARS_MAX)) {
            return Err(invalid(format!("note: at most {NOTE_CHARS_MAX} printable characters.")));
        }
        let asked = Ask::Credit { amount_micros, reference: reference.clone(), note };
        let wanted = (Value::Null, json!({"amount_micros": amount_micros, "reference": reference}));
        let credit = async { money::ask_and_log(&app, &tenant, asked).await.map_err(|error| away(&error)) };
        let reply = audit::around(&app, &by, &format!("balance.credit {tenant}"), wanted, credit).await?;
        match reply.credited {
            Some(result @ (Credited::Done | Credited::Before)) => {
                tracing::info!(%tenant, amount_micros, reference, ?result, "an operator's credit");
                Ok(Done { result, account: OfTenant { tenant, summary: reply.summary } })
            }
            Some(Credited::Mismatch) => {
                Err(Problem::new(Code::IdempotencyMismatch, "Another amount went by this reference before."))
            }
            Some(Credited::TooLow) => {
                Err(invalid("amount_micros: the account would go beyond its limit.".into()))
            }
            Some(Credited::Currency) => {
                Err(invalid("The account is in another currency than the settings.".into()))
            }
            Some(Credited::Busy) | None => Err(Problem::unavailable("The account waits for its log.")),
        }
    };
    answer(credited.await)
}

/// `GET /ops/v1/tenants/{id}/ledger?from=0`: a page of entries, oldest first. `?newest_first=true&before=100`: those before
/// that one.
pub async fn ledger(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let listed = async {
        // One that pays no more still has its books.
        let tenant = TenantId::parse(&id).map_err(|_| unknown())?;
        let (rows, next) = page(&app, &Stream::Money(tenant), wanted).await?;
        Ok(Entries { entries: rows.into_iter().map(|row| row.body).collect(), next })
    };
    answer(listed.await)
}

async fn stands(app: &App, tenant: &TenantId) -> Result<OfTenant, Problem> {
    let reply = money::read(app, tenant).await.map_err(|error| away(&error))?;
    Ok(OfTenant { tenant: tenant.clone(), summary: reply.summary })
}

/// A tenant that pays.
fn paying(app: &App, id: &str) -> Result<TenantId, Problem> {
    let tenant = TenantId::parse(id).map_err(|_| unknown())?;
    match app.directory.current().tenants.get(&tenant) {
        None => Err(unknown()),
        Some(known) if known.billing.is_none() => {
            let detail = format!("{tenant} pays nothing: the settings have no [tenants.{tenant}.billing].");
            Err(Problem::new(Code::NotFound, detail))
        }
        Some(_) => Ok(tenant),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "No such tenant.")
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

fn away(error: &money::Error) -> Problem {
    tracing::warn!(%error, "an account was not reached");
    Problem::unavailable(
        "The store does not answer: whether it was done is not known. Ask again the same way.",
    )
}
