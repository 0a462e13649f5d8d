//! Twilio Programmable Messaging, as its adapter sees it: create, fetch and list messages, and status callbacks.
//!
//! Messages live in the inbox. Faults strike the creation only, so that what became of a message can always be
//! looked up. Left out: media, schedules, content templates, feedback, and the list's filters by date.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;

use self::error::Error;
use self::request::Create;
use self::request::List;
use self::resource::Page;
use self::resource::Resource;
use super::clock;
use super::faults::Mode;
use super::state::Sandbox;

mod auth;
mod error;
mod progress;
mod request;
mod resource;
mod segments;

const API_VERSION: &str = "2010-04-01";

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account_sid}/Messages.json", post(create).get(list))
        .route("/2010-04-01/Accounts/{account_sid}/Messages/{file}", get(fetch))
}

async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Create>, FormRejection>,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, &account_sid, &headers)?;
    let strike = sandbox.faults.strike(&account.gateway, clock::now_ms());
    tokio::time::sleep(Duration::from_millis(strike.latency_ms)).await;
    match strike.mode {
        Mode::Ok => {}
        Mode::Reject => return Err(Error::NotMobile),
        Mode::Timeout => return Ok(never(&sandbox).await),
        Mode::Http500 => return Err(Error::Internal),
    }
    let Form(form) = form?;
    let permit = sandbox.room().ok_or(Error::TooManyRequests)?;
    let (message, callback_url) = form.message(account, clock::now_ms())?;
    sandbox.inbox.add(message.clone());
    tracing::info!(message.id = message.entry.id, gateway = message.entry.gateway, "message accepted");
    let response = (StatusCode::CREATED, Json(Resource::from(&message))).into_response();
    let journey = progress::Journey { message, callback_url, auth_token: account.auth_token.clone() };
    tokio::spawn(journey.travel(Arc::clone(&sandbox), permit));
    Ok(response)
}

async fn fetch(
    State(sandbox): State<Arc<Sandbox>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    auth::account(&sandbox.accounts, &account_sid, &headers)?;
    let message = file
        .strip_suffix(".json")
        .and_then(|sid| sandbox.inbox.find(sid))
        .filter(|message| message.account_sid == account_sid)
        .ok_or(Error::NotFound)?;
    Ok(Json(Resource::from(&message)).into_response())
}

async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    query: Result<Query<List>, QueryRejection>,
) -> Result<Response, Error> {
    auth::account(&sandbox.accounts, &account_sid, &headers)?;
    let Query(list) = query?;
    let messages = sandbox.inbox.newest(|message| message.account_sid == account_sid && list.wants(message));
    Ok(Json(Page::new(&account_sid, &list, &messages)).into_response())
}

/// Keeps the caller waiting, then hangs up without a byte: hyper drops a response whose body fails at once
/// before it has written the head.
async fn never(sandbox: &Sandbox) -> Response {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(HOLD_MS)) => {}
        () = sandbox.closed() => {}
    }
    let hang_up = futures::stream::iter([Err::<&str, _>(std::io::Error::other("the fault hangs up"))]);
    Response::new(Body::from_stream(hang_up))
}

/// Longer than any adapter's own limit, and an end to the sockets that a load test leaves open.
const HOLD_MS: u64 = 60_000;
