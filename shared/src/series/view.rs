//! Figures of the last hour, day or week, put together from the sums of its periods.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Counts;
use super::Grain;
use super::Period;
use super::Slots;
use crate::price::Currency;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::UnixMs;

/// How far back figures go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// 60 points of a minute.
    #[default]
    Hour,
    /// 96 points of a quarter of an hour.
    Day,
    /// 168 points of an hour.
    Week,
}

/// Points in the order of time, without gaps, and all of them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Of each point, in milliseconds.
    pub step_ms: u64,
    /// Oldest first; the last one is not over yet.
    pub points: Vec<Point>,
    /// All points together.
    pub totals: Totals,
}

/// What happened in one step of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When it began.
    pub at: UnixMs,
    /// What happened.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What happened in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// What happened.
    #[serde(flatten)]
    pub figures: Figures,
    /// Delivered, of those of which it is known whether they were.
    pub delivery_permille: Option<u64>,
    /// Verified, of those accepted whose code is checked here.
    pub verification_permille: Option<u64>,
    /// By currency.
    pub spend: Vec<Spend>,
}

/// What messages cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spend {
    /// In it.
    pub currency: Currency,
    /// So many millionths; less than nothing where more was given back than charged.
    pub amount_micros: i64,
}

/// Counts, and how long delivery took: see [`super::Latencies`] for how exact that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// See [`Counts::accepted`].
    pub accepted: u64,
    /// See [`Counts::delivered`].
    pub delivered: u64,
    /// See [`Counts::failed`].
    pub failed: u64,
    /// See [`Counts::expired`].
    pub expired: u64,
    /// See [`Counts::cancelled`].
    pub cancelled: u64,
    /// See [`Counts::verified`].
    pub verified: u64,
    /// Half of what was delivered was so within this time of its acceptance.
    pub p50_ms: Option<u64>,
    /// 95 %.
    pub p95_ms: Option<u64>,
    /// 99 %.
    pub p99_ms: Option<u64>,
}

impl Span {
    /// Its name in queries and replies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    fn shape(self) -> (Grain, u64, u64) {
        match self {
            Self::Hour => (Grain::Minute, MINUTE_MS, 60),
            Self::Day => (Grain::Minute, 15 * MINUTE_MS, 96),
            Self::Week => (Grain::Hour, HOUR_MS, 168),
        }
    }

    fn starts_at(self, now: UnixMs) -> UnixMs {
        let (_, step_ms, points) = self.shape();
        let last = now.0 / step_ms;
        UnixMs(last.saturating_sub(points - 1).saturating_mul(step_ms))
    }

    /// The periods that it is put together from: at most 25.
    pub fn periods(self, now: UnixMs) -> Vec<Period> {
        let (grain, ..) = self.shape();
        let (first, last) = (Period::of(grain, self.starts_at(now)), Period::of(grain, now));
        (first.n..=last.n).map(|n| Period { grain, n }).collect()
    }

    /// Puts it together. What is missing in `known` is nothing that happened.
    pub fn view(self, known: &BTreeMap<Period, Slots>, now: UnixMs) -> View {
        let (grain, step_ms, count) = self.shape();
        let starts_at = self.starts_at(now);
        let steps = (0..count).map(|n| starts_at.plus(n.saturating_mul(step_ms)));
        let mut all = Counts::default();
        let points = steps.map(|at| {
            let mut counts = Counts::default();
            let grains = (0..step_ms / grain.slot_ms()).map(|n| at.plus(n.saturating_mul(grain.slot_ms())));
            for at in grains {
                let (period, slot) = (Period::of(grain, at), grain.slot(at));
                if let Some(more) = known.get(&period).and_then(|slots| slots.get(&slot)) {
                    counts.merge(more);
                }
            }
            all.merge(&counts);
            Point { at, figures: Figures::of(&counts) }
        });
        let points = points.collect();
        View { step_ms, points, totals: Totals::of(&all) }
    }
}

impl Figures {
    fn of(counts: &Counts) -> Self {
        Self {
            accepted: counts.accepted,
            delivered: counts.delivered,
            failed: counts.failed,
            expired: counts.expired,
            cancelled: counts.cancelled,
            verified: counts.verified,
            p50_ms: counts.latencies.quantile_ms(500),
            p95_ms: counts.latencies.quantile_ms(950),
            p99_ms: counts.latencies.quantile_ms(990),
        }
    }
}

impl Totals {
    fn of(counts: &Counts) -> Self {
        let spend = |(currency, amount_micros): (&Currency, &i64)| Spend {
            currency: *currency,
            amount_micros: *amount_micros,
        };
        Self {
            figures: Figures::of(counts),
            delivery_permille: counts.delivery_permille(),
            verification_permille: counts.verification_permille(),
            spend: counts.spend.iter().map(spend).collect(),
        }
    }
}
