//! Status webhooks: JSON, with a token that names the account and the body.

use serde_json::Value;
use serde_json::json;

use super::request::Send;
use crate::gateways::vonage_messages::token;
use crate::gateways::vonage_messages::token::Claims;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named, or that of the account's settings.
pub(super) fn teller(account: &Account, send: &Send) -> Teller {
    let (api_key, secret) = (account.key("api_key").to_owned(), account.secret("signature_secret"));
    let url = send.webhook_url.clone().unwrap_or_else(|| account.callback_url().to_owned());
    let client_ref = send.client_ref.clone();
    Box::new(move |message, status, failure| {
        let body = body(message, client_ref.as_deref(), status, failure);
        let claims = Claims {
            iat: clock::now_ms() / 1_000,
            jti: ids::uuid().unwrap_or_default(),
            iss: "Vonage".to_owned(),
            payload_hash: token::payload_hash(body.to_string().as_bytes()),
            api_key: api_key.clone(),
        };
        let authorization = format!("Bearer {}", token::sign(&secret, &claims));
        Tell::Post(Callback::json(url.clone(), &body, vec![("authorization", authorization)]))
    })
}

fn body(message: &Message, client_ref: Option<&str>, status: Status, failure: Option<&str>) -> Value {
    let word = match status {
        Status::Queued | Status::Sent => "submitted",
        Status::Delivered => "delivered",
        Status::Undelivered => "undeliverable",
    };
    let mut body = json!({
        "message_uuid": message.entry.id,
        "to": message.entry.to.trim_start_matches('+'),
        "from": message.from,
        "timestamp": clock::rfc3339(clock::now_ms()),
        "status": word,
        "channel": "sms",
    });
    if let Value::Object(body) = &mut body {
        if let Some(client_ref) = client_ref {
            body.insert("client_ref".to_owned(), client_ref.into());
        }
        if let Some(code) = failure {
            let error = json!({
                "type": format!("https://developer.vonage.com/api-errors/messages#{code}"),
                "title": code,
                "detail": "The message was not delivered.",
                "instance": message.entry.id,
            });
            body.insert("error".to_owned(), error);
        }
    }
    body
}
