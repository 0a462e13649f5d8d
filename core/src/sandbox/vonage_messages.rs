//! Vonage's Messages API by SMS, as its adapter sees it: a message, and signed status webhooks.
//!
//! Left out: other channels, media, failover, and callers with the token of an application.

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

use self::request::Refused;
use self::request::Send;
use super::Account;
use super::basic;
use super::clock;
use super::faults::Usual;
use super::line::Connection;
use super::state::Sandbox;
use super::taking::Refusal;
use super::taking::Taken;
use super::taking::Taking;

mod receipt;
mod request;

/// The recipient is invalid; handset off or out of reach.
pub(super) const USUAL: Usual = Usual { reject: "1430", failed_receipt: "1180" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/v1/messages", post(create))
}

async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(account) = account(&sandbox.accounts, &headers) else {
        return refuse(StatusCode::UNAUTHORIZED, "#unauthorized", "You did not provide correct credentials.");
    };
    let send = serde_json::from_slice::<Send>(&body).map_err(|_| Refused("1020"));
    let taking = Taking::begin(&sandbox, account, send.as_ref().ok().map(Send::pair)).await;
    let taken = taking.end(|| {
        let send = send?;
        let message = send.message(account, clock::now_ms())?;
        Ok((message, receipt::teller(account, &send)))
    });
    match taken.await {
        Taken::Yes(message) => {
            (StatusCode::ACCEPTED, Json(json!({ "message_uuid": message.entry.id }))).into_response()
        }
        Taken::No(Refusal::Code(code)) => invalid(&code),
        Taken::No(Refusal::Internal) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "/messages#1030", "There was an error.")
        }
        Taken::No(Refusal::Invalid(Refused(code))) => invalid(code),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let headers = [(header::RETRY_AFTER, retry_after_s.to_string())];
            let refusal = refuse(StatusCode::TOO_MANY_REQUESTS, "/messages#1000", "Throttled");
            (headers, refusal).into_response()
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

fn account<'a>(accounts: &'a [Account], headers: &HeaderMap) -> Option<&'a Account> {
    let (key, secret) = basic::credentials(headers)?;
    accounts.iter().find(|account| {
        account.kind() == "vonage_messages"
            && account.key("api_key") == key
            && account.secret("api_secret") == secret
    })
}

fn invalid(code: &str) -> Response {
    let kind = format!("/messages#{code}");
    refuse(StatusCode::UNPROCESSABLE_ENTITY, &kind, "The message was refused.")
}

/// A problem in Vonage's form (RFC 9457); `kind` is the end of its type.
fn refuse(status: StatusCode, kind: &str, detail: &str) -> Response {
    let problem = json!({
        "type": format!("https://developer.vonage.com/api-errors{kind}"),
        "title": status.canonical_reason(),
        "detail": detail,
        "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf",
    });
    (status, Json(problem)).into_response()
}
