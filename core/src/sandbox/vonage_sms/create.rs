//! The creation of a message, which is what faults strike.

use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::receipt;
use super::request;
use crate::gateways::vonage_sms::signature::Params;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::line::Connection;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

pub(super) async fn create(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    Form(params): Form<Params>,
) -> Response {
    let account = match request::account(&sandbox.accounts, &params) {
        Ok(account) => account,
        Err((status, text)) => return refuse(status, text),
    };
    let taking = Taking::begin(&sandbox, account, request::pair(&params)).await;
    let taken = taking.end(|| {
        let message = request::message(account, &params, clock::now_ms())?;
        Ok((message, receipt::teller(account, &params)))
    });
    match taken.await {
        Taken::Yes(message) => Json(accepted(&message, params.get("client-ref"))).into_response(),
        Taken::No(Refusal::Code(status)) => refuse(&status, "The message was refused"),
        Taken::No(Refusal::Internal) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Taken::No(Refusal::Invalid((status, text))) => refuse(status, text),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let headers = [(header::RETRY_AFTER, retry_after_s.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, headers, refuse("1", "Throughput Rate Exceeded")).into_response()
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

fn accepted(message: &Message, client_ref: Option<&String>) -> Value {
    let mut part = json!({
        "to": message.entry.to.trim_start_matches('+'),
        "message-id": message.entry.id,
        "status": "0",
        "remaining-balance": "10.28000000",
        "message-price": "0.03330000",
        "network": "23410",
    });
    if let (Some(client_ref), Value::Object(part)) = (client_ref, &mut part) {
        part.insert("client-ref".to_owned(), client_ref.as_str().into());
    }
    json!({ "message-count": "1", "messages": [part] })
}

/// Vonage refuses with 200, and a status within.
fn refuse(status: &str, text: &str) -> Response {
    Json(json!({ "message-count": "1", "messages": [{ "status": status, "error-text": text }] }))
        .into_response()
}
