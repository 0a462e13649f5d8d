//! What came of a try.

use super::Disabled;
use super::Reply;
use super::State;
use super::Why;
use super::schedule;
use crate::entropy::Entropy;
use crate::time::UnixMs;

/// A try that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The event's row.
    pub n: u64,
    /// Which try it was.
    pub attempt: u32,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Any 2xx.
    Delivered,
    /// No connection, no answer in time, or another status; redirects too.
    Failed {
        /// How long the receiver asks to be left alone, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// 410: the receiver wants no more, ever.
    Gone,
    /// The event is not in the log any more.
    Missing,
    /// 429, 502 or 504: the receiver is asked too much.
    Throttled {
        /// As above.
        retry_after_ms: Option<u64>,
    },
}

impl Outcome {
    /// What a status says.
    pub fn of_status(status: u16, retry_after_ms: Option<u64>) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            429 | 502 | 504 => Self::Throttled { retry_after_ms },
            _ => Self::Failed { retry_after_ms },
        }
    }
}

impl State {
    pub(super) fn done(&mut self, done: &Done, entropy: &Entropy, reply: &mut Reply, now: UnixMs) {
        let Some(index) = self.pending.iter().position(|event| event.n == done.n) else { return };
        let is_ours = self
            .pending
            .get(index)
            .is_some_and(|event| event.tries == done.attempt && event.leased_until.is_some());
        // Whoever was taken for dead may still say that it was delivered.
        if !is_ours && done.outcome != Outcome::Delivered {
            return;
        }
        match done.outcome {
            Outcome::Delivered => {
                self.pending.remove(index);
                self.delivered = self.delivered.saturating_add(1);
                self.delivered_at = Some(now);
                if self.is_down() {
                    self.recover(now);
                }
                (self.failures, self.throttles, self.paused_until) = (0, 0, UnixMs(0));
            }
            Outcome::Missing => drop(self.pending.remove(index)),
            Outcome::Gone => {
                if let Some(event) = self.pending.get_mut(index) {
                    (event.leased_until, event.next_at) = (None, now);
                }
                self.disable(Why::Gone, now);
            }
            Outcome::Failed { retry_after_ms } => {
                self.failed(index, retry_after_ms, entropy, reply, now);
            }
            Outcome::Throttled { retry_after_ms } => {
                let random = random(entropy, done.n);
                let pause_ms = schedule::THROTTLE.delay_ms(self.throttles, random);
                let pause_ms = pause_ms.max(asked(retry_after_ms));
                self.paused_until = self.paused_until.max(now.plus(pause_ms));
                self.throttles = self.throttles.saturating_add(1);
                self.failed(index, retry_after_ms, entropy, reply, now);
            }
        }
    }

    fn failed(
        &mut self,
        index: usize,
        retry_after_ms: Option<u64>,
        entropy: &Entropy,
        reply: &mut Reply,
        now: UnixMs,
    ) {
        self.failures = self.failures.saturating_add(1);
        let Some(event) = self.pending.get_mut(index) else { return };
        event.leased_until = None;
        if let Some(delay_ms) = schedule::delay_ms(event.tries, random(entropy, event.n)) {
            event.next_at = now.plus(delay_ms.max(asked(retry_after_ms)));
            return;
        }
        let event = self.pending.remove(index);
        reply.given_up.push(event.n);
        self.given_up = self.given_up.saturating_add(1);
        // One event that a receiver chokes on is given up alone; a receiver that takes nothing is.
        if self.delivered_at.is_none_or(|at| event.first_at.is_some_and(|first_at| at < first_at)) {
            self.disable(Why::Exhausted, now);
        }
    }

    fn disable(&mut self, why: Why, now: UnixMs) {
        if self.disabled.is_none() {
            self.disabled = Some(Disabled { at: now, why, told: false });
        }
    }
}

fn asked(retry_after_ms: Option<u64>) -> u64 {
    retry_after_ms.unwrap_or_default().min(schedule::RETRY_AFTER_MAX_MS)
}

fn random(entropy: &Entropy, n: u64) -> u64 {
    u64::from_be_bytes(entropy.derive(&format!("retry/{n}")))
}
