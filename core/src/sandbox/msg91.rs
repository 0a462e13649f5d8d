//! MSG91's Flow API, as its adapter sees it, and its delivery reports in version 2.
//!
//! What a flow says is kept at MSG91: the inbox shows the values that go into it. Every answer is a 200, as MSG91's are.

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
use serde_json::Value;
use serde_json::json;

use self::request::Flow;
use super::calls::Pair;
use super::clock;
use super::faults::Usual;
use super::line::Connection;
use super::state::Sandbox;
use super::taking::Refusal;
use super::taking::Taken;
use super::taking::Taking;
use crate::gateways::msg91::KEY_HEADER;
use crate::gateways::msg91::KIND;

mod receipt;
mod request;

/// Invalid mobile number; the handset is off.
pub(super) const USUAL: Usual = Usual { reject: "202", failed_receipt: "ABSENT_SUBSCRIBER" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/api/v5/flow", post(flow)).route("/api/v5/flow/", post(flow))
}

async fn flow(
    State(sandbox): State<Arc<Sandbox>>,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let given = headers.get(KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let of_kind = || sandbox.accounts.iter().filter(|account| account.kind() == KIND.name);
    let Some(account) = of_kind().find(|account| account.secret("authkey") == given) else {
        if let Some(account) = of_kind().next() {
            sandbox.calls.received(account.gateway(), None, clock::now_ms()).refused("unauthenticated");
        }
        return error("Authentication failure", None);
    };
    let flow = Flow::read(&body);
    let pair = flow.as_ref().ok().map(|flow| Pair::new(&flow.to, &flow.text));
    let taking = Taking::begin(&sandbox, account, pair).await;
    let taken = taking.end(|| Ok::<_, &str>((flow?.message(account)?, receipt::teller(account))));
    match taken.await {
        Taken::Yes(message) => Json(json!({"message": message.entry.id, "type": "success"})).into_response(),
        Taken::No(Refusal::Code(code)) => error("The request was refused", Some(&code)),
        Taken::No(Refusal::Internal) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Taken::No(Refusal::Invalid(words)) => error(words, None),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after_s.to_string())])
                .into_response()
        }
        Taken::Silence(silence) => silence.keep(&sandbox, connection).await,
    }
}

fn error(words: &str, code: Option<&str>) -> Response {
    let mut body = json!({"message": words, "type": "error"});
    if let (Some(code), Value::Object(body)) = (code, &mut body) {
        body.insert("code".into(), code.into());
    }
    Json(body).into_response()
}
