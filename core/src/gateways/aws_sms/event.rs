//! What became of a message, by its events: <https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;

use super::super::callback::CallbackError;
use super::super::callback::Fate;
use super::super::callback::Heard;
use super::super::callback::Told;
use super::CONTEXT_KEY;

/// Of its many fields, those that we need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_type: String,
    message_id: String,
    #[serde(default)]
    is_final: bool,
    total_message_price: Option<Number>,
    total_carrier_fee: Option<Number>,
    #[serde(default)]
    context: BTreeMap<String, String>,
}

/// Reads an event; what is about somebody else's message, or about calls and pictures, says nothing to us.
pub(super) fn read(message: &str, accepted_counts: bool) -> Result<Heard, CallbackError> {
    let event: Event = serde_json::from_str(message).map_err(|_| CallbackError::Malformed)?;
    let attempt = event.context.get(CONTEXT_KEY).and_then(|text| Reference::parse(text).ok());
    let (Some(attempt), Some(kind)) = (attempt, event.event_type.strip_prefix("TEXT_")) else {
        return Ok(Heard::default());
    };
    let fate = match kind {
        "DELIVERED" => Fate::Delivered,
        "SUCCESSFUL" if event.is_final && accepted_counts => Fate::Delivered,
        "PENDING" | "SENT" | "SUCCESSFUL" => Fate::Sent,
        "QUEUED" => Fate::Underway,
        _ => Fate::Failed { code: Some(event.event_type), fallback: Reason::Rejected },
    };
    let dollars = |amount: Option<Number>| Cost::parse(&amount?.to_string(), "USD", false);
    // Of all parts; the carrier's fee comes on top.
    let fee = dollars(event.total_carrier_fee).map_or(0, |fee| fee.price.amount_micros);
    let cost = dollars(event.total_message_price).map(|mut cost| {
        cost.price.amount_micros += fee;
        cost
    });
    Ok(Told { attempt: Some(attempt), provider_id: event.message_id, fate, cost }.into())
}
