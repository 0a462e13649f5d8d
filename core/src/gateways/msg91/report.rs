//! MSG91's delivery reports, in the three versions that its console offers: nobody signs them.
//!
//! v2 is a form whose field `data` is JSON text, v3 one flat JSON object, v4 an array of events. A number stands in each but
//! cannot be compared: none is kept of a message that is on its way.
//!
//! <https://msg91.com/help/how-can-i-get-the-delivery-reports-on-my-webhook-url>

use serde_json::Value;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;

use super::super::callback::Callback;
use super::super::callback::CallbackError;
use super::super::callback::Fate;
use super::super::callback::Heard;
use super::super::callback::Told;

/// Their ids are of 24 hexadecimal digits, or twice as many.
const ID_CHARS_MAX: usize = 64;
/// What the operators say is a few words.
const CODE_CHARS_MAX: usize = 64;
/// As many digits in a row are no code but a number that the text is about.
const CODE_DIGITS_MAX: usize = 4;

/// Reads a report of any version. One that names no message of its own, as v4 does, says nothing to us.
pub(super) fn read(callback: &Callback<'_>, reference_name: Option<&str>) -> Result<Heard, CallbackError> {
    let is_form = callback.header("content-type").is_some_and(|kind| kind.starts_with(FORM));
    let json: Value = if is_form {
        let form = callback.form();
        let (_, data) = form.iter().find(|(name, _)| name == "data").ok_or(CallbackError::Malformed)?;
        serde_json::from_str(data).map_err(|_| CallbackError::Malformed)?
    } else {
        serde_json::from_slice(callback.body()).map_err(|_| CallbackError::Malformed)?
    };
    let whole = match &json {
        Value::Array(many) => many.as_slice(),
        Value::Object(_) => std::slice::from_ref(&json),
        _ => return Err(CallbackError::Malformed),
    };
    let mut told = Vec::new();
    for message in whole {
        let parts = ["report", "data"].into_iter().find_map(|name| message.get(name)?.as_array());
        for part in parts.map_or(std::slice::from_ref(message), Vec::as_slice) {
            told.extend(one(message, part, reference_name)?);
        }
    }
    Ok(Heard { told, ..Heard::default() })
}

const FORM: &str = "application/x-www-form-urlencoded";

fn one(message: &Value, part: &Value, reference_name: Option<&str>) -> Result<Option<Told>, CallbackError> {
    let field = |name: &str| part.get(name).or_else(|| message.get(name)).and_then(text);
    let status = field("status").or_else(|| field("event")).ok_or(CallbackError::Malformed)?;
    let Some(provider_id) = field("requestId").filter(|id| is_id(id)) else { return Ok(None) };
    let reference = reference_name.and_then(field);
    let attempt = reference.and_then(|reference| Reference::parse(&reference).ok());
    let reason = ["failedReason", "failureReason"].into_iter().find_map(|name| code(&field(name)?));
    Ok(Some(Told { attempt, provider_id, fate: fate(&status, reason), cost: None }))
}

fn fate(status: &str, reason: Option<String>) -> Fate {
    let fallback = match status {
        "1" => return Fate::Delivered,
        "9" => Reason::Dnd,
        "17" => Reason::Blocked,
        "2" | "16" | "25" => Reason::Rejected,
        // The newer webhooks say it in words.
        words if words.eq_ignore_ascii_case("delivered") => return Fate::Delivered,
        words if ["failed", "rejected", "undelivered"].iter().any(|bad| words.eq_ignore_ascii_case(bad)) => {
            Reason::Rejected
        }
        words if words.eq_ignore_ascii_case("ndnc") => Reason::Dnd,
        words if words.to_ascii_lowercase().starts_with("blocked") => Reason::Blocked,
        _ => return Fate::Underway,
    };
    let by_status = || code(&format!("status {status}"));
    Fate::Failed { code: reason.or_else(by_status), fallback }
}

/// A number or a text, as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whether it can be MSG91's name of a request.
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What was said, as a table has it: in capitals, with `_` for what is no letter or digit. Nothing where it says nothing, or
/// may hold a number of somebody's.
pub(super) fn code(said: &str) -> Option<String> {
    let said = said.trim().trim_end_matches('.');
    let longest_number = said.split(|char: char| !char.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if said.is_empty() || said.len() > CODE_CHARS_MAX || longest_number > CODE_DIGITS_MAX {
        return None;
    }
    let plain = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' };
    Some(said.chars().map(plain).collect())
}
