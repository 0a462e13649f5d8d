//! Times as providers write them.

use chrono::DateTime;
use chrono::NaiveDateTime;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;

/// Digits that say a time by so much around now are one: receipts come days late.
const NEAR_MS: u64 = 7 * DAY_MS;
/// Times in digits, as SMSCs and some providers write them.
const FORMATS: [&str; 3] = ["%y%m%d%H%M%S", "%Y%m%d%H%M%S", "%Y%m%d%H%M%S%3f"];
/// Names of fields with the provider's time of what it tells, in lower case without punctuation; the first that is there.
const NAMES: [&str; 14] = [
    "doneat",
    "donedate",
    "rawdlrdonedate",
    "messagetimestamp",
    "eventtimestamp",
    "deliverytime",
    "deliveryreporttime",
    "scts",
    "timestamp",
    "updatedat",
    "date",
    "time",
    "sentat",
    "arrivaldate",
];

/// `Date`, as HTTP has it (RFC 9110, 5.6.7).
pub fn http_date(text: &str) -> Option<UnixMs> {
    let ms = DateTime::parse_from_rfc2822(text.trim()).ok()?.timestamp_millis();
    u64::try_from(ms).ok().map(UnixMs)
}

/// Whether a whole text is a time: digits only where they say one near to now.
pub fn is_time(text: &str, now: UnixMs) -> bool {
    let text = text.trim();
    if text.is_empty() || text.len() > 48 {
        return false;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits(text).is_some_and(|at| at.since(now).max(now.since(at)) < NEAR_MS);
    }
    let spaced = text.replacen(' ', "T", 1);
    DateTime::parse_from_rfc3339(text).is_ok()
        || DateTime::parse_from_rfc2822(text).is_ok()
        || DateTime::parse_from_str(&spaced, "%Y-%m-%dT%H:%M:%S%.f%z").is_ok()
        || NaiveDateTime::parse_from_str(&spaced, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
}

fn digits(text: &str) -> Option<UnixMs> {
    match text.len() {
        10 if text.starts_with('1') => Some(UnixMs(text.parse::<u64>().ok()?.saturating_mul(1_000))),
        13 => text.parse().ok().map(UnixMs),
        10 => written(&format!("{text}00")),
        _ => written(text),
    }
}

fn written(text: &str) -> Option<UnixMs> {
    let ms = FORMATS
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?
        .and_utc()
        .timestamp_millis();
    u64::try_from(ms).ok().map(UnixMs)
}

/// Whether a field of this name holds the provider's own time.
pub fn rank(name: &str) -> Option<usize> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    NAMES.iter().position(|known| *known == plain)
}
