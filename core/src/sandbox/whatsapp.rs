//! Meta's WhatsApp Cloud API, as its adapter sees it: template messages, the number itself, and signed webhooks.
//!
//! Templates are not kept: any name and language goes. Its paths begin with a version and an id, which leaves every other
//! provider's path its own.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use self::error::Error;
use self::request::Create;
use super::Account;
use super::clock;
use super::faults::Usual;
use super::inbox::Message;
use super::line::Connection;
use super::state::Sandbox;
use super::taking::Refusal;
use super::taking::Taken;
use super::taking::Taking;

mod error;
mod receipt;
mod request;

/// Not on WhatsApp, in the answer or later.
pub(super) const USUAL: Usual = Usual { reject: "131026", failed_receipt: "131026" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/{version}/{number}/messages", post(create))
        .route("/{version}/{number}", get(number))
}

async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    Path((_version, number)): Path<(String, String)>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let account = account(&sandbox.accounts, &number, &headers)
        .inspect_err(|_error| count_stranger(&sandbox, &number))?;
    let create = Create::read(&body);
    let taking = Taking::begin(&sandbox, account, create.as_ref().ok().map(Create::pair)).await;
    let taken = taking.end(|| {
        let (message, reference) = create?.message(account, clock::now_ms())?;
        Ok((message, receipt::teller(account, reference)))
    });
    match taken.await {
        Taken::Yes(message) => Ok(Json(answer(&message)).into_response()),
        Taken::No(Refusal::Code(code)) => Err(Error::Scripted(code.parse().unwrap_or(100))),
        Taken::No(Refusal::Internal) => Err(Error::Internal),
        Taken::No(Refusal::Invalid(error)) => Err(error),
        Taken::No(Refusal::TooMany(retry_after_s)) => Err(Error::TooManyRequests(retry_after_s)),
        Taken::Silence(silence) => Ok(silence.keep(&sandbox, connection).await),
    }
}

async fn number(
    State(sandbox): State<Arc<Sandbox>>,
    Path((_version, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    account(&sandbox.accounts, &number, &headers)?;
    let shown = json!({
        "id": number,
        "display_phone_number": SHOWN_NUMBER,
        "verified_name": "Tiffin sandbox",
        "quality_rating": "GREEN",
    });
    Ok(Json(shown).into_response())
}

fn answer(message: &Message) -> serde_json::Value {
    let entry = &message.entry;
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": entry.to, "wa_id": entry.to.trim_start_matches('+') }],
        "messages": [{ "id": entry.id, "message_status": "accepted" }],
    })
}

/// The account of the number, when the caller has its token.
fn account<'a>(accounts: &'a [Account], number: &str, headers: &HeaderMap) -> Result<&'a Account, Error> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    let of_number = accounts.iter().filter(|account| is_of(account, number));
    of_number.into_iter().find(|account| account.secret("access_token") == token).ok_or(Error::Scripted(190))
}

fn count_stranger(sandbox: &Sandbox, number: &str) {
    if let Some(account) = sandbox.accounts.iter().find(|account| is_of(account, number)) {
        sandbox.calls.received(account.gateway(), None, clock::now_ms()).refused("unauthenticated");
    }
}

fn is_of(account: &Account, number: &str) -> bool {
    account.kind() == "whatsapp_cloud" && account.sender() == number
}

/// Meta's own example.
const SHOWN_NUMBER: &str = "15550783881";
