//! Time as milliseconds since the Unix epoch, always handed in by a host.

use chrono::DateTime;
use chrono::SecondsFormat;
use serde::Deserialize;
use serde::Serialize;

/// Milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub u64);

/// One second, in milliseconds.
pub const SECOND_MS: u64 = 1_000;
/// One minute, in milliseconds.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// One hour, in milliseconds.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

impl UnixMs {
    /// This much later.
    pub fn plus(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add(duration_ms))
    }

    /// This much earlier, never before the epoch.
    pub fn minus(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_sub(duration_ms))
    }

    /// Milliseconds from `earlier` to here, 0 when `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole days since the epoch, by UTC.
    pub fn day(self) -> u64 {
        self.0 / DAY_MS
    }

    /// When that day is over.
    pub fn day_ends_at(self) -> Self {
        Self(self.day().saturating_add(1).saturating_mul(DAY_MS))
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-20T10:00:00.000Z`. Empty past the year 262142.
    pub fn rfc3339(self) -> String {
        i64::try_from(self.0)
            .ok()
            .and_then(DateTime::from_timestamp_millis)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
            .unwrap_or_default()
    }
}

/// Whole seconds, rounded up, as `Retry-After` wants them (RFC 9110 section 10.2.3). Never 0.
pub fn retry_after_seconds(wait_ms: u64) -> u64 {
    wait_ms.div_ceil(SECOND_MS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_with_milliseconds() {
        assert_eq!(UnixMs(0).rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMs(1_795_082_400_007).rfc3339(), "2026-11-19T10:00:00.007Z");
        assert_eq!(UnixMs(u64::MAX).rfc3339(), "");
    }

    #[test]
    fn a_day_ends_at_midnight_by_utc() {
        let noon = UnixMs(1_795_089_600_000);
        assert_eq!(noon.rfc3339(), "2026-11-19T12:00:00.000Z");
        assert_eq!(noon.day_ends_at().rfc3339(), "2026-11-20T00:00:00.000Z");
        assert_eq!(noon.day_ends_at().minus(1).day(), noon.day());
        assert_eq!(noon.day_ends_at().day(), noon.day() + 1);
        assert_eq!(UnixMs(u64::MAX).day_ends_at(), UnixMs(u64::MAX));
    }

    #[test]
    fn retry_after_rounds_up_and_is_never_zero() {
        assert_eq!(retry_after_seconds(0), 1);
        assert_eq!(retry_after_seconds(1_000), 1);
        assert_eq!(retry_after_seconds(1_001), 2);
    }
}
