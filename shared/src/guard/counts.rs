//! What a subject sent and verified, in rings of time: half minutes, hours and days.
//!
//! A verification is counted where its order was sent, so that a conversion is exact for any span of sending and late
//! reports fall into place.

use serde::Deserialize;
use serde::Serialize;

use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// The grain of recent counts.
pub const SLOT_MS: u64 = 30 * SECOND_MS;
/// The span that a burst is judged over.
pub const SHORT_MS: u64 = 10 * MINUTE_MS;
/// The longest settling time that the ring of half minutes has room for.
pub const SETTLE_MS_MAX: u64 = 5 * MINUTE_MS;
/// Half minutes kept: the short span, the settling time before it, and the slot in use. At most 31 entries.
const SLOTS_KEEP_MS: u64 = SHORT_MS + SETTLE_MS_MAX;
/// Hours kept for the long span. At most 25 entries.
const HOURS_KEEP_MS: u64 = DAY_MS;
/// Days kept: today and the seven before it. At most 8 entries.
const DAYS_KEEP_MS: u64 = 7 * DAY_MS;
/// Twice this is the floor of a prefix's budget: a smaller best changes nothing.
const BEST_WORTH_KEEPING: u32 = 10;
/// The least orders a day that a country is judged by.
const SENDS_WORTH_KEEPING: u32 = 50;

/// What happened to orders that were first sent about the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Count {
    /// When the orders were first sent or turned away, to the half minute; for guesses, when they were made.
    pub at: UnixMs,
    /// Orders that a provider has taken for the first time. Not resends, not what a provider refused, and not orders
    /// that are delivered only and never verified here.
    pub sends: u32,
    /// Orders that were verified. For a tenant's guesses: right ones.
    pub verified: u32,
    /// Wrong guesses.
    pub failed_guesses: u32,
    /// Orders that the edge turned away on a verdict.
    pub refused: u32,
}

/// Orders and how many of them were verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Orders sent.
    pub sends: u32,
    /// Of them verified; never more than sent.
    pub verified: u32,
}

impl Rates {
    /// Orders without a verification.
    pub fn unverified(self) -> u32 {
        self.sends.saturating_sub(self.verified)
    }

    /// These without `other`, which is part of them.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        let sends = self.sends.saturating_sub(other.sends);
        Self { sends, verified: self.verified.saturating_sub(other.verified).min(sends) }
    }

    /// Whether so few of so many verify only where the true conversion is below `percent_100` (hundredths of a percent):
    /// the upper end of the Wilson interval at 95 % is below it. Written as the score test that the interval inverts, so
    /// that it is exact in whole numbers.
    pub fn is_surely_below(self, percent_100: u32) -> bool {
        /// 1.96 squared, times ten thousand.
        const Z_SQUARED: u128 = 38_416;
        const ONE: u128 = 10_000;
        let (n, k) = (u128::from(self.sends), u128::from(self.verified));
        let p = u128::from(percent_100).min(ONE);
        let (expected, seen) = (p * n, ONE * k);
        expected > seen && (expected - seen) * (expected - seen) * ONE > Z_SQUARED * p * (ONE - p) * n
    }
}

/// One span of a ring: its number since the epoch, sends, verified, failed guesses, refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span(u64, u32, u32, u32, u32);

/// One day: its number since the epoch, sends, verified, and most verified in ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Day(u64, u32, u32, u32);

/// The counts of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    slots: Vec<Span>,
    hours: Vec<Span>,
    days: Vec<Day>,
}

impl Counts {
    /// Adds what happened, each where its orders were sent, and forgets what no rule asks for any more.
    pub fn note(&mut self, counts: &[Count], now: UnixMs) {
        for count in counts {
            // A host whose clock is ahead tells of the future; taken as now.
            let at = count.at.min(now);
            add(&mut self.slots, SLOT_MS, SLOTS_KEEP_MS, at, now, count);
            add(&mut self.hours, HOUR_MS, HOURS_KEEP_MS, at, now, count);
            self.add_day(at, now, count);
        }
        self.slots.retain(|span| is_kept(span.0, SLOT_MS, SLOTS_KEEP_MS, now));
        self.hours.retain(|span| is_kept(span.0, HOUR_MS, HOURS_KEEP_MS, now));
        self.days.retain(|day| is_kept(day.0, DAY_MS, DAYS_KEEP_MS, now));
    }

    fn add_day(&mut self, at: UnixMs, now: UnixMs, count: &Count) {
        let number = at.0 / DAY_MS;
        if !is_kept(number, DAY_MS, DAYS_KEEP_MS, now) || count.sends == 0 && count.verified == 0 {
            return;
        }
        match self.days.iter_mut().find(|day| day.0 == number) {
            Some(day) => {
                day.1 = day.1.saturating_add(count.sends);
                day.2 = day.2.saturating_add(count.verified);
            }
            None => self.days.push(Day(number, count.sends, count.verified, 0)),
        }
    }

    /// Remembers how many verify in ten minutes when things go well.
    pub fn note_best(&mut self, verified: u32, now: UnixMs) {
        if let Some(day) = self.days.iter_mut().find(|day| day.0 == now.0 / DAY_MS) {
            day.3 = day.3.max(verified);
        }
    }

    /// Forgets the evidence, not the past that it is measured by.
    pub fn forget(&mut self) {
        self.slots.clear();
        self.hours.clear();
    }

    /// Whether there is evidence.
    pub fn has_evidence(&self) -> bool {
        !self.slots.is_empty() || !self.hours.is_empty()
    }

    /// The last ten minutes, fresh orders too.
    pub fn recent(&self, now: UnixMs) -> Rates {
        rates(self.slots.iter().filter(|span| span.0 >= now.minus(SHORT_MS).0 / SLOT_MS))
    }

    /// Ten minutes of orders, sent at `since` or later, whose users had `settle_ms` to verify.
    pub fn settled(&self, since: UnixMs, settle_ms: u64, now: UnixMs) -> Rates {
        let from = now.minus(SHORT_MS.saturating_add(settle_ms)).0 / SLOT_MS;
        let from = from.max(since.0.div_ceil(SLOT_MS));
        rates(self.slots.iter().filter(|span| span.0 >= from && is_settled(span, settle_ms, now)))
    }

    /// Orders that ten minutes bring at the pace of the busier of the last two full hours.
    pub fn usual_sends(&self, now: UnixMs) -> u32 {
        let hour = now.0 / HOUR_MS;
        let full = self.hours.iter().filter(|span| span.0 < hour && span.0 >= hour.saturating_sub(2));
        full.map(|span| span.1).max().unwrap_or(0) / 6
    }

    /// Orders of the last `hours` hours, the running one included, whose users had time to verify.
    pub fn settled_hours(&self, hours: u64, settle_ms: u64, now: UnixMs) -> Rates {
        let from = (now.0 / HOUR_MS).saturating_add(1).saturating_sub(hours);
        let all = sum(self.hours.iter().filter(|span| span.0 >= from));
        let fresh = sum(self.slots.iter().filter(|span| !is_settled(span, settle_ms, now)));
        let sends = all.1.saturating_sub(fresh.1);
        Rates { sends, verified: all.2.saturating_sub(fresh.2).min(sends) }
    }

    /// The seven days before today.
    pub fn past(&self, now: UnixMs) -> Rates {
        let before = self.days.iter().filter(|day| day.0 < now.0 / DAY_MS);
        let (sends, verified) = before.fold((0_u32, 0_u32), |(sends, verified), day| {
            (sends.saturating_add(day.1), verified.saturating_add(day.2))
        });
        Rates { sends, verified: verified.min(sends) }
    }

    /// Most verified in ten minutes of the last week.
    pub fn best(&self) -> u32 {
        self.days.iter().map(|day| day.3).max().unwrap_or(0)
    }

    /// Whether the past says more than the floors do: worth a week's memory.
    pub fn has_past(&self) -> bool {
        self.best() > BEST_WORTH_KEEPING || self.days.iter().any(|day| day.1 >= SENDS_WORTH_KEEPING)
    }

    /// Right and wrong guesses in the last ten minutes, and in the running and the last hour.
    pub fn guesses(&self, now: UnixMs) -> [(u32, u32); 2] {
        let short = sum(self.slots.iter().filter(|span| span.0 >= now.minus(SHORT_MS).0 / SLOT_MS));
        let long = sum(self.hours.iter().filter(|span| span.0 >= now.minus(HOUR_MS).0 / HOUR_MS));
        [(short.2, short.3), (long.2, long.3)]
    }

    /// Orders turned away: in the last ten minutes, and in the running and the last hour.
    pub fn refused(&self, now: UnixMs) -> (u32, u32) {
        let short = sum(self.slots.iter().filter(|span| span.0 >= now.minus(SHORT_MS).0 / SLOT_MS));
        let long = sum(self.hours.iter().filter(|span| span.0 >= now.minus(HOUR_MS).0 / HOUR_MS));
        (short.4, long.4)
    }

    /// When the next fresh slot settles.
    pub fn settles_at(&self, settle_ms: u64, now: UnixMs) -> Option<UnixMs> {
        let fresh = self.slots.iter().filter(|span| span.1 > 0 && !is_settled(span, settle_ms, now));
        fresh.map(|span| settled_at(span, settle_ms)).min()
    }
}

fn add(ring: &mut Vec<Span>, span_ms: u64, keep_ms: u64, at: UnixMs, now: UnixMs, count: &Count) {
    let number = at.0 / span_ms;
    if !is_kept(number, span_ms, keep_ms, now) {
        return;
    }
    if !ring.iter().any(|span| span.0 == number) {
        ring.push(Span(number, 0, 0, 0, 0));
    }
    let Some(span) = ring.iter_mut().find(|span| span.0 == number) else { return };
    span.1 = span.1.saturating_add(count.sends);
    span.2 = span.2.saturating_add(count.verified);
    span.3 = span.3.saturating_add(count.failed_guesses);
    span.4 = span.4.saturating_add(count.refused);
}

fn is_kept(number: u64, span_ms: u64, keep_ms: u64, now: UnixMs) -> bool {
    number >= now.minus(keep_ms).0 / span_ms
}

fn settled_at(span: &Span, settle_ms: u64) -> UnixMs {
    UnixMs(span.0.saturating_add(1).saturating_mul(SLOT_MS)).plus(settle_ms)
}

fn is_settled(span: &Span, settle_ms: u64, now: UnixMs) -> bool {
    settled_at(span, settle_ms) <= now
}

fn sum<'a>(spans: impl Iterator<Item = &'a Span>) -> Span {
    spans.fold(Span(0, 0, 0, 0, 0), |all, span| {
        Span(
            0,
            all.1.saturating_add(span.1),
            all.2.saturating_add(span.2),
            all.3.saturating_add(span.3),
            all.4.saturating_add(span.4),
        )
    })
}

fn rates<'a>(spans: impl Iterator<Item = &'a Span>) -> Rates {
    let all = sum(spans);
    Rates { sends: all.1, verified: all.2.min(all.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook form.
    fn wilson_upper(sends: u32, verified: u32) -> f64 {
        let (n, z) = (f64::from(sends), 1.96_f64);
        let p = f64::from(verified) / n;
        let middle = p + z * z / (2.0 * n);
        let width = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        (middle + width) / (1.0 + z * z / n)
    }

    #[test]
    fn surely_below_is_the_upper_end_of_the_wilson_interval() {
        for sends in (1..400).chain([10_000, 3_000_000]) {
            for verified in (0..sends).step_by(usize::try_from(sends / 25 + 1).unwrap()) {
                for percent_100 in [500, 1_234, 2_000, 3_500] {
                    let upper = wilson_upper(sends, verified) * 10_000.0;
                    let below = Rates { sends, verified }.is_surely_below(percent_100);
                    assert_eq!(below, upper < f64::from(percent_100), "{verified} of {sends}: {upper}");
                }
            }
        }
        let none_of = |sends| Rates { sends, verified: 0 }.is_surely_below(500);
        assert_eq!([none_of(72), none_of(73), none_of(0)], [false, true, false]);
        assert!(!Rates { sends: u32::MAX, verified: u32::MAX }.is_surely_below(u32::MAX));
    }
}
