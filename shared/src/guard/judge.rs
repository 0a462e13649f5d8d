//! From counts to a verdict.

use super::BATCH_COUNTS_MAX;
use super::BATCHES_MAX;
use super::Cause;
use super::Command;
use super::Count;
use super::Figures;
use super::KEEP_MS;
use super::KEEP_SHORT_MS;
use super::Kind;
use super::Level;
use super::Rates;
use super::Reply;
use super::STRIKES_FORGET_MS;
use super::Standing;
use super::State;
use super::TELL_AGAIN_MS;
use super::policy::Policy;
use crate::bytes::Bytes;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::HOUR_MS;
use crate::time::UnixMs;

/// Unverified orders per verified one that need no past: a conversion of a fifth.
const UNVERIFIED_PER_VERIFIED: u32 = 4;
/// Orders turned away per order let through that show that it is no person who is challenged. A person is turned
/// away once and comes back with the answer.
const REFUSED_PER_SEND: u32 = 5;
/// Orders beyond which a poor conversion may be a pump's doing. To bring a conversion of 60 % below 20 % it has to
/// triple the orders.
const LOUDER_TIMES: u32 = 2;
/// A block is prolonged by what came in the last hour before its end.
const PROLONG_WITHIN_MS: u64 = HOUR_MS;
/// Doublings of a challenge, so that the shift stays small.
const DOUBLINGS_MAX: u8 = 10;

/// What the rules say now.
struct Finding {
    level: Level,
    because: Cause,
}

impl State {
    pub(super) fn note(
        mut self,
        batch: Bytes<16>,
        counts: &[Count],
        command: &Command,
        now: UnixMs,
    ) -> Step<Self, Reply> {
        self.lapse(now);
        if self.batches.len() >= BATCHES_MAX {
            self.batches.remove(0);
        }
        self.batches.push(batch);
        self.counts.note(counts.get(..BATCH_COUNTS_MAX).unwrap_or(counts), now);
        let mut figures = self.figures(command, now);
        self.counts.note_best(figures.settled.verified, now);
        figures.best = self.counts.best();
        self.judge(&figures, command, now);
        self.put(figures, command, now)
    }

    pub(super) fn release(mut self, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        if self.standing.is_none() && !self.counts.has_evidence() && self.strikes == 0 {
            return Step::keep(self.reply(self.figures(command, now), now));
        }
        self.counts.forget();
        self.strikes = 0;
        if self.standing.take().is_some() {
            self.seq = self.seq.saturating_add(1);
        }
        let figures = self.figures(command, now);
        self.put(figures, command, now)
    }

    /// Ends a verdict whose time is over. What led to a block is forgotten with it, or it would return at the next order.
    fn lapse(&mut self, now: UnixMs) {
        if let Some(over) = self.standing.filter(|standing| standing.until <= now) {
            self.standing = None;
            if over.level == Level::Block {
                self.counts.forget();
            }
        }
    }

    /// The alarm rang: time alone changes what counts as settled.
    pub(super) fn tick(mut self, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        self.lapse(now);
        let figures = self.figures(command, now);
        self.judge(&figures, command, now);
        self.put(figures, command, now)
    }

    fn judge(&mut self, figures: &Figures, command: &Command, now: UnixMs) {
        let before = self.standing;
        let finding = match command.kind {
            Kind::Country => country(figures, command, now),
            Kind::Guesses => self.guesses(&command.policy, now),
            Kind::Prefix => prefix(figures, command, now),
        };
        if let Some(finding) = finding {
            self.stand(&finding, figures, command, now);
        }
        self.prolong(figures, command, now);
        if let Some(standing) = &mut self.standing {
            standing.mode = command.policy.mode;
        }
        if self.standing != before {
            self.seq = self.seq.saturating_add(1);
        }
    }

    /// A spray is seen before the last of `guesses_min` guesses: once so many are wrong that no right ones could
    /// bring the ratio down within them.
    fn guesses(&self, policy: &Policy, now: UnixMs) -> Option<Finding> {
        let is_spray = |(right, wrong): (u32, u32)| {
            let all = u64::from(right).saturating_add(u64::from(wrong)).max(u64::from(policy.guesses_min));
            u64::from(wrong).saturating_mul(100) > all.saturating_mul(u64::from(policy.failed_percent))
        };
        let found = self.counts.guesses(now).into_iter().any(is_spray);
        found.then_some(Finding { level: Level::Challenge, because: Cause::FailedGuesses })
    }

    /// A stricter verdict replaces a milder one. One of the same strictness prolongs it while orders still come through, in
    /// large steps, so that the list changes seldom.
    fn stand(&mut self, finding: &Finding, figures: &Figures, command: &Command, now: UnixMs) {
        let policy = &command.policy;
        let policy = &command.policy;
        let is_offence = |because| because != Cause::UnverifiedBudget;
        let old = self.standing.filter(|old| old.level >= finding.level);
        let confirms = old.is_some_and(|old| {
            old.level == finding.level && !is_offence(old.because) && is_offence(finding.because)
        });
        let because = match old {
            Some(old) if !confirms => old.because,
            _ => finding.because,
        };
        let starts = old.is_none() || confirms;
        if starts && is_offence(because) {
            if now >= self.struck_at.plus(STRIKES_FORGET_MS) {
                self.strikes = 0;
            }
            self.strikes = self.strikes.saturating_add(1);
            self.struck_at = now;
        }
        let lasts_ms = self.lasts_ms(finding.level, because, policy);
        let goes_on = match finding.level {
            Level::Block => figures.recent.unverified() > floor(command),
            Level::Challenge | Level::Open => {
                command.kind == Kind::Guesses || figures.recent.unverified() > 0
            }
        };
        let is_short =
            old.is_some_and(|old| old.level == finding.level && old.until.since(now) < lasts_ms / 2);
        if starts || goes_on && is_short {
            let level = finding.level;
            self.standing = Some(Standing { level, until: now.plus(lasts_ms), because, mode: policy.mode });
        }
    }

    fn lasts_ms(&self, level: Level, because: Cause, policy: &Policy) -> u64 {
        if level == Level::Block {
            return policy.block_ms;
        }
        if because == Cause::UnverifiedBudget {
            return policy.provisional_ms;
        }
        let doublings = self.strikes.saturating_sub(1).min(DOUBLINGS_MAX);
        policy.challenge_ms.saturating_mul(1 << doublings).min(policy.block_ms.max(policy.challenge_ms))
    }

    /// What is turned away does not show among the sends: while much of it comes, the verdict goes on.
    fn prolong(&mut self, figures: &Figures, command: &Command, now: UnixMs) {
        let Some(standing) = self.standing else { return };
        let floor = floor(command);
        let (short, long) = self.counts.refused(now);
        let left_ms = standing.until.since(now);
        let until = match standing.level {
            Level::Block if long > floor && left_ms < PROLONG_WITHIN_MS.min(command.policy.block_ms / 2) => {
                standing.until.plus(command.policy.block_ms)
            }
            Level::Challenge if short > floor && short / REFUSED_PER_SEND > figures.recent.sends => {
                let lasts_ms = self.lasts_ms(standing.level, standing.because, &command.policy);
                if left_ms < lasts_ms / 2 { now.plus(lasts_ms) } else { return }
            }
            Level::Block | Level::Challenge | Level::Open => return,
        };
        self.standing = Some(Standing { until, ..standing });
    }

    pub(super) fn figures(&self, command: &Command, now: UnixMs) -> Figures {
        let settle_ms = command.policy.settle_ms;
        // What waited for the end of an outage is sent at once when it is over, and many of its users are gone.
        let since = command.around.sound_since.plus(settle_ms);
        let [(right_guesses, wrong_guesses), _] = self.counts.guesses(now);
        Figures {
            recent: self.counts.recent(now),
            settled: self.counts.settled(since, settle_ms, now),
            hour: self.counts.settled_hours(2, settle_ms, now),
            day: self.counts.settled_hours(24, settle_ms, now),
            usual_sends: self.counts.usual_sends(now),
            best: self.counts.best(),
            past: self.counts.past(now),
            right_guesses,
            wrong_guesses,
        }
    }

    pub(super) fn reply(&self, figures: Figures, now: UnixMs) -> Reply {
        Reply {
            verdict: self.standing.filter(|standing| now < standing.until),
            figures,
            change: (self.told < self.seq).then_some(self.seq),
        }
    }

    pub(super) fn put(mut self, figures: Figures, command: &Command, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let (reply, expires_at) = (self.reply(figures, now), self.keep_until());
        let wake_at = self.wake_at(&reply, command, now);
        Step { reply, write: Write::Put { state: self, expires_at, wake_at } }
    }

    /// A verdict may end, a change may have got lost, and the last orders of a burst settle when nobody speaks of them.
    fn wake_at(&self, reply: &Reply, command: &Command, now: UnixMs) -> Option<UnixMs> {
        let policy = &command.policy;
        let figures = &reply.figures;
        let may_tell = command.kind != Kind::Guesses
            && figures.recent.sends.max(figures.day.sends) >= policy.samples_min
            && figures.recent.unverified() > 0;
        [
            reply.change.map(|_| now.plus(TELL_AGAIN_MS)),
            reply.verdict.map(|standing| standing.until),
            may_tell.then(|| self.counts.settles_at(policy.settle_ms, now)).flatten(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn keep_until(&self) -> UnixMs {
        let has_past = self.strikes > 0 || self.standing.is_some() || self.counts.has_past();
        self.clock.plus(if has_past { KEEP_MS } else { KEEP_SHORT_MS })
    }
}

/// Unverified orders in ten minutes that the subject's past and present allow for. The structure is Authgear's
/// (a floor, a share of the best of the past, a share of what is verified now); the numbers are ours.
fn budget(figures: &Figures, command: &Command) -> u32 {
    let by_past = figures.best.saturating_mul(command.policy.budget_times);
    let by_present = figures.recent.verified.saturating_mul(UNVERIFIED_PER_VERIFIED);
    floor(command).max(by_past).max(by_present)
}

fn floor(command: &Command) -> u32 {
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
    let found = figures.recent.unverified() > budget(figures, command);
    found.then_some(Finding { level: Level::Challenge, because: Cause::UnverifiedBudget })
}

/// Whether there is more of it than usual. Unverified orders on top of the usual ones lower a conversion only by making
/// more of them; where the orders are as many as ever and fewer verify, messages do not arrive.
fn is_louder(figures: &Figures) -> bool {
    figures.settled.sends > figures.usual_sends.saturating_mul(LOUDER_TIMES)
}

fn prefix(figures: &Figures, command: &Command, now: UnixMs) -> Option<Finding> {
    let policy = &command.policy;
    if !is_sound(command, now) {
        return over_budget(figures, command);
    }
    let below = |rates: Rates, percent: u32| {
        rates.sends >= policy.samples_min && rates.is_surely_below(percent.saturating_mul(100))
    };
    let is_burst = figures.settled.sends > policy.prefix_floor;
    let is_unusual = figures.settled.unverified() > figures.best.saturating_mul(policy.budget_times);
    let is_dead = below(figures.settled, policy.block_below_percent) && is_burst && is_unusual
        || below(figures.day, policy.block_below_percent);
    if is_dead && converts_around(figures, command) {
        return Some(Finding { level: Level::Block, because: Cause::NoConversion });
    }
    let is_poor = below(figures.settled, policy.challenge_below_percent) && is_burst && is_louder(figures)
        || [figures.hour, figures.day].into_iter().any(|rates| below(rates, policy.challenge_below_percent));
    if is_poor {
        return Some(Finding { level: Level::Challenge, because: Cause::LowConversion });
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

fn country(figures: &Figures, command: &Command, now: UnixMs) -> Option<Finding> {
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
    let found = drops(figures.settled) && is_louder(figures) || drops(figures.hour) || drops(figures.day);
    if found && is_sound(command, now) {
        return Some(Finding { level: Level::Challenge, because: Cause::CountryDrop });
    }
    over_budget(figures, command)
}
