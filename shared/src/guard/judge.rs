//! What a verdict is made of, how long it lasts, and who is told.

use super::BATCH_COUNTS_MAX;
use super::BATCHES_MAX;
use super::Cause;
use super::Command;
use super::Count;
use super::Figures;
use super::Grounds;
use super::KEEP_MS;
use super::KEEP_SHORT_MS;
use super::Kind;
use super::Level;
use super::Reply;
use super::STRIKES_FORGET_MS;
use super::Standing;
use super::State;
use super::TELL_AGAIN_MS;
use super::policy::Policy;
use super::rules;
use super::rules::Finding;
use crate::bytes::Bytes;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::HOUR_MS;
use crate::time::UnixMs;

/// Orders turned away per order let through that show that it is no person who is challenged. A person is turned
/// away once and comes back with the answer.
const REFUSED_PER_SEND: u32 = 5;
/// A block is prolonged by what came in the last hour before its end.
const PROLONG_WITHIN_MS: u64 = HOUR_MS;
/// Doublings of a challenge, so that the shift stays small.
const DOUBLINGS_MAX: u8 = 10;

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
        self.grounds = None;
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
            self.grounds = None;
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
            Kind::Country => rules::country(figures, command, now),
            Kind::Guesses => rules::guesses(self.counts.guesses(now), &command.policy),
            Kind::Prefix => rules::prefix(figures, command, now),
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

    /// A stricter verdict replaces a milder one. One of the same strictness prolongs it while orders still come through, in
    /// large steps, so that the list changes seldom.
    fn stand(&mut self, finding: &Finding, figures: &Figures, command: &Command, now: UnixMs) {
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
            Level::Block => figures.recent.unverified() > rules::floor(command),
            Level::Challenge | Level::Open => {
                command.kind == Kind::Guesses || figures.recent.unverified() > 0
            }
        };
        let is_short =
            old.is_some_and(|old| old.level == finding.level && old.until.since(now) < lasts_ms / 2);
        if starts || goes_on && is_short {
            let level = finding.level;
            let old = self.standing.replace(Standing {
                level,
                until: now.plus(lasts_ms),
                because,
                mode: policy.mode,
            });
            if starts {
                let since = old.and(self.grounds).filter(|_| confirms).map_or(now, |grounds| grounds.since);
                self.grounds = Some(Grounds { since, rates: finding.rates, span_ms: finding.span_ms });
            }
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
        let floor = rules::floor(command);
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
            grounds: self.grounds.filter(|_| self.standing.is_some_and(|standing| now < standing.until)),
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
