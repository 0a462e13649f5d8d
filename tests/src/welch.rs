//! Welch's t-test on times, as dudect applies it ("dude, is my code constant time?", Reparaz, Balasch, Verbauwhede 2017).
//!
//! The published crate `dudect-bencher` brings an argument parser that nobody maintains any more; this is all of it that
//! is needed, and times over a network want the same statistic.

/// Above this, two samples of equal means are seen once in 150,000 tests.
pub const T_MAX: f64 = 4.5;
/// How many thresholds cut off the slow tail, which is the machine's noise.
const CROPS: u32 = 100;

/// Two samples compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Over all times.
    pub t: f64,
    /// The one furthest from zero, of those over all times and over those below each threshold.
    pub max_t: f64,
    /// Of the first sample less that of the second.
    pub median_difference: f64,
}

/// Compares times of two classes, in any unit.
pub fn compare(left: &[f64], right: &[f64]) -> Comparison {
    let all = t(left, right, f64::INFINITY);
    let mut pooled: Vec<_> = left.iter().chain(right).copied().collect();
    pooled.sort_by(f64::total_cmp);
    let mut max_t = all;
    for crop in 1..=CROPS {
        // Denser towards the top, as in dudect.
        let share = 1.0 - 0.5_f64.powf(10.0 * f64::from(crop) / f64::from(CROPS));
        let cropped = t(left, right, quantile(&pooled, share));
        if cropped.abs() > max_t.abs() {
            max_t = cropped;
        }
    }
    Comparison { t: all, max_t, median_difference: median(left) - median(right) }
}

/// The middle one; zero where there is none.
pub fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the sample")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Welch's statistic over the times below `limit`; zero where that leaves too few.
fn t(left: &[f64], right: &[f64], limit: f64) -> f64 {
    let (left, right) = (Moments::of(left, limit), Moments::of(right, limit));
    let error = (left.variance() / left.count + right.variance() / right.count).sqrt();
    if left.count < 100.0 || right.count < 100.0 || error == 0.0 {
        0.0
    } else {
        (left.mean - right.mean) / error
    }
}

#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Welford's way: stable for a million times of nearly the same size.
    fn of(sample: &[f64], limit: f64) -> Self {
        let mut moments = Self::default();
        for time in sample.iter().filter(|time| **time < limit) {
            moments.count += 1.0;
            let off = time - moments.mean;
            moments.mean += off / moments.count;
            moments.squares += off * (time - moments.mean);
        }
        moments
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known by other means: R's `t.test(0:199, 10:209)` and `t.test(0:199, seq(0, 398, 2))`.
    #[test]
    fn the_statistic_is_welchs() {
        let line = |from: f64, by: f64| (0..200).map(|at| from + by * f64::from(at)).collect::<Vec<_>>();
        let (base, later, steeper) = (line(0.0, 1.0), line(10.0, 1.0), line(0.0, 2.0));
        assert!((compare(&base, &later).t + 1.7277).abs() < 1e-4, "{:?}", compare(&base, &later));
        assert!((compare(&base, &steeper).t + 10.8725).abs() < 1e-3, "{:?}", compare(&base, &steeper));
        assert_eq!(compare(&later, &base).median_difference, 10.0);
        assert_eq!((compare(&base, &base).max_t, compare(&[], &[]).max_t), (0.0, 0.0));
    }

    /// A difference that a few slow times hide is seen once they are cut off.
    #[test]
    fn noise_at_the_top_hides_nothing() {
        let times = |slow_by: f64| {
            let noise = |at: u32| if at.is_multiple_of(97) { f64::from(at) * 50.0 } else { 0.0 };
            (0..20_000).map(|at| 100.0 + f64::from(at % 7) + slow_by + noise(at)).collect::<Vec<_>>()
        };
        let seen = compare(&times(1.0), &times(0.0));
        assert!(seen.t.abs() < T_MAX && seen.max_t > 10.0 * T_MAX, "{seen:?}");
    }
}
