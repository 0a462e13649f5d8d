//! Meta's webhooks: the question whether the address is ours, the signature, and the statuses of messages.
//!
//! Meta posts again for up to seven days what was not answered with 200, in no order, and signs no time: a status may come
//! twice or late. It posts for all numbers of an app to one address.

use hmac::Hmac;
use hmac::Mac as _;
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;

use super::is_message_id;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Heard;
use crate::gateways::callback::Told;
use crate::gateways::hex;
use crate::gateways::mac;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";
/// Meta's challenges are numbers of some ten digits.
const CHALLENGE_CHARS_MAX: usize = 64;
/// What Meta wants is the status 200, which an empty answer has not.
const TAKEN: &str = "EVENT_RECEIVED";

#[derive(Deserialize)]
struct Event {
    object: String,
    #[serde(default)]
    entry: Vec<Entry>,
}

/// What concerns one business account.
#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    value: serde_json::Value,
}

#[derive(Deserialize)]
struct Value {
    metadata: Metadata,
    #[serde(default)]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: String,
}

#[derive(Deserialize)]
struct Status {
    id: String,
    status: String,
    #[serde(default)]
    errors: Vec<Error>,
    biz_opaque_callback_data: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    code: i64,
}

/// The value of `X-Hub-Signature-256` for a body: the HMAC-SHA256 with the app's secret, in hexadecimal digits.
pub fn sign(app_secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(&mac(app_secret, body).finalize().into_bytes()))
}

/// Compares in constant time.
pub fn verify(callback: &Callback<'_>, app_secret: &str) -> Result<(), CallbackError> {
    let given = callback.header(SIGNATURE_HEADER).ok_or(CallbackError::Signature)?;
    let is_it: bool = sign(app_secret, callback.body()).as_bytes().ct_eq(given.as_bytes()).into();
    if is_it { Ok(()) } else { Err(CallbackError::Signature) }
}

/// Answers the question that comes when the address is entered in the app's settings.
pub fn subscribe(callback: &Callback<'_>, verify_token: &str) -> Result<Heard, CallbackError> {
    let query = callback.query();
    let param = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let given = param("hub.verify_token").unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(verify_token.as_bytes())) {
        return Err(CallbackError::Signature);
    }
    let is_challenge = |text: &&str| {
        text.len() <= CHALLENGE_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match (param("hub.mode"), param("hub.challenge").filter(is_challenge)) {
        (Some("subscribe"), Some(challenge)) => {
            Ok(Heard { reply: Some(challenge.to_owned()), ..Heard::default() })
        }
        _ => Err(CallbackError::Malformed),
    }
}

/// How messages of our numbers fare. An event about our business account and somebody else's numbers tells nothing.
pub fn read(body: &[u8], numbers: &[String], account: Option<&str>) -> Result<Heard, CallbackError> {
    let event: Event = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
    if event.object != "whatsapp_business_account" {
        return Err(CallbackError::Malformed);
    }
    let is_ours = |entry: &Entry| account.is_none_or(|account| entry.id == account);
    if !event.entry.is_empty() && !event.entry.iter().any(is_ours) {
        return Err(CallbackError::OtherAccount);
    }
    let changes = event.entry.into_iter().filter(is_ours).flat_map(|entry| entry.changes);
    let mut told = Vec::new();
    // Other fields tell of templates, of the account and so on.
    for change in changes.filter(|change| change.field == "messages") {
        let value: Value = serde_json::from_value(change.value).map_err(|_| CallbackError::Malformed)?;
        if numbers.contains(&value.metadata.phone_number_id) {
            told.extend(value.statuses.into_iter().filter_map(tell));
        }
    }
    Ok(Heard { told, reply: Some(TAKEN.into()), visit: None })
}

/// Nothing of a message without our reference: others may send by the same number.
fn tell(status: Status) -> Option<Told> {
    let attempt = Reference::parse(&status.biz_opaque_callback_data?).ok()?;
    let fate = match status.status.as_str() {
        "delivered" | "read" => Fate::Delivered,
        "sent" => Fate::Sent,
        "failed" => {
            let code = status.errors.first().map(|error| error.code.to_string());
            Fate::Failed { code, fallback: Reason::Rejected }
        }
        // deleted, warning, and whatever Meta adds.
        _ => Fate::Underway,
    };
    is_message_id(&status.id).then_some(Told {
        attempt: Some(attempt),
        provider_id: status.id,
        fate,
        cost: None,
    })
}

fn mac(app_secret: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = mac::begin::<Hmac<Sha256>>(app_secret.as_bytes());
    mac.update(body);
    mac
}
