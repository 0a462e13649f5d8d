//! From figures to a finding: the rules, without memory.

use super::Cause;
use super::Command;
use super::Figures;
use super::Kind;
use super::Level;
use super::Rates;
use super::counts::SHORT_MS;
use super::policy::Policy;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::UnixMs;

/// Unverified orders per verified one that need no past: a conversion of a fifth.
const UNVERIFIED_PER_VERIFIED: u32 = 4;
/// Orders beyond which a poor conversion may be a pump's doing. To bring a conversion of 60 % below 20 % it has to
/// triple the orders.
const LOUDER_TIMES: u32 = 2;

/// What the rules say now.
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) because: Cause,
    /// What was looked at, and the span of it.
    pub(super) rates: Rates,
    pub(super) span_ms: u64,
}

/// Figures with their span.
type Seen = (Rates, u64);

fn found(level: Level, because: Cause, (rates, span_ms): Seen) -> Finding {
    Finding { level, because, rates, span_ms }
}

/// The running hour and the one before.
const HOURS_MS: u64 = 2 * HOUR_MS;

/// Unverified orders in ten minutes that the subject's past and present allow for. The structure is Authgear's
/// (a floor, a share of the best of the past, a share of what is verified now); the numbers are ours.
fn budget(figures: &Figures, command: &Command) -> u32 {
    let by_past = figures.best.saturating_mul(command.policy.budget_times);
    let by_present = figures.recent.verified.saturating_mul(UNVERIFIED_PER_VERIFIED);
    floor(command).max(by_past).max(by_present)
}

pub(super) fn floor(command: &Command) -> u32 {
    match command.kind {
        Kind::Country => command.policy.country_floor,
        Kind::Guesses | Kind::Prefix => command.policy.prefix_floor,
    }
}

/// Whether core heard of everything that was verified.
fn is_sound(command: &Command, now: UnixMs) -> bool {
    now >= command.around.sound_since.plus(command.policy.recover_ms)
}

fn over_budget(figures: &Figures, command: &Command) -> Option<Finding> {
    let is_over = figures.recent.unverified() > budget(figures, command);
    is_over.then(|| found(Level::Challenge, Cause::UnverifiedBudget, (figures.recent, SHORT_MS)))
}

/// Whether there is more of it than usual. Unverified orders on top of the usual ones lower a conversion only by making
/// more of them; where the orders are as many as ever and fewer verify, messages do not arrive.
fn is_louder(figures: &Figures) -> bool {
    figures.settled.sends > figures.usual_sends.saturating_mul(LOUDER_TIMES)
}

pub(super) fn prefix(figures: &Figures, command: &Command, now: UnixMs) -> Option<Finding> {
    let policy = &command.policy;
    if !is_sound(command, now) {
        return over_budget(figures, command);
    }
    let below = |rates: Rates, percent: u32| {
        rates.sends >= policy.samples_min && rates.is_surely_below(percent.saturating_mul(100))
    };
    let is_burst = figures.settled.sends > policy.prefix_floor;
    let is_unusual = figures.settled.unverified() > figures.best.saturating_mul(policy.budget_times);
    let [settled, hours, day] = spans(figures);
    let mut dead = [(settled, is_burst && is_unusual), (day, true)].into_iter();
    let dead = dead.find(|((rates, _), may)| *may && below(*rates, policy.block_below_percent));
    if let Some((seen, _)) = dead.filter(|_| converts_around(figures, command)) {
        return Some(found(Level::Block, Cause::NoConversion, seen));
    }
    let mut poor = [(settled, is_burst && is_louder(figures)), (hours, true), (day, true)].into_iter();
    let poor = poor.find(|((rates, _), may)| *may && below(*rates, policy.challenge_below_percent));
    if let Some((seen, _)) = poor {
        return Some(found(Level::Challenge, Cause::LowConversion, seen));
    }
    over_budget(figures, command)
}

/// Whether the rest of the country converts, or is too little to tell. Where it does not, messages may not arrive at all, and
/// that is no reason to block.
fn converts_around(figures: &Figures, command: &Command) -> bool {
    let Some(country) = command.around.country else { return true };
    let rest = country.without(figures.settled);
    let percent = u64::from(command.policy.challenge_below_percent);
    rest.sends < command.policy.samples_min
        || u64::from(rest.verified).saturating_mul(100) >= u64::from(rest.sends).saturating_mul(percent)
}

pub(super) fn country(figures: &Figures, command: &Command, now: UnixMs) -> Option<Finding> {
    let policy = &command.policy;
    let usual_percent_100 = if figures.past.sends >= policy.country_floor {
        let share =
            u64::from(figures.past.verified).saturating_mul(10_000) / u64::from(figures.past.sends.max(1));
        u32::try_from(share).unwrap_or(10_000).max(policy.usual_percent_min.saturating_mul(100))
    } else {
        policy.usual_percent.saturating_mul(100)
    };
    let threshold = usual_percent_100.saturating_mul(policy.country_drop_percent) / 100;
    let drops = |rates: Rates| rates.sends >= policy.country_floor && rates.is_surely_below(threshold);
    let [settled, hours, day] = spans(figures);
    let mut dropped = [(settled, is_louder(figures)), (hours, true), (day, true)].into_iter();
    let dropped = dropped.find(|((rates, _), may)| *may && drops(*rates));
    if let Some((seen, _)) = dropped.filter(|_| is_sound(command, now)) {
        return Some(found(Level::Challenge, Cause::CountryDrop, seen));
    }
    over_budget(figures, command)
}

/// A spray is seen before the last of `guesses_min` guesses: once so many are wrong that no right ones could bring the
/// ratio down within them. `spans` are right and wrong guesses.
pub(super) fn guesses(spans: [(u32, u32); 2], policy: &Policy) -> Option<Finding> {
    let is_spray = |(right, wrong): (u32, u32)| {
        let all = u64::from(right).saturating_add(u64::from(wrong)).max(u64::from(policy.guesses_min));
        u64::from(wrong).saturating_mul(100) > all.saturating_mul(u64::from(policy.failed_percent))
    };
    let mut spans = spans.into_iter().zip([SHORT_MS, HOURS_MS]);
    let ((right, wrong), span_ms) = spans.find(|(span, _)| is_spray(*span))?;
    let rates = Rates { sends: right.saturating_add(wrong), verified: right };
    Some(found(Level::Challenge, Cause::FailedGuesses, (rates, span_ms)))
}

/// Orders whose users had time to verify, over each span that a conversion is judged by.
fn spans(figures: &Figures) -> [Seen; 3] {
    [(figures.settled, SHORT_MS), (figures.hour, HOURS_MS), (figures.day, DAY_MS)]
}
