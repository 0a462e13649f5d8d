//! Status webhooks. <https://developer.vonage.com/en/api/messages#webhooks>

use serde::Deserialize;
use serde_json::Value;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::token::Claims;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;

/// How old a token may be: it is made with each attempt to bring the webhook.
const AGE_MS_MAX: u64 = 300 * SECOND_MS;

#[derive(Deserialize)]
struct Status {
    message_uuid: String,
    status: String,
    client_ref: Option<String>,
    #[serde(default)]
    error: Value,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    currency: String,
    price: String,
}

/// Whether a token is of about now.
pub fn check_time(claims: &Claims, now: UnixMs) -> Result<(), CallbackError> {
    let at = UnixMs(claims.iat.saturating_mul(SECOND_MS));
    if now.since(at).max(at.since(now)) > AGE_MS_MAX { Err(CallbackError::Stale) } else { Ok(()) }
}

/// What the webhook tells.
pub fn told(body: &[u8]) -> Result<Told, CallbackError> {
    let status: Status = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
    if status.message_uuid.is_empty() {
        return Err(CallbackError::Malformed);
    }
    let fate = match status.status.as_str() {
        "delivered" | "read" => Fate::Delivered,
        "submitted" => Fate::Sent,
        "rejected" | "undeliverable" => {
            Fate::Failed { code: code(&status.error), fallback: Reason::Rejected }
        }
        // Whatever Vonage adds.
        _ => Fate::Underway,
    };
    let attempt = status.client_ref.and_then(|text| Reference::parse(&text).ok());
    let cost = status.usage.and_then(|usage| Cost::parse(&usage.price, &usage.currency, false));
    Ok(Told { attempt, provider_id: status.message_uuid, fate, cost })
}

/// The code of a problem: what stands behind the `#` of its type, as in
/// `https://developer.vonage.com/api-errors/messages#1000`; older ones have it as `code`, or as a number in `title`.
pub fn code(problem: &Value) -> Option<String> {
    let kind = problem.get("type").and_then(Value::as_str);
    let named = kind.and_then(|kind| kind.rsplit_once('#')).map(|(_, code)| code.to_owned());
    let number = |name| match problem.get(name) {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(text)) if text.parse::<u32>().is_ok() => Some(text.clone()),
        _ => None,
    };
    named.filter(|code| !code.is_empty()).or_else(|| number("code")).or_else(|| number("title"))
}
