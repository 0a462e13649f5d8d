//! Telegram Gateway, as its adapter sees it: verification messages with our own code, and signed reports.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::post;
use serde_json::json;

use self::request::Create;
use super::Account;
use super::clock;
use super::faults::Usual;
use super::line::Connection;
use super::state::Sandbox;
use super::taking::Refusal;
use super::taking::Taken;
use super::taking::Taking;

mod receipt;
mod request;

/// No account on Telegram; not delivered in time.
pub(super) const USUAL: Usual = Usual { reject: "PHONE_NUMBER_NOT_FOUND", failed_receipt: "expired" };

const UNAUTHENTICATED: &str = "ACCESS_TOKEN_INVALID";

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/sendVerificationMessage", post(send))
        .route("/checkVerificationStatus", post(status))
}

async fn send(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &headers) else { return refuse(UNAUTHENTICATED) };
    let create = Create::read(&body);
    let taking = Taking::begin(&sandbox, account, create.as_ref().ok().map(Create::pair)).await;
    let taken = taking.end(|| {
        let create = create?;
        let told = create.told();
        Ok((create.message(account, clock::now_ms())?, receipt::teller(account, told)))
    });
    match taken.await {
        Taken::Yes(message) => {
            let result = receipt::status(&message, "sent", None);
            Json(json!({ "ok": true, "result": result })).into_response()
        }
        Taken::No(Refusal::Code(code)) => refuse(&code),
        Taken::No(Refusal::Internal) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Taken::No(Refusal::Invalid(error)) => refuse(error),
        Taken::No(Refusal::TooMany(retry_after_s)) => refuse(&format!("FLOOD_WAIT_{retry_after_s}")),
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

/// Of no request: what was sent is told in reports.
async fn status(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Response {
    refuse(if account(&sandbox.accounts, &headers).is_some() {
        "REQUEST_ID_INVALID"
    } else {
        UNAUTHENTICATED
    })
}

fn refuse(error: &str) -> Response {
    Json(json!({ "ok": false, "error": error })).into_response()
}

fn account<'a>(accounts: &'a [Account], headers: &HeaderMap) -> Option<&'a Account> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let mut of_kind = accounts.iter().filter(|account| account.kind() == "telegram");
    of_kind.find(|account| account.secret("api_token") == token)
}
