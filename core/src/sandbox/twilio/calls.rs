//! The Calls resource: a call says its markup, which stands in the inbox as text, and somebody takes it.
//!
//! What a script fails a call with is how it ends: `busy`, `no-answer`, `failed`, `canceled`, a SIP code as `sip-404`, or who
//! answered in place of a person: `machine_start`, or `machine` for short, or `fax`.

use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use self::request::Create;
use super::API_VERSION;
use super::Error;
use super::auth;
use super::create::count_stranger;
use crate::sandbox::clock;
use crate::sandbox::inbox;
use crate::sandbox::inbox::Message;
use crate::sandbox::line::Connection;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

mod receipt;
mod request;
mod resource;
mod said;

const KIND: &str = "twilio_voice";

/// Twilio's default.
const PAGE_SIZE: usize = 50;

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account_sid}/Calls.json", post(create).get(list))
        .route("/2010-04-01/Accounts/{account_sid}/Calls/{file}", get(fetch).post(update))
}

async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    connection: Connection,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, KIND, &account_sid, &headers)
        .inspect_err(|_error| count_stranger(&sandbox, KIND, &account_sid))?;
    let create = form.map(|Form(form)| Create::read(form));
    let taking = Taking::begin(&sandbox, account, create.as_ref().ok().map(Create::pair)).await;
    let taken = taking.end(|| {
        let (message, wishes) = create?.message(account, clock::now_ms())?;
        Ok((message, receipt::teller(account, wishes)))
    });
    match taken.await {
        Taken::Yes(message) => {
            Ok((StatusCode::CREATED, Json(resource::call(&account_sid, &message))).into_response())
        }
        Taken::No(refusal) => Err(refusal.into()),
        Taken::Silence(silence) => Ok(silence.keep(&sandbox, connection).await),
    }
}

async fn fetch(
    State(sandbox): State<Arc<Sandbox>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, KIND, &account_sid, &headers)?;
    let message = file.strip_suffix(".json").and_then(|sid| sandbox.inbox.find(sid));
    let message =
        message.filter(|message| message.entry.gateway == account.gateway()).ok_or(Error::NotFound)?;
    Ok(Json(resource::call(&account_sid, &message)).into_response())
}

/// `Status=canceled` ends a call that is queued or rings, `completed` any.
async fn update(
    State(sandbox): State<Arc<Sandbox>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, KIND, &account_sid, &headers)?;
    let Form(form) = form?;
    let is_own = |message: &Message| message.entry.gateway == account.gateway();
    let find = || file.strip_suffix(".json").and_then(|sid| sandbox.inbox.find(sid)).filter(is_own);
    let message = find().ok_or(Error::NotFound)?;
    match form.iter().find(|(name, _)| name == "Status").map(|(_, status)| status.as_str()) {
        // Of one that somebody took, neither changes what is known.
        Some("canceled" | "completed") => sandbox.inbox.stop(&message.entry.id, clock::now_ms()),
        _ => return Err(Error::Parameter("Status: canceled or completed".to_owned())),
    };
    let message = find().ok_or(Error::NotFound)?;
    Ok(Json(resource::call(&account_sid, &message)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    to: Option<String>,
    from: Option<String>,
    page_size: Option<usize>,
}

/// The newest, without the pages behind them.
async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    Query(list): Query<List>,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, KIND, &account_sid, &headers)?;
    let address = |given: Option<String>| given.map(|given| inbox::address(&given));
    let (to, from) = (address(list.to), address(list.from));
    let is_wanted = |message: &Message| {
        message.entry.gateway == account.gateway()
            && to.as_ref().is_none_or(|to| *to == message.entry.to)
            && (from.is_none() || from == message.from)
    };
    let page_size = list.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE);
    let calls = sandbox.inbox.newest(is_wanted).into_iter().take(page_size);
    let calls = calls.map(|message| resource::call(&account_sid, &message)).collect::<Vec<_>>();
    let uri = format!("/{API_VERSION}/Accounts/{account_sid}/Calls.json?PageSize={page_size}&Page=0");
    let page = json!({
        "calls": calls,
        "end": calls.len().saturating_sub(1),
        "first_page_uri": uri,
        "next_page_uri": null,
        "page": 0,
        "page_size": page_size,
        "previous_page_uri": null,
        "start": 0,
        "uri": uri,
    });
    Ok(Json(page).into_response())
}
