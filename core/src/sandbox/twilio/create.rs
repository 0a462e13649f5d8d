//! The creation of a message, which is what faults strike.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Form;
use axum::Json;
use axum::extract::ConnectInfo;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use tokio::task::JoinHandle;

use super::auth;
use super::error::Error;
use super::plan::Plan;
use super::progress::Journey;
use super::request::Create;
use super::resource::Resource;
use crate::sandbox::Account;
use crate::sandbox::calls::Call;
use crate::sandbox::clock;
use crate::sandbox::faults::Mode;
use crate::sandbox::faults::Strike;
use crate::sandbox::inbox::Message;
use crate::sandbox::line::Cut;
use crate::sandbox::silence;
use crate::sandbox::state::Sandbox;

pub(super) async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    connection: Option<Extension<ConnectInfo<Cut>>>,
    headers: HeaderMap,
    form: Result<Form<Create>, FormRejection>,
) -> Result<Response, Error> {
    let account = auth::account(&sandbox.accounts, &account_sid, &headers)
        .inspect_err(|_error| count_stranger(&sandbox, &account_sid))?;
    let now_ms = clock::now_ms();
    let strike = sandbox.faults.strike(&account.gateway, now_ms);
    let form = form.map(|Form(form)| form);
    let call = sandbox.calls.received(&account.gateway, form.as_ref().ok().map(Create::pair), now_ms);
    if strike.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(strike.latency_ms)).await;
    }
    let cut = connection.map(|Extension(ConnectInfo(cut))| cut);
    let take = || taken(&sandbox, account, strike, form, &call);
    match strike.mode {
        Mode::Reject => refused(&call, strike, Err(Error::Scripted(strike.code))),
        Mode::Http500 => refused(&call, strike, Err(Error::Internal)),
        Mode::Http429 => refused(&call, strike, Err(Error::TooManyRequests(strike.retry_after_s))),
        Mode::Reset => refused(&call, strike, Ok(silence::hang_up(cut.as_ref()))),
        Mode::Timeout => {
            call.refused(strike.mode.name());
            Ok(silence::hold(&sandbox).await)
        }
        Mode::TimeoutTaken => {
            take()?;
            Ok(silence::hold(&sandbox).await)
        }
        Mode::ResetTaken => take().map(|_taken| silence::hang_up(cut.as_ref())),
        Mode::ReceiptFirst => {
            let (answer, journey) = take()?;
            // It fails when the journey panicked, and the caller is owed its answer all the same.
            let _arrived = journey.await;
            Ok(answer)
        }
        Mode::Ok
        | Mode::AcceptNoReceipt
        | Mode::FailedReceipt
        | Mode::LateReceipt
        | Mode::DuplicateReceipt
        | Mode::OutOfOrder
        | Mode::Null => take().map(|(answer, _journey)| answer),
    }
}

fn refused(call: &Call<'_>, strike: Strike, answer: Result<Response, Error>) -> Result<Response, Error> {
    call.refused(strike.mode.name());
    answer
}

/// Takes the message and sends it on its way, which does not depend on the caller's patience.
fn taken(
    sandbox: &Arc<Sandbox>,
    account: &Account,
    strike: Strike,
    form: Result<Create, FormRejection>,
    call: &Call<'_>,
) -> Result<(Response, JoinHandle<()>), Error> {
    let plan = Plan::of(strike);
    let now_ms = clock::now_ms();
    let read = || form?.message(account, now_ms);
    let (message, callback_url) = read().inspect_err(|_error| call.refused("invalid"))?;
    let permit = sandbox.room().ok_or(Error::TooManyRequests(BUSY_RETRY_AFTER_S));
    let permit = permit.inspect_err(|_error| call.refused("busy"))?;
    let message = Message { arrives: plan.arrives, ..message };
    if plan.remembered {
        sandbox.inbox.add(message.clone());
        tracing::info!(message.id = message.entry.id, gateway = message.entry.gateway, "message accepted");
    }
    call.taken(now_ms);
    let answer = (StatusCode::CREATED, Json(Resource::from(&message))).into_response();
    let journey = Journey { message, plan, callback_url, auth_token: account.auth_token.clone() };
    Ok((answer, tokio::spawn(journey.travel(Arc::clone(sandbox), permit))))
}

fn count_stranger(sandbox: &Sandbox, account_sid: &str) {
    if let Some(account) = sandbox.accounts.iter().find(|account| account.account_sid == account_sid) {
        sandbox.calls.received(&account.gateway, None, clock::now_ms()).refused("unauthenticated");
    }
}

/// A message is on its way for less than a second.
const BUSY_RETRY_AFTER_S: u64 = 1;
