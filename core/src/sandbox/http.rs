//! A gateway of nobody's, for accounts of the kind `http`: JSON in and out, with the account's own way to say who it is, and
//! callbacks signed where the account has a secret for that.
//!
//! `POST /http/messages` with `to`, `text`, and if wanted `from`, `reference` and `callback_url` is answered by
//! `{"status": "queued", "id": …}`, or by a 400 with `{"status": "error", "error": {"code": …}}`. Callbacks are
//! `{"id", "status", "code", "reference"}` with `ENROUTE`, `DELIVRD` or `UNDELIV`.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use super::Account;
use super::basic;
use super::calls::Pair;
use super::clock;
use super::faults::Usual;
use super::ids;
use super::inbox::Entry;
use super::inbox::Message;
use super::line::Connection;
use super::number::is_number;
use super::state::Sandbox;
use super::taking::Refusal;
use super::taking::Taken;
use super::taking::Taking;
use crate::gateways::http::KIND;

mod receipt;

/// Words that nobody's gateway has, until an operator's table has them.
pub(super) const USUAL: Usual = Usual { reject: "rejected", failed_receipt: "undeliverable" };
const ID_DIGITS: usize = 24;

#[derive(Deserialize)]
struct Send {
    to: String,
    text: String,
    from: Option<String>,
    reference: Option<String>,
    callback_url: Option<String>,
}

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/http/messages", post(send))
}

async fn send(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let of_kind = || sandbox.accounts.iter().filter(|account| account.kind() == KIND.name);
    let Some(account) = of_kind().find(|account| is_caller(account, &headers)) else {
        if let Some(account) = of_kind().next() {
            sandbox.calls.received(account.gateway(), None, clock::now_ms()).refused("unauthenticated");
        }
        return error(StatusCode::UNAUTHORIZED, "unauthenticated");
    };
    let send = serde_json::from_slice::<Send>(&body).map_err(|_| "invalid_request");
    let pair = send.as_ref().ok().map(|send| Pair::new(&send.to, &send.text));
    let taking = Taking::begin(&sandbox, account, pair).await;
    let taken = taking.end(|| {
        let send = send?;
        let teller = receipt::teller(account, send.callback_url.clone(), send.reference.clone());
        Ok::<_, &str>((send.message(account)?, teller))
    });
    match taken.await {
        Taken::Yes(message) => Json(json!({"status": "queued", "id": message.entry.id})).into_response(),
        Taken::No(Refusal::Code(code)) => error(StatusCode::BAD_REQUEST, &code),
        Taken::No(Refusal::Internal) => error(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        Taken::No(Refusal::Invalid(code)) => error(StatusCode::BAD_REQUEST, code),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, "too_many");
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
            response
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

/// Whether a caller says who it is as the account is configured to.
fn is_caller(account: &Account, headers: &HeaderMap) -> bool {
    match account.key("auth") {
        "basic" => {
            let own = (account.key("user").to_owned(), account.secret("password"));
            basic::credentials(headers) == Some(own)
        }
        "header" => {
            let name =
                Some(account.key("auth_header")).filter(|name| !name.is_empty()).unwrap_or("authorization");
            let own = format!("{}{}", account.key("auth_prefix"), account.secret("token"));
            headers.get(name).is_some_and(|value| value.as_bytes() == own.as_bytes())
        }
        _ => true,
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"status": "error", "error": {"code": code}}))).into_response()
}

impl Send {
    fn message(self, account: &Account) -> Result<Message, &'static str> {
        let digits = self.to.trim_start_matches('+');
        if !is_number(digits) {
            return Err("invalid_number");
        }
        let id = ids::hex(ID_DIGITS).ok_or("internal")?;
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry =
            Entry { to: format!("+{digits}"), channel, gateway, at: String::new(), text: self.text, id };
        Ok(Message { from: self.from, ..Message::queued(entry, clock::now_ms()) })
    }
}
