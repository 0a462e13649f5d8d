//! Delivery reports: JSON, signed with the token.

use serde_json::Value;
use serde_json::json;

use super::request::Told;
use crate::gateways::telegram::SIGNATURE_HEADER;
use crate::gateways::telegram::TIMESTAMP_HEADER;
use crate::gateways::telegram::sign;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named.
pub(super) fn teller(account: &Account, told: Told) -> Teller {
    let token = account.secret("api_token");
    Box::new(move |message, status, failure| {
        let Some(url) = &told.url else { return Tell::Nobody };
        let name = match status {
            Status::Queued | Status::Sent => "sent",
            Status::Delivered => "delivered",
            Status::Undelivered => failure.unwrap_or("expired"),
        };
        let body = self::status(message, name, told.payload.as_deref());
        let timestamp = (clock::now_ms() / 1_000).to_string();
        let signature = sign(&token, &timestamp, body.to_string().as_bytes());
        let headers = vec![(TIMESTAMP_HEADER, timestamp), (SIGNATURE_HEADER, signature)];
        Tell::Post(Callback::json(url.clone(), &body, headers))
    })
}

/// `RequestStatus` of Telegram's description.
pub(super) fn status(message: &Message, status: &str, payload: Option<&str>) -> Value {
    json!({
        "request_id": message.entry.id,
        "phone_number": message.entry.to,
        "request_cost": 0.01,
        "delivery_status": { "status": status, "updated_at": clock::now_ms() / 1_000 },
        "payload": payload,
    })
}
