//! `/ops/v1/abuse` and `/ops/v1/phones`: what is challenged or blocked and why, letting it go, and unlocking a phone.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::http::desk::Networks;
use tiffin_shared::id::TenantId;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use super::orders::invalid;
use super::said::said;
use crate::abuse;
use crate::abuse::Unlock;
use crate::abuse::Unlocked;
use crate::app::App;
use crate::audit;
use crate::guard::abuse as guards;
use crate::guard::abuse::Named;
use crate::host;
use crate::http::read_whole;
use crate::operators;
use crate::store;

/// A tenant, a number or a name, and a reason.
const BODY_BYTES_MAX: usize = 2 * 1_024;
/// Of a reason: a sentence for whoever reads the audit later.
const REASON_CHARS_MAX: usize = 280;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freed {
    tenant: TenantId,
    subject: String,
}

#[derive(Serialize)]
struct Released {
    /// Whether a verdict stood. It is in force at the edge with the next directory, within seconds.
    released: bool,
}

/// No `Debug`: it is an address in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    ip: String,
}

/// No `Debug`: it is a number in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Locked {
    tenant: TenantId,
    phone: String,
    reason: String,
}

/// `GET /ops/v1/abuse`.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    answer(guards::board(&app).await.map_err(|error| away(&error)))
}

/// `POST /ops/v1/abuse/release` with `{"tenant": "shop", "subject": …}`, as it was listed.
pub async fn release(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    request: Request,
) -> Response {
    answer(let_go(&app, &by, request).await)
}

async fn let_go(app: &Arc<App>, by: &By, request: Request) -> Result<Released, Problem> {
    let hint = "Send {\"tenant\": \"...\", \"subject\": ...} as they are listed.";
    let Freed { tenant, subject } = read(request, hint).await?;
    let named = Named::parse(&tenant, &subject)
        .ok_or_else(|| invalid("subject: send it back as it was listed.".into()))?;
    if !app.directory.current().tenants.contains_key(&tenant) {
        return Err(Problem::new(Code::NotFound, "There is no such tenant."));
    }
    let what = format!("abuse.release {tenant}/{named}");
    let released = async { guards::release(app, &tenant, named).await.map_err(|error| away(&error)) };
    let released = audit::around(app, by, &what, (json!(null), json!("released")), released).await?;
    Ok(Released { released })
}

/// `POST /ops/v1/abuse/network` with `{"ip": "198.51.100.7"}`: how its network stands.
pub async fn network(State(app): State<Arc<App>>, request: Request) -> Response {
    let asked = async { abuse::network(&app, address(request).await?).await };
    answer(asked.await)
}

/// `POST /ops/v1/abuse/network/release` with `{"ip": "198.51.100.7"}`: it starts anew.
pub async fn release_network(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    request: Request,
) -> Response {
    answer(forget_network(&app, &by, request).await)
}

async fn forget_network(app: &Arc<App>, by: &By, request: Request) -> Result<Networks, Problem> {
    let ip = address(request).await?;
    let hash = operators::audit_hash(app, &ip.to_canonical().to_string())?;
    abuse::release_network(app, by, ip, &hash).await
}

/// `POST /ops/v1/phones/unlock` with `{"tenant": "shop", "phone": "+919876543210", "reason": "..."}`.
pub async fn unlock(State(app): State<Arc<App>>, Extension(by): Extension<By>, request: Request) -> Response {
    answer(open(&app, &by, request).await)
}

async fn open(app: &Arc<App>, by: &By, request: Request) -> Result<Unlocked, Problem> {
    let hint = "Send {\"tenant\": \"...\", \"phone\": \"+...\", \"reason\": \"...\"}.";
    let Locked { tenant, phone, reason } = read(request, hint).await?;
    let phone =
        Phone::parse(&phone).map_err(|error| Problem::new(Code::InvalidPhone, format!("phone: {error}.")))?;
    let reason = said("reason", &reason, REASON_CHARS_MAX, host::now())?;
    let hash = operators::audit_hash(app, phone.e164())?;
    abuse::unlock(app, by, Unlock { tenant, phone, hash, reason }).await
}

/// Not the parser's words: they may repeat a number or an address.
async fn read<T: DeserializeOwned>(request: Request, hint: &str) -> Result<T, Problem> {
    let body = read_whole(request, BODY_BYTES_MAX).await?.body;
    bytes::read_json(&body).map_err(|_| invalid(hint.to_owned()))
}

async fn address(request: Request) -> Result<IpAddr, Problem> {
    let Address { ip } = read(request, "Send {\"ip\": \"...\"}.").await?;
    ip.trim().parse().map_err(|_| invalid("ip: must be an IPv4 or IPv6 address.".into()))
}

fn away(error: &store::Error) -> Problem {
    tracing::warn!(%error, "the guards were not asked");
    Problem::unavailable("The store does not answer.")
}
