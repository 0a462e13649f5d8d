//! The thresholds of the guard. An operator may tune them; [`Policy::check`] keeps them within what the state can hold.

use serde::Deserialize;
use serde::Serialize;

use super::counts::SETTLE_MS_MAX;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;

/// The longest verdict, so that it ends before the state that holds it is forgotten.
pub const VERDICT_MS_MAX: u64 = 2 * DAY_MS;

/// Whether the edge acts on a verdict or only writes it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The edge challenges and blocks.
    #[default]
    Enforce,
    /// The edge notes the risk factor and lets the order pass.
    RecordOnly,
}

/// When the guard speaks up, and for how long. Percentages are whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Enforce or only record.
    pub mode: Mode,
    /// A prefix may leave this many orders unverified in ten minutes whatever its past: 20.
    pub prefix_floor: u32,
    /// The same for a country: 50, which is also the least number of orders its conversion is judged by.
    pub country_floor: u32,
    /// A conversion is judged by at least this many settled orders: 20.
    pub samples_min: u32,
    /// A prefix that surely converts below this is challenged: 20 %.
    pub challenge_below_percent: u32,
    /// A prefix that surely converts below this is blocked: 5 %.
    pub block_below_percent: u32,
    /// A country that surely converts below this share of its own past is challenged: 35 %.
    pub country_drop_percent: u32,
    /// The conversion that a country without a past is held to have: 60 %.
    pub usual_percent: u32,
    /// A country's past counts as at least this, so that a long attack does not become the norm: 30 %.
    pub usual_percent_min: u32,
    /// Unverified orders in ten minutes allowed to a subject, in multiples of what it verified in its best ten
    /// minutes of the last week: 2.
    pub budget_times: u32,
    /// More wrong guesses than this among a tenant's guesses are a spray: 50 %.
    pub failed_percent: u32,
    /// The ratio is taken over at least this many guesses: 200.
    pub guesses_min: u32,
    /// How long a user has before an order counts as unverified: two minutes, at most five.
    pub settle_ms: u64,
    /// After a silence, how long no conversion is judged: five minutes. The edge reports late what it could not report.
    pub recover_ms: u64,
    /// A challenge on the budget alone: ten minutes. Until then the conversion has been seen, and confirms it or not.
    pub provisional_ms: u64,
    /// A challenge: 30 minutes, doubled each time it comes again within a week, never longer than a block.
    pub challenge_ms: u64,
    /// A block: twelve hours, and twelve more while the traffic goes on.
    pub block_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            prefix_floor: 20,
            country_floor: 50,
            samples_min: 20,
            challenge_below_percent: 20,
            block_below_percent: 5,
            country_drop_percent: 35,
            usual_percent: 60,
            usual_percent_min: 30,
            budget_times: 2,
            failed_percent: 50,
            guesses_min: 200,
            settle_ms: 2 * MINUTE_MS,
            recover_ms: 5 * MINUTE_MS,
            provisional_ms: 10 * MINUTE_MS,
            challenge_ms: 30 * MINUTE_MS,
            block_ms: 12 * HOUR_MS,
        }
    }
}

/// A threshold is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: must be {range}")]
pub struct Error {
    field: &'static str,
    range: &'static str,
}

impl Policy {
    /// Refuses thresholds that would judge by too little or outlive the state.
    pub fn check(&self) -> Result<(), Error> {
        let counts = [
            ("prefix_floor", self.prefix_floor),
            ("country_floor", self.country_floor),
            ("samples_min", self.samples_min),
            ("guesses_min", self.guesses_min),
        ];
        let percentages = [
            ("challenge_below_percent", self.challenge_below_percent),
            ("block_below_percent", self.block_below_percent),
            ("country_drop_percent", self.country_drop_percent),
            ("usual_percent", self.usual_percent),
            ("usual_percent_min", self.usual_percent_min),
            ("failed_percent", self.failed_percent),
        ];
        let durations = [
            ("provisional_ms", self.provisional_ms),
            ("challenge_ms", self.challenge_ms),
            ("block_ms", self.block_ms),
        ];
        let wrong = |field, range| Err(Error { field, range });
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| !(10..=100_000).contains(count)) {
            return wrong(field, "10 to 100000");
        }
        if let Some((field, _)) = percentages.into_iter().find(|(_, percent)| !(1..=99).contains(percent)) {
            return wrong(field, "1 to 99");
        }
        if self.block_below_percent > self.challenge_below_percent {
            return wrong("block_below_percent", "at most challenge_below_percent");
        }
        if self.budget_times > 100 {
            return wrong("budget_times", "at most 100");
        }
        if !(30_000..=SETTLE_MS_MAX).contains(&self.settle_ms) {
            return wrong("settle_ms", "30 seconds to five minutes, 30000 to 300000");
        }
        if self.recover_ms > HOUR_MS {
            return wrong("recover_ms", "at most an hour, 3600000");
        }
        let in_range = |ms: &u64| (MINUTE_MS..=VERDICT_MS_MAX).contains(ms);
        if let Some((field, _)) = durations.into_iter().find(|(_, ms)| !in_range(ms)) {
            return wrong(field, "a minute to two days, 60000 to 172800000");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_thresholds_are_refused_with_their_name() {
        assert_eq!(Policy::default().check(), Ok(()));
        let field = |policy: Policy| policy.check().unwrap_err().field;
        assert_eq!(field(Policy { samples_min: 1, ..Policy::default() }), "samples_min");
        assert_eq!(field(Policy { failed_percent: 0, ..Policy::default() }), "failed_percent");
        assert_eq!(field(Policy { block_below_percent: 30, ..Policy::default() }), "block_below_percent");
        assert_eq!(field(Policy { settle_ms: 301_000, ..Policy::default() }), "settle_ms");
        assert_eq!(field(Policy { block_ms: VERDICT_MS_MAX + 1, ..Policy::default() }), "block_ms");
        assert_eq!(field(Policy { budget_times: 101, ..Policy::default() }), "budget_times");
        assert_eq!(field(Policy { recover_ms: HOUR_MS + 1, ..Policy::default() }), "recover_ms");
    }
}
