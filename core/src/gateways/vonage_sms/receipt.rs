//! Delivery receipts: by `GET`, as a form or as JSON, as the account's settings have it.
//! <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>

use tiffin_shared::order::Cost;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::signature::Params;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;

/// How old a receipt may be. Vonage offers one for 24 hours until it is taken, and its time is that of the first offer.
const AGE_MS_MAX: u64 = 25 * 3_600 * SECOND_MS;
/// How far Vonage's clock may be ahead of ours.
const AHEAD_MS_MAX: u64 = 300 * SECOND_MS;

/// What a callback says. One name twice is refused: the signature covers one of the values alone.
pub fn params(callback: &Callback<'_>) -> Result<Params, CallbackError> {
    let is_json = callback.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let pairs = match (callback.request.method.as_str(), is_json) {
        ("GET", _) => callback.query(),
        (_, true) => json(callback.body())?,
        (_, false) => callback.form(),
    };
    let count = pairs.len();
    // The signature joins names and values with these, and escapes them in values alone.
    let is_plain = pairs.iter().all(|(name, _)| !name.contains(['&', '=']));
    let params: Params = pairs.into_iter().collect();
    if is_plain && params.len() == count { Ok(params) } else { Err(CallbackError::Malformed) }
}

/// An object of texts and numbers.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, CallbackError> {
    let object: serde_json::Map<_, _> = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
    let text = |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(object.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Whether a signed receipt is of about now.
pub fn check_time(params: &Params, now: UnixMs) -> Result<(), CallbackError> {
    let seconds = params.get("timestamp").and_then(|text| text.parse::<u64>().ok());
    let at = UnixMs(seconds.ok_or(CallbackError::Malformed)?.saturating_mul(SECOND_MS));
    if now.since(at) > AGE_MS_MAX || at.since(now) > AHEAD_MS_MAX {
        return Err(CallbackError::Stale);
    }
    Ok(())
}

/// What the receipt tells.
pub fn told(params: &Params) -> Result<Told, CallbackError> {
    let param = |name: &str| params.get(name).map(String::as_str);
    let provider_id = param("messageId").filter(|id| !id.is_empty()).ok_or(CallbackError::Malformed)?;
    let fate = match param("status").ok_or(CallbackError::Malformed)? {
        "delivered" => Fate::Delivered,
        "accepted" | "buffered" => Fate::Sent,
        "expired" => Fate::Failed { code: None, fallback: Reason::TtlExpired },
        "failed" | "rejected" => {
            let code = param("err-code").filter(|code| !matches!(*code, "" | "0"));
            Fate::Failed { code: code.map(|code| format!("err-{code}")), fallback: Reason::Rejected }
        }
        // unknown, and whatever Vonage adds.
        _ => Fate::Underway,
    };
    let attempt = param("client-ref").and_then(|text| Reference::parse(text).ok());
    // In euro, whatever the account is in, and of one part: each part has a receipt of its own.
    let cost = param("price").and_then(|price| Cost::parse(price, "EUR", true));
    Ok(Told { attempt, provider_id: provider_id.to_owned(), fate, cost })
}
