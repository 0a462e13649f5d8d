//! What one phone may ask of one tenant.

use serde::Deserialize;
use serde::Serialize;

use super::TTL_MS_MAX;
use crate::bucket::Rate;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::window::Cap;

/// Guesses per code may be lowered, never raised: PSD2 RTS Art. 4(3)(b).
pub const GUESSES_PER_CODE_MAX: u8 = 5;
/// NIST SP 800-63B-4 section 3.2.2.
pub const GUESSES_IN_A_ROW_MAX: u32 = 100;
/// Orders a ledger keeps of a tenant at most: each is a day's.
const ORDERS_MAX: u32 = 100;
/// Messages of one order at most; rivals allow five.
pub const SENDS_PER_ORDER_MAX: u8 = 5;

/// What one phone may ask of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Orders at once and their refill: 3, one a minute.
    pub bucket: Rate,
    /// Orders an hour: 10.
    pub hourly: Cap,
    /// Orders a day: 20. It also bounds what a ledger keeps.
    pub daily: Cap,
    /// Guesses evaluated for one code: 5 at most.
    pub guesses_per_code: u8,
    /// Guesses evaluated in 24 hours: 20.
    pub guesses_per_day: u32,
    /// Wrong guesses in a row over all codes: 100 at most.
    pub guesses_in_a_row: u32,
    /// Messages of one order, resends included: 3, at most 5.
    pub sends_per_order: u8,
    /// Milliseconds from an order to its first resend, 30,000; the gap doubles with each.
    pub resend_after_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bucket: Rate { capacity: 3, refill_ms: MINUTE_MS },
            hourly: Cap { max: 10, window_ms: HOUR_MS },
            daily: Cap { max: 20, window_ms: DAY_MS },
            guesses_per_code: GUESSES_PER_CODE_MAX,
            guesses_per_day: 20,
            guesses_in_a_row: GUESSES_IN_A_ROW_MAX,
            sends_per_order: 3,
            resend_after_ms: 30_000,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.bucket.capacity == 0 || self.bucket.refill_ms == 0 {
            return Err("bucket: capacity and refill_ms must be at least 1".to_owned());
        }
        self.hourly.check("hourly", ORDERS_MAX)?;
        self.daily.check("daily", ORDERS_MAX)?;
        self.check_counts().map_err(str::to_owned)
    }

    fn check_counts(&self) -> Result<(), &'static str> {
        if !(1..=GUESSES_PER_CODE_MAX).contains(&self.guesses_per_code) {
            return Err("guesses_per_code: must be 1 to 5");
        }
        if self.guesses_per_day == 0 || self.guesses_per_day > GUESSES_IN_A_ROW_MAX {
            return Err("guesses_per_day: must be 1 to 100");
        }
        if !(1..=GUESSES_IN_A_ROW_MAX).contains(&self.guesses_in_a_row) {
            return Err("guesses_in_a_row: must be 1 to 100");
        }
        if !(1..=SENDS_PER_ORDER_MAX).contains(&self.sends_per_order) {
            return Err("sends_per_order: must be 1 to 5");
        }
        if self.resend_after_ms > TTL_MS_MAX {
            return Err("resend_after_ms: must be at most ten minutes, 600000");
        }
        Ok(())
    }
}
