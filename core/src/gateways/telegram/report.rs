//! Telegram's delivery reports: their signature, and what they say.
//!
//! <https://core.telegram.org/gateway/api#report-delivery>. Telegram posts up to ten times more what was not answered with 200.

use hmac::Hmac;
use hmac::Mac as _;
use serde::Deserialize;
use sha2::Digest as _;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;

use super::is_id;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Heard;
use crate::gateways::callback::Told;
use crate::gateways::hex;
use crate::gateways::mac;

/// The header with the time of the report, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-request-timestamp";
/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "x-request-signature";
/// How far a report's time may be from ours. Telegram advises to look at it, and names no limit.
const AGE_MS_MAX: u64 = 10 * MINUTE_MS;
/// What Telegram wants is the status 200, which an empty answer has not.
const TAKEN: &str = "ok";

#[derive(Deserialize)]
struct Report {
    request_id: String,
    delivery_status: Option<Status>,
    payload: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

/// The value of `X-Request-Signature`: HMAC-SHA256 over time, line feed and body, with the token's SHA-256 as the key, in
/// hexadecimal digits.
pub fn sign(api_token: &str, timestamp: &str, body: &[u8]) -> String {
    let key = Sha256::digest(api_token.as_bytes());
    let mut mac = mac::begin::<Hmac<Sha256>>(&key);
    mac.update(timestamp.as_bytes());
    mac.update(b"\n");
    mac.update(body);
    hex::encode(&mac.finalize().into_bytes())
}

/// Compares in constant time, then looks at the time.
pub fn verify(callback: &Callback<'_>, api_token: &str) -> Result<(), CallbackError> {
    let header = |name| callback.header(name).ok_or(CallbackError::Signature);
    let (timestamp, given) = (header(TIMESTAMP_HEADER)?, header(SIGNATURE_HEADER)?);
    let signature = sign(api_token, timestamp, callback.body());
    if !bool::from(signature.as_bytes().ct_eq(given.as_bytes())) {
        return Err(CallbackError::Signature);
    }
    let seconds: u64 = timestamp.parse().map_err(|_| CallbackError::Malformed)?;
    let is_near = seconds.saturating_mul(SECOND_MS).abs_diff(callback.now.0) <= AGE_MS_MAX;
    if is_near { Ok(()) } else { Err(CallbackError::Stale) }
}

/// How the message fares. One without our payload is another's: the account may have other users.
pub fn read(body: &[u8]) -> Result<Heard, CallbackError> {
    let report: Report = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
    if !is_id(&report.request_id) {
        return Err(CallbackError::Malformed);
    }
    let attempt = report.payload.and_then(|payload| Reference::parse(&payload).ok());
    let fate = match report.delivery_status.as_ref().map(|status| status.status.as_str()) {
        Some("delivered" | "read") => Fate::Delivered,
        Some("sent") => Fate::Sent,
        Some(end @ ("expired" | "revoked")) => {
            Fate::Failed { code: Some(end.to_owned()), fallback: Reason::Rejected }
        }
        // What was entered, and whatever Telegram adds.
        _ => Fate::Underway,
    };
    let provider_id = report.request_id;
    let told = attempt.map(|attempt| Told { attempt: Some(attempt), provider_id, fate, cost: None });
    Ok(Heard { told: told.into_iter().collect(), reply: Some(TAKEN.into()), visit: None })
}
