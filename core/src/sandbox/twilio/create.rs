//! The creation of a message, which is what faults strike.

use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;

use super::auth;
use super::error::Error;
use super::receipt;
use super::request::Create;
use super::resource::Resource;
use crate::sandbox::Account;
use crate::sandbox::clock;
use crate::sandbox::line::Connection;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

pub(super) async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path(account_sid): Path<String>,
    connection: Connection,
    headers: HeaderMap,
    form: Result<Form<Create>, FormRejection>,
) -> Result<Response, Error> {
    let form = form.map(|Form(form)| form);
    let kind = form.as_ref().map_or("twilio", Create::kind);
    let account = auth::account(&sandbox.accounts, kind, &account_sid, &headers)
        .inspect_err(|_error| count_stranger(&sandbox, kind, &account_sid))?;
    let taking = Taking::begin(&sandbox, account, form.as_ref().ok().map(Create::pair)).await;
    let taken = taking.end(|| {
        let (message, callback_url) = form?.message(account, clock::now_ms())?;
        Ok((message, receipt::teller(account, callback_url)))
    });
    match taken.await {
        Taken::Yes(message) => {
            Ok((StatusCode::CREATED, Json(Resource::new(&account_sid, &message))).into_response())
        }
        Taken::No(refusal) => Err(refusal.into()),
        Taken::Silence(silence) => Ok(silence.keep(&sandbox, connection).await),
    }
}

pub(super) fn count_stranger(sandbox: &Sandbox, kind: &str, account_sid: &str) {
    let is_it = |account: &&Account| account.kind() == kind && account.key("account_sid") == account_sid;
    if let Some(account) = sandbox.accounts.iter().find(is_it) {
        sandbox.calls.received(account.gateway(), None, clock::now_ms()).refused("unauthenticated");
    }
}
