//! Twilio Programmable Messaging and Voice, as their adapters see them: create, fetch and list messages and calls, and status
//! callbacks.
//!
//! Messages and what calls said live in the inbox. Faults strike the creation only, so that what became of a message can always be
//! looked up. Left out: media, schedules, feedback, and
//! the texts of content templates.

use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use self::error::Error;
use self::list::List;
use self::resource::Page;
use self::resource::Resource;
use super::clock;
use super::faults::Usual;
use super::inbox::Message;
use super::state::Sandbox;

mod auth;
mod calls;
mod codes;
mod create;
mod error;
mod list;
mod receipt;
mod request;
mod resource;

/// No permission to call the region; nobody takes the call.
pub(super) const USUAL_OF_CALLS: Usual = Usual { reject: "21215", failed_receipt: "no-answer" };

/// WhatsApp: invalid recipient, at once or later.
pub(super) const USUAL_OF_WHATSAPP: Usual = Usual { reject: "63024", failed_receipt: "63024" };

/// 'To' is not a mobile number; unreachable destination handset.
pub(super) const USUAL: Usual = Usual { reject: "21614", failed_receipt: "30003" };

/// The message has left; it is not final; and an update that asks for neither.
const TOO_LATE: u32 = 30_409;
const NOT_FINAL: u32 = 20_009;
const NO_UPDATE: u32 = 30_400;

const API_VERSION: &str = "2010-04-01";

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .merge(calls::routes())
        .route("/2010-04-01/Accounts/{account_sid}/Messages.json", post(create::create).get(list))
        .route("/2010-04-01/Accounts/{account_sid}/Messages/{file}", get(fetch).post(update))
        .route("/2010-04-01/Accounts/{file}", get(account))
}

async fn fetch(
    State(sandbox): State<Arc<Sandbox>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let gateways = auth::gateways(&sandbox.accounts, &account_sid, &headers)?;
    let message = file
        .strip_suffix(".json")
        .and_then(|sid| sandbox.inbox.find(sid))
        .filter(|message| gateways.iter().any(|account| account.gateway() == message.entry.gateway))
        .ok_or(Error::NotFound)?;
    Ok(Json(Resource::new(&account_sid, &message)).into_response())
}

/// `Status=canceled` stops a message that is queued, an empty `Body` takes the text out of one that is final.
async fn update(
    State(sandbox): State<Arc<Sandbox>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Error> {
    let gateways = auth::gateways(&sandbox.accounts, &account_sid, &headers)?;
    let Form(form) = form?;
    let is_own =
        |message: &Message| gateways.iter().any(|account| account.gateway() == message.entry.gateway);
    let find = || file.strip_suffix(".json").and_then(|sid| sandbox.inbox.find(sid)).filter(is_own);
    let id = find().ok_or(Error::NotFound)?.entry.id.clone();
    let wishes: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match *wishes {
        [("Status", "canceled")] if sandbox.inbox.stop(&id, clock::now_ms()) => {}
        [("Status", "canceled")] => return Err(Error::Scripted(TOO_LATE)),
        [("Body", "")] if sandbox.inbox.erase(&id, clock::now_ms()) => {}
        [("Body", "")] => return Err(Error::Scripted(NOT_FINAL)),
        _ => return Err(Error::Scripted(NO_UPDATE)),
    }
    let message = find().ok_or(Error::NotFound)?;
    Ok(Json(Resource::new(&account_sid, &message)).into_response())
}

async fn account(
    State(sandbox): State<Arc<Sandbox>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let account_sid = file.strip_suffix(".json").ok_or(Error::NotFound)?;
    auth::gateways(&sandbox.accounts, account_sid, &headers)?;
    let account =
        json!({ "sid": account_sid, "status": "active", "type": "Trial", "friendly_name": "sandbox" });
    Ok(Json(account).into_response())
}

async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    query: Result<Query<List>, QueryRejection>,
) -> Result<Response, Error> {
    auth::gateways(&sandbox.accounts, &account_sid, &headers)?;
    let list = List::read(query)?;
    let account = auth::account(&sandbox.accounts, list.kind(), &account_sid, &headers)?;
    let is_own = |message: &Message| message.entry.gateway == account.gateway();
    let messages = sandbox.inbox.newest(|message| is_own(message) && list.wants(message));
    Ok(Json(Page::new(&account_sid, &list, &messages)).into_response())
}
