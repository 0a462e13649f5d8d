//! The circuit breaker's moves: closed → open → half-open → closed, or open again.

use serde::Deserialize;
use serde::Serialize;

use super::CALLS_MIN;
use super::Calls;
use super::FAILED_PERCENT;
use super::OPEN_MS;
use super::PROBE_MS;
use super::State;
use crate::bytes::Bytes;
use crate::time::UnixMs;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Calls go through.
    #[default]
    Closed,
    /// No calls.
    Open {
        /// When one may probe.
        until: UnixMs,
    },
    /// One call is finding out.
    HalfOpen {
        /// Whose.
        token: Bytes<16>,
        /// When it is given up for lost.
        until: UnixMs,
    },
}

/// Where an operator holds a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// Calls go through, whatever they come to.
    Closed,
    /// No calls, not even a probe.
    Open,
}

/// What a breaker did, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When.
    pub at: UnixMs,
    /// Where it stands since.
    pub to: Stand,
    /// In words.
    pub because: String,
}

/// Where a breaker stands, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Calls go through.
    Closed,
    /// One call is finding out.
    HalfOpen,
    /// No calls.
    Open,
}

impl State {
    /// Opens a closed breaker whose window says so.
    pub(super) fn judge(&mut self, now: UnixMs) -> Option<Change> {
        let Calls { made, failed, slow, .. } = self.window.sum(now);
        let is_over =
            (u64::from(failed) + u64::from(slow)) * 100 > u64::from(made) * u64::from(FAILED_PERCENT);
        if self.phase != Phase::Closed || made < CALLS_MIN || !is_over {
            return None;
        }
        Some(self.open(format!("{failed} of {made} calls failed and {slow} were slow within a minute"), now))
    }

    fn open(&mut self, because: String, now: UnixMs) -> Change {
        self.phase = Phase::Open { until: now.plus(OPEN_MS) };
        self.since = now;
        Change { at: now, to: Stand::Open, because }
    }

    /// Gives the one probe to who asks first; to the same one again, who did not hear. `None` when it is not to be had.
    pub(super) fn probe(&mut self, token: Bytes<16>, now: UnixMs) -> Option<Option<Change>> {
        if self.forced.is_some() {
            return None;
        }
        match self.phase {
            Phase::HalfOpen { token: held, until } if held == token && now < until => return Some(None),
            Phase::Open { until } | Phase::HalfOpen { until, .. } if now >= until => {}
            Phase::Closed | Phase::HalfOpen { .. } | Phase::Open { .. } => return None,
        }
        let is_first = matches!(self.phase, Phase::Open { .. });
        self.phase = Phase::HalfOpen { token, until: now.plus(PROBE_MS) };
        if is_first {
            self.since = now;
        }
        let because = "one call finds out whether it is back".to_owned();
        Some(is_first.then_some(Change { at: now, to: Stand::HalfOpen, because }))
    }

    /// Closes, or opens again. One that was not made leaves the next one free, and is no news. `None` when it is not the
    /// probe that is under way.
    pub(super) fn probed(
        &mut self,
        token: Bytes<16>,
        is_well: Option<bool>,
        now: UnixMs,
    ) -> Option<Option<Change>> {
        let Phase::HalfOpen { token: held, .. } = self.phase else { return None };
        if held != token {
            return None;
        }
        match is_well {
            Some(true) => {
                self.phase = Phase::Closed;
                self.since = now;
                // What failed before must not open it again at the first hiccup.
                self.window.clear();
                Some(Some(Change { at: now, to: Stand::Closed, because: "the probe went well".into() }))
            }
            Some(false) => Some(Some(self.open("the probe failed".into(), now))),
            None => {
                self.phase = Phase::Open { until: now };
                let half_opened = self.changes.pop_if(|last| last.to == Stand::HalfOpen);
                // Since when it is open tells the change before.
                if half_opened.is_some()
                    && let Some(opened) = self.changes.last()
                {
                    self.since = opened.at;
                }
                Some(None)
            }
        }
    }

    pub(super) fn force(&mut self, forced: Option<Forced>, now: UnixMs) -> Change {
        self.forced = forced;
        self.since = now;
        if forced.is_none() {
            // It proves itself anew.
            self.phase = Phase::Closed;
            self.window.clear();
        }
        match forced {
            Some(Forced::Closed) => {
                Change { at: now, to: Stand::Closed, because: "an operator holds it closed".into() }
            }
            Some(Forced::Open) => {
                Change { at: now, to: Stand::Open, because: "an operator holds it open".into() }
            }
            None => Change { at: now, to: Stand::Closed, because: "an operator let it go".into() },
        }
    }
}
