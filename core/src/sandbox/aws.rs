//! AWS, as its two adapters see it: End User Messaging SMS and SNS on one path, told apart by what the requests look like, and
//! the topic that the events of the first come through.
//!
//! Signatures of requests are checked, posts to us are signed. Events are posted without a subscription, which nobody could
//! confirm before there is one; `POST /aws/subscribe/{gateway}` has one confirmed, as AWS's console would.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;

use super::clock;
use super::faults::Usual;
use super::line::Connection;
use super::state::Sandbox;
use crate::gateways::aws_sms;
use crate::gateways::aws_sns;

mod auth;
pub(crate) mod key;
mod sms;
mod sns;
pub(crate) mod topic;

/// The user opted out; the device is off.
pub(super) const USUAL: Usual =
    Usual { reject: "DESTINATION_PHONE_NUMBER_OPTED_OUT", failed_receipt: "TEXT_UNREACHABLE" };
/// SNS tells nothing after its answer.
pub(super) const USUAL_SNS: Usual = Usual { reject: "InvalidParameter", failed_receipt: "FAILURE" };

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/aws/", post(call).get(confirm))
        .route("/aws/subscribe/{gateway}", post(subscribe))
        .route(topic::CERTIFICATE_PATH, get(async || topic::pem()))
}

async fn call(
    State(sandbox): State<Arc<Sandbox>>,
    OriginalUri(uri): OriginalUri,
    connection: Connection,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get(aws_sms::TARGET_HEADER).and_then(|value| value.to_str().ok());
    let kind = if target.is_some() { aws_sms::KIND.name } else { aws_sns::KIND.name };
    match (auth::account(&sandbox.accounts, kind, &uri, &headers, &body), target) {
        (Ok(account), Some(target)) => sms::call(&sandbox, account, target, &body, connection).await,
        (Ok(account), None) => sns::call(&sandbox, account, &body, connection).await,
        (Err(name), target) => {
            if let Some(account) = sandbox.accounts.iter().find(|account| account.kind() == kind) {
                sandbox.calls.received(account.gateway(), None, clock::now_ms()).refused("unauthenticated");
            }
            match target {
                Some(_) => sms::refuse(StatusCode::BAD_REQUEST, name, None),
                None => sns::refuse(StatusCode::FORBIDDEN, name),
            }
        }
    }
}

/// The page that the address of a subscription's confirmation leads to.
async fn confirm() -> impl IntoResponse {
    let xml = "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"/>";
    ([(header::CONTENT_TYPE, "text/xml")], xml)
}

/// Posts the request to confirm a subscription, as SNS does when somebody subscribes an address.
async fn subscribe(State(sandbox): State<Arc<Sandbox>>, Path(gateway): Path<String>) -> StatusCode {
    let account = sandbox.accounts.iter().find(|account| account.gateway() == gateway);
    let Some(topic) = account.and_then(topic::Topic::of) else { return StatusCode::NOT_FOUND };
    let Some(callback) = topic.confirmation() else { return StatusCode::INTERNAL_SERVER_ERROR };
    sandbox.courier.deliver("subscription", &callback).await;
    StatusCode::NO_CONTENT
}
