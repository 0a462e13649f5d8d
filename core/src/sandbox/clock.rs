//! The wall clock, and the two ways in which the sandbox writes a time.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::SecondsFormat;
use chrono::Utc;

/// Now, in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-20T10:00:00.000Z`
pub(super) fn rfc3339(at_ms: u64) -> String {
    date(at_ms).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `Fri, 20 Nov 2026 10:00:00 +0000`
pub(super) fn rfc2822(at_ms: u64) -> String {
    date(at_ms).to_rfc2822()
}

/// The day in UTC.
pub(super) fn day(at_ms: u64) -> NaiveDate {
    date(at_ms).date_naive()
}

fn date(at_ms: u64) -> DateTime<Utc> {
    i64::try_from(at_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_both_formats() {
        assert_eq!(rfc3339(1_795_168_800_007), "2026-11-20T10:00:00.007Z");
        assert_eq!(rfc2822(1_795_168_800_007), "Fri, 20 Nov 2026 10:00:00 +0000");
    }
}
