//! The Call resource, in Twilio's shape.

use serde_json::Value;
use serde_json::json;

use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::STOPPED;
use crate::sandbox::twilio::API_VERSION;

/// `api.v2010.account.call` of Twilio's description, every field of it.
pub(super) fn call(account_sid: &str, message: &Message) -> Value {
    let uri = format!("/{API_VERSION}/Accounts/{account_sid}/Calls/{}", message.entry.id);
    let (to, from) = (&message.entry.to, &message.from);
    let is_over = matches!(message.status, Status::Delivered | Status::Undelivered);
    json!({
        "account_sid": account_sid,
        "answered_by": (message.status == Status::Delivered).then_some("human"),
        "api_version": API_VERSION,
        "caller_name": null,
        "date_created": clock::rfc2822(message.created_at_ms),
        "date_updated": clock::rfc2822(message.updated_at_ms),
        "direction": "outbound-api",
        "duration": is_over.then_some("20"),
        "end_time": is_over.then(|| clock::rfc2822(message.updated_at_ms)),
        "forwarded_from": null,
        "from": from,
        "from_formatted": from,
        "group_sid": null,
        "parent_call_sid": null,
        "phone_number_sid": null,
        "price": null,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": message.entry.id,
        "start_time": message.sent_at_ms.map(clock::rfc2822),
        "status": if message.is_stopped { STOPPED } else { status(message.status, message.error_code.as_deref()) },
        "subresource_uris": { "recordings": format!("{uri}/Recordings.json") },
        "to": to,
        "to_formatted": to,
        "trunk_sid": null,
        "uri": format!("{uri}.json"),
    })
}

/// `CallStatus`, with how the call failed.
pub(super) fn status(status: Status, failure: Option<&str>) -> &str {
    match (status, failure) {
        (Status::Queued, _) => "queued",
        (Status::Sent, _) => "in-progress",
        (Status::Delivered, _) => "completed",
        (Status::Undelivered, Some(machine)) if is_machine(machine) => "completed",
        (Status::Undelivered, Some(end @ ("busy" | "no-answer" | "canceled"))) => end,
        (Status::Undelivered, _) => "failed",
    }
}

/// Whether the code of a failure says who answered.
pub(super) fn is_machine(failure: &str) -> bool {
    failure.starts_with("machine") || failure == "fax"
}
