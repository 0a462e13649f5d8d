//! `/ops/v1/export` and `/ops/v1/evidence`: a period's orders or money, and what is known of one supplier's orders; streamed.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use chrono::DateTime;
use chrono::NaiveDate;
use chrono::NaiveTime;
use futures::stream;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::log::Row;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::UnixMs;

use super::orders::invalid;
use crate::app::App;
use crate::evidence;
use crate::export::Reader;
use crate::export::csv::Table;
use crate::http::health;
use crate::http::params::Path;
use crate::journal;
use crate::journal::Logs;
use crate::store;

/// Which period, of whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    since: Option<String>,
    until: Option<String>,
    tenant: Option<TenantId>,
    gateway: Option<GatewayId>,
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Csv,
    #[default]
    Ndjson,
}

/// What is left to write.
struct Export {
    app: Arc<App>,
    /// Tenants that are still to come, the next one last.
    tenants: Vec<TenantId>,
    now: Option<(TenantId, Reader)>,
    since: UnixMs,
    until: UnixMs,
    what: What,
    /// The first line, until it is written.
    head: Option<String>,
}

#[derive(Clone)]
enum What {
    Rows(Table, Format),
    /// What is known of each order that went through this gateway.
    Evidence(GatewayId),
}

/// `GET /ops/v1/export/orders|ledger?since=&until=&tenant=&format=ndjson|csv`
pub async fn export(
    State(app): State<Arc<App>>,
    Path(what): Path<String>,
    period: Result<Query<Period>, QueryRejection>,
) -> Response {
    let table = match what.as_str() {
        "ledger" => Table::Ledger,
        "orders" => Table::Orders,
        _ => return health::refuse(&Problem::new(Code::NotFound, "orders or ledger.")),
    };
    let begun = begin(app, period, |period| {
        if period.gateway.is_some() {
            return Err(invalid("gateway: is for /ops/v1/evidence.".into()));
        }
        Ok(What::Rows(table, period.format))
    });
    respond(begun.await)
}

/// `GET /ops/v1/evidence?gateway=&since=&until=&tenant=`: of each order that the supplier was tried for, its closed row, and
/// its sealed packet as long as core has its record.
pub async fn evidence(
    State(app): State<Arc<App>>,
    period: Result<Query<Period>, QueryRejection>,
) -> Response {
    let begun = begin(app, period, |period| match &period.gateway {
        Some(gateway) if period.format == Format::Ndjson => Ok(What::Evidence(gateway.clone())),
        Some(_) => Err(invalid("format: evidence is NDJSON.".into())),
        None => Err(invalid("gateway: name the supplier's account.".into())),
    });
    respond(begun.await)
}

async fn begin(
    app: Arc<App>,
    period: Result<Query<Period>, QueryRejection>,
    what: impl FnOnce(&Period) -> Result<What, Problem>,
) -> Result<Export, Problem> {
    let Query(period) =
        period.map_err(|_| invalid("Parameters are since, until, tenant, gateway and format.".into()))?;
    let what = what(&period)?;
    let since = period.since.as_deref().map_or(Ok(UnixMs(0)), |text| time("since", text))?;
    let until = period.until.as_deref().map_or(Ok(UnixMs(u64::MAX)), |text| time("until", text))?;
    if until <= since {
        return Err(invalid("until: must be later than since.".into()));
    }
    let tenants = tenants(&app, period.tenant, what.logs()).await?;
    let head = match &what {
        What::Rows(table, Format::Csv) => Some(table.head()),
        What::Rows(_, Format::Ndjson) | What::Evidence(_) => None,
    };
    Ok(Export { app, tenants, now: None, since, until, what, head })
}

/// The one that is asked for, or all that are served or have such rows still; the first one last.
async fn tenants(app: &App, asked: Option<TenantId>, logs: Logs) -> Result<Vec<TenantId>, Problem> {
    let away = |error: store::Error| {
        tracing::warn!(%error, "the logs cannot be listed");
        Problem::unavailable("The store does not answer.")
    };
    let directory = app.directory.current();
    let Some(tenant) = asked else {
        let logged = app.searched.listed(logs).fresh(app).await.map_err(away)?;
        let served: BTreeSet<TenantId> = directory.tenants.keys().cloned().collect();
        return Ok((&logged | &served).into_iter().rev().collect());
    };
    let is_served = directory.tenants.contains_key(&tenant);
    if is_served || journal::exists(app, &logs.of(tenant.clone())).await.map_err(away)? {
        return Ok(vec![tenant]);
    }
    let detail = format!("There is no tenant {tenant}, and nothing is kept of one.");
    Err(Problem::new(Code::NotFound, detail))
}

fn respond(begun: Result<Export, Problem>) -> Response {
    let export = match begun {
        Ok(export) => export,
        Err(problem) => return health::refuse(&problem),
    };
    let kind = match export.what {
        What::Rows(_, Format::Csv) => "text/csv; charset=utf-8; header=present",
        What::Rows(_, Format::Ndjson) | What::Evidence(_) => "application/x-ndjson",
    };
    // A store that fails in between cuts the connection: an export that is not whole must not look so.
    let pieces = stream::try_unfold(export, |mut export| async move {
        let piece =
            export.piece().await.inspect_err(|error| tracing::error!(%error, "an export was cut short"));
        Ok::<_, store::Error>(piece?.map(|piece| (piece, export)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
    // Columns hold what callers wrote, and the console is of the same origin.
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

impl What {
    fn logs(&self) -> Logs {
        match self {
            Self::Rows(Table::Ledger, _) => Logs::Money,
            Self::Rows(Table::Orders, _) | Self::Evidence(_) => Logs::Orders,
        }
    }
}

impl Export {
    /// A page's lines; `None` at the end.
    async fn piece(&mut self) -> Result<Option<String>, store::Error> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        loop {
            let (tenant, mut reader) = match self.now.take() {
                Some(now) => now,
                None => {
                    let Some(tenant) = self.tenants.pop() else { return Ok(None) };
                    let stream = self.what.logs().of(tenant.clone());
                    let reader = Reader::start(&self.app, stream, self.since, self.until).await?;
                    (tenant, reader)
                }
            };
            let Some(rows) = reader.page().await? else { continue };
            let mut text = String::new();
            for row in &rows {
                text.push_str(&self.line(&tenant, row).await?);
            }
            self.now = Some((tenant, reader));
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
    }

    async fn line(&self, tenant: &TenantId, row: &Row) -> Result<String, store::Error> {
        Ok(match &self.what {
            What::Rows(table, Format::Csv) => table.line(tenant.as_str(), row),
            What::Rows(_, Format::Ndjson) => ndjson(tenant, row, row.body.clone()),
            What::Evidence(gateway) => {
                let attempts = row.body.get("attempts").and_then(Value::as_array).into_iter().flatten();
                let mut by = attempts.filter_map(|attempt| attempt.get("gateway"));
                if !by.any(|by| by == gateway.as_str()) {
                    return Ok(String::new());
                }
                let id = row.body.get("order").and_then(Value::as_str).unwrap_or_default();
                ndjson(tenant, row, json!({"row": row.body, "packet": self.packet(id).await?}))
            }
        })
    }

    /// Null for an order whose record is gone.
    async fn packet(&self, id: &str) -> Result<Value, store::Error> {
        let Ok(order) = OrderId::parse(id) else { return Ok(Value::Null) };
        match evidence::packet(&self.app, &order).await {
            Ok(packet) => Ok(serde_json::from_str(&packet.text).unwrap_or_default()),
            Err(evidence::Error::Store(error)) => Err(error),
            Err(evidence::Error::NotFound) => Ok(Value::Null),
            Err(error @ evidence::Error::Encode(_)) => {
                tracing::error!(%error, %order, "an order has no packet");
                Ok(Value::Null)
            }
        }
    }
}

fn ndjson(tenant: &TenantId, row: &Row, body: Value) -> String {
    let mut line = json!({"tenant": tenant, "row": row.n});
    if let (Some(fields), Value::Object(body)) = (line.as_object_mut(), body) {
        fields.extend(body);
    }
    format!("{line}\n")
}

/// A day, by UTC, or a time as RFC 3339 has it.
fn time(name: &str, text: &str) -> Result<UnixMs, Problem> {
    let day =
        || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(day);
    let ms = time.and_then(|time| u64::try_from(time.timestamp_millis()).ok());
    ms.map(UnixMs).ok_or_else(|| {
        invalid(format!("{name}: must be a day, 2026-11-30, or a time, 2026-11-30T12:00:00Z."))
    })
}
