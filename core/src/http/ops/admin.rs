//! `/ops/v1/tenants`, `/ops/v1/keys`, `/ops/v1/routes/{gateway}/settings`: administration beside the settings file.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::Settings;
use tiffin_shared::admin::Wish;
use tiffin_shared::bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use super::orders::invalid;
use crate::admin;
use crate::app::App;
use crate::host;
use crate::http::params::Path;
use crate::http::read_whole;

/// A tenant with its templates.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Of one key.
const ORIGINS_MAX: usize = 20;

/// A key that somebody wants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    tenant: TenantId,
    kind: KeyKind,
    id: Option<KeyId>,
    #[serde(default)]
    origins: Vec<String>,
    #[serde(default)]
    services: Vec<ServiceId>,
}

/// What a request says besides what it wants.
struct Asked {
    expected: Option<u64>,
    body: Vec<u8>,
}

/// `GET /ops/v1/tenants`
pub async fn tenants(State(app): State<Arc<App>>) -> Response {
    let (settled, directory) = (app.settled.current(), app.directory.current());
    let mut names: Vec<_> = directory.tenants.keys().chain(settled.tenants.keys()).collect();
    names.sort();
    names.dedup();
    let row = |id: &TenantId| {
        let services = directory.tenants.get(id).map(|tenant| tenant.services.keys().collect::<Vec<_>>());
        // One that is kept and not served cannot be, since the file was changed; the process's log says why.
        json!({
            "id": id, "managed_by": managed_by(&app, id), "version": version_of(&settled, id),
            "served": services.is_some(), "services": services.unwrap_or_default(),
        })
    };
    let rows: Vec<_> = names.into_iter().map(row).collect();
    answer(Ok(json!({"version": settled.version, "tenants": rows})))
}

/// `GET /ops/v1/tenants/{id}`
pub async fn tenant(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    answer(show(&app, &id))
}

fn show(app: &App, id: &str) -> Result<Value, Problem> {
    let id = tenant_id(id)?;
    let settled = app.settled.current();
    let tenant = match app.config.file.tenants.get(&id) {
        Some(tenant) => tenant,
        None => settled.tenants.get(&id).map(|kept| &kept.value).ok_or_else(no_tenant)?,
    };
    let (managed_by, version) = (managed_by(app, &id), version_of(&settled, &id));
    Ok(json!({"id": id, "managed_by": managed_by, "version": version, "tenant": tenant}))
}

/// `PUT /ops/v1/tenants/{id}`: a new one, or with `If-Match` in place of the one of that version.
pub async fn put_tenant(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let put = async {
        let (id, asked) = (tenant_id(&id)?, asked(request).await?);
        let change = Change::PutTenant(id.clone(), Some(parsed(&asked.body, "a tenant")?));
        admin::change(&app, Wish { by, change, expected: asked.expected }).await?;
        show(&app, id.as_str())
    };
    answer(put.await)
}

/// `DELETE /ops/v1/tenants/{id}` with `If-Match`.
pub async fn remove_tenant(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let removed = async {
        let (id, asked) = (tenant_id(&id)?, asked(request).await?);
        known(&app, &id)?;
        let wish = Wish { by, change: Change::PutTenant(id.clone(), None), expected: asked.expected };
        let settled = admin::change(&app, wish).await?;
        Ok(json!({"id": id, "removed": true, "settings_version": settled.version}))
    };
    answer(removed.await)
}

/// `PUT /ops/v1/tenants/{id}/services/{service}` with the tenant's version in `If-Match`.
pub async fn put_service(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path((id, service)): Path<(String, String)>,
    request: Request,
) -> Response {
    let put = async {
        let asked = asked(request).await?;
        let service_body = Some(parsed(&asked.body, "a service")?);
        let (id, service) = (tenant_id(&id)?, service_id(&service)?);
        let change = Change::PutService(id.clone(), service, service_body);
        admin::change(&app, Wish { by, change, expected: asked.expected }).await?;
        show(&app, id.as_str())
    };
    answer(put.await)
}

/// `DELETE /ops/v1/tenants/{id}/services/{service}` with the tenant's version in `If-Match`.
pub async fn remove_service(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path((id, service)): Path<(String, String)>,
    request: Request,
) -> Response {
    let removed = async {
        let asked = asked(request).await?;
        let (id, service) = (tenant_id(&id)?, service_id(&service)?);
        let change = Change::PutService(id.clone(), service, None);
        admin::change(&app, Wish { by, change, expected: asked.expected }).await?;
        show(&app, id.as_str())
    };
    answer(removed.await)
}

/// `GET /ops/v1/keys`: names and what they are for; keys and digests never.
pub async fn keys(State(app): State<Arc<App>>) -> Response {
    let settled = app.settled.current();
    let row = |key: &ApiKey| {
        let kept = settled.keys.iter().find(|kept| kept.value.id == key.id);
        json!({
            "id": key.id, "tenant": key.tenant, "kind": key.kind, "origins": key.origins,
            "services": key.services, "revoked": key.revoked,
            "managed_by": if kept.is_some() { "store" } else { "file" },
        })
    };
    let rows: Vec<_> = app.directory.current().keys.iter().map(row).collect();
    answer(Ok(json!({"keys": rows})))
}

/// `POST /ops/v1/keys` with `{"tenant", "kind", "id"?, "origins"?, "services"?}`: the key is shown this once.
pub async fn make_key(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    request: Request,
) -> Response {
    let made = async {
        let NewKey { tenant, kind, id, origins, services } = *parsed(&asked(request).await?.body, "a key")?;
        let no_randomness = |_| Problem::unavailable("There is no randomness.");
        let random = host::random::<24>().map_err(no_randomness)?;
        let id = match id {
            Some(id) => id,
            None => named(host::random().map_err(no_randomness)?)?,
        };
        let is_origin = |origin: &String| origin.starts_with("https://") || origin.starts_with("http://");
        if origins.len() > ORIGINS_MAX || !origins.iter().all(is_origin) {
            let detail = format!("origins: at most {ORIGINS_MAX}, such as https://example.com.");
            return Err(invalid(detail));
        }
        let key = write_key(kind, random);
        let digest = key_digest(&key);
        let made = ApiKey {
            id: id.clone(),
            tenant: tenant.clone(),
            kind,
            digest,
            origins,
            services,
            revoked: false,
        };
        admin::change(&app, Wish { by, change: Change::MakeKey(made), expected: None }).await?;
        Ok(json!({"id": id, "tenant": tenant, "kind": kind, "key": key}))
    };
    answer(made.await)
}

/// `POST /ops/v1/keys/{id}/revoke`: for good.
pub async fn revoke_key(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
) -> Response {
    let revoked = async {
        let no_key =
            || Problem::new(Code::NotFound, "No API key has this name. `tiffin key list` shows them.");
        let id = KeyId::parse(&id).map_err(|_| no_key())?;
        admin::change(&app, Wish { by, change: Change::RevokeKey(id.clone()), expected: None }).await?;
        Ok(json!({"id": id, "revoked": true}))
    };
    answer(revoked.await)
}

/// `PUT /ops/v1/routes/{gateway}/settings` with `{"priority"?, "weight"?, "countries"?, "price_micros"?}`: over the file's.
pub async fn put_route(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(gateway): Path<String>,
    request: Request,
) -> Response {
    let put = async {
        let asked = asked(request).await?;
        let settings = *parsed(&asked.body, "a route's settings")?;
        set_route(&app, by, &gateway, Some(settings), asked.expected).await
    };
    answer(put.await)
}

/// `GET /ops/v1/routes/{gateway}/settings`: what operators set over the file's, and at which version; null where nothing is.
pub async fn route(State(app): State<Arc<App>>, Path(gateway): Path<String>) -> Response {
    let gateway = app.gateways.named(&gateway).ok_or_else(|| no_gateway(()));
    answer(gateway.map(|gateway| of_route(&app.settled.current(), gateway.name())))
}

/// `DELETE /ops/v1/routes/{gateway}/settings`: as the file says again.
pub async fn remove_route(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(gateway): Path<String>,
    request: Request,
) -> Response {
    let removed = async {
        let asked = asked(request).await?;
        set_route(&app, by, &gateway, None, asked.expected).await
    };
    answer(removed.await)
}

async fn set_route(
    app: &Arc<App>,
    by: By,
    gateway: &str,
    settings: Option<tiffin_shared::admin::RouteSettings>,
    expected: Option<u64>,
) -> Result<Value, Problem> {
    let gateway = GatewayId::parse(gateway).map_err(no_gateway)?;
    let wish = Wish { by, change: Change::PutRoute(gateway.clone(), settings), expected };
    let settled = admin::change(app, wish).await?;
    Ok(of_route(&settled, &gateway))
}

fn no_gateway<T>(_: T) -> Problem {
    Problem::new(Code::NotFound, "No gateway has this name.")
}

fn of_route(settled: &Settings, gateway: &GatewayId) -> Value {
    let kept = settled.routes.get(gateway);
    json!({"gateway": gateway, "version": kept.map(|kept| kept.version), "settings": kept.map(|kept| &kept.value)})
}

async fn asked(request: Request) -> Result<Asked, Problem> {
    let request = read_whole(request, BODY_BYTES_MAX).await?;
    let expected = match request.header("if-match") {
        None => None,
        Some(tag) => {
            let version = tag.trim().trim_matches('"').parse();
            Some(version.map_err(|_| invalid("If-Match: must be a version, as \"7\".".into()))?)
        }
    };
    Ok(Asked { expected, body: request.body })
}

fn parsed<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<Box<T>, Problem> {
    let parsed = bytes::read_json(body).map(Box::new);
    // Not its values: they may be anything that was sent here by mistake.
    parsed.map_err(|error| {
        let words = error.to_string();
        let reason = words.split(" at line").next().unwrap_or_default();
        let reason = if reason.contains("invalid") { "a value is of another kind" } else { reason };
        invalid(format!("Not {what} as tiffin.toml would have it: {reason} (column {}).", error.column()))
    })
}

fn named(random: [u8; 5]) -> Result<KeyId, Problem> {
    let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    KeyId::parse(&format!("ops-{name}")).map_err(|_| Problem::unavailable("A key could not be named."))
}

fn tenant_id(id: &str) -> Result<TenantId, Problem> {
    TenantId::parse(id).map_err(|error| invalid(format!("{error}.")))
}

fn service_id(id: &str) -> Result<ServiceId, Problem> {
    ServiceId::parse(id).map_err(|error| invalid(format!("{error}.")))
}

fn known(app: &App, id: &TenantId) -> Result<(), Problem> {
    let is_known = app.config.file.tenants.contains_key(id) || app.settled.current().tenants.contains_key(id);
    if is_known { Ok(()) } else { Err(no_tenant()) }
}

fn no_tenant() -> Problem {
    Problem::new(Code::NotFound, "No tenant has this name. `tiffin tenant list` shows them.")
}

fn managed_by(app: &App, id: &TenantId) -> &'static str {
    if app.config.file.tenants.contains_key(id) { "file" } else { "store" }
}

fn version_of(settled: &Settings, id: &TenantId) -> Option<u64> {
    settled.tenants.get(id).map(|kept| kept.version)
}
