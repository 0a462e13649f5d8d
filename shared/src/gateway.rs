//! What the whole fleet knows of one gateway: its circuit breaker, and a pause its provider asked for.
//!
//! Every worker counts its own calls and adds them a few times a second; the state decides, and every worker reads it at
//! least once a second. A missing state is a gateway without a past: closed. Losing one costs at most the calls that
//! it takes to open the breaker again.

use serde::Deserialize;
use serde::Serialize;

pub use self::breaker::Change;
pub use self::breaker::Forced;
pub use self::breaker::Phase;
pub use self::breaker::Stand;
use self::window::Window;
use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::order::CallOutcome;
use crate::route::Health;
use crate::time::DAY_MS;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

mod breaker;
#[cfg(test)]
mod tests;
mod window;

/// Calls are counted over this long.
pub const WINDOW_MS: u64 = MINUTE_MS;
/// Fewer calls than this prove nothing.
pub const CALLS_MIN: u32 = 20;
/// The breaker opens above this share of failures.
pub const FAILED_PERCENT: u32 = 10;
/// From this share on a gateway is dark: not even a last resort.
pub const DARK_PERCENT: u32 = 50;
/// A call that takes longer speaks against its gateway, whatever it comes to and before it comes to anything: one that hangs
/// would otherwise hold ten seconds of orders before the first of its calls ran out. It does not make the gateway dark: what
/// is slow, and all there is, goes on as a last resort.
pub const SLOW_MS: u64 = 3 * SECOND_MS;
/// How long an open breaker stays open before one call may probe.
pub const OPEN_MS: u64 = 30 * SECOND_MS;
/// How long a probe may take before another one is let through: longer than an attempt's claim.
pub const PROBE_MS: u64 = 25 * SECOND_MS;
/// A breaker that is due for a probe is looked at again after this long: workers read it twice a second.
const LOOK_AGAIN_MS: u64 = 250;
/// The longest pause a provider may ask for.
pub const PAUSE_MS_MAX: u64 = 5 * MINUTE_MS;
/// Batches remembered so that one that comes again counts once: twice the workers that flush within a store's deadline.
const BATCHES_MAX: usize = 64;
/// Changes of a breaker that are remembered: ten times out and back.
pub const CHANGES_MAX: usize = 32;
/// How long a gateway that nobody calls is remembered.
const KEEP_MS: u64 = DAY_MS;
/// How long an operator's hand on it is remembered after its last call or flush.
const KEEP_FORCED_MS: u64 = 365 * DAY_MS;

/// The machine.
pub enum Gateway {}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    window: Window,
    phase: Phase,
    /// When it came into this phase.
    since: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forced: Option<Forced>,
    /// The provider asked not to be called before this.
    #[serde(default)]
    paused_until: UnixMs,
    batches: Vec<Bytes<16>>,
    /// What the breaker did, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
}

/// What is asked of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The operator holds it open or closed, or lets it go again.
    Force(Option<Forced>),
    /// Calls were made.
    Note {
        /// Names the batch: one that comes again counts once.
        batch: Bytes<16>,
        /// What they came to, by second.
        calls: Vec<Calls>,
        /// How long the provider asked to be left alone, where it did.
        pause_ms: Option<u64>,
    },
    /// Nothing: only how it stands.
    Look,
    /// May this worker make the one call that finds out?
    Probe(Bytes<16>),
    /// What the probe came to.
    Probed {
        /// Names the probe.
        token: Bytes<16>,
        /// `None` where the call was not made after all.
        is_well: Option<bool>,
    },
}

/// Calls within one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Seconds since 1970.
    pub second: u64,
    /// All of them.
    pub made: u32,
    /// Those that came to nothing within [`SLOW_MS`], and not by the order's own fault.
    pub failed: u32,
    /// Those that took longer.
    #[serde(default)]
    pub slow: u32,
    /// Of these, those that came to nothing in the end.
    #[serde(default)]
    pub hung: u32,
}

impl Calls {
    /// A call that ended within [`SLOW_MS`].
    pub fn ended(second: u64, outcome: &CallOutcome) -> Self {
        Self { second, made: 1, failed: u32::from(outcome.blames_gateway()), ..Self::default() }
    }

    /// A call that did not, while it is still open.
    pub fn is_slow(second: u64) -> Self {
        Self { second, made: 1, slow: 1, ..Self::default() }
    }

    /// What such a call came to, in the second in which it was counted as slow.
    pub fn came_late(second: u64, outcome: &CallOutcome) -> Self {
        Self { second, hung: u32::from(outcome.blames_gateway()), ..Self::default() }
    }

    /// One more of each that `other` has.
    pub fn add(&mut self, other: &Self) {
        self.made = self.made.saturating_add(other.made);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
        self.hung = self.hung.saturating_add(other.hung);
    }
}

/// How a gateway stands. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its breaker.
    pub phase: Phase,
    /// When it came into this phase.
    pub since: UnixMs,
    /// Where an operator holds it.
    pub forced: Option<Forced>,
    /// Not to be called before this.
    pub paused_until: UnixMs,
    /// Calls within the window.
    pub made: u32,
    /// Those that came to nothing within [`SLOW_MS`], and not by the order's own fault.
    pub failed: u32,
    /// Those that took longer: they speak against it too.
    pub slow: u32,
    /// Of these, those that came to nothing in the end.
    pub hung: u32,
    /// What the breaker did, newest last; the last [`CHANGES_MAX`].
    pub changes: Vec<Change>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it stands now.
    pub view: View,
    /// Whether the probe that was asked for may be made.
    pub may_probe: bool,
    /// What the breaker did, for events and logs.
    pub change: Option<Change>,
}

impl Machine for Gateway {
    type State = State;
    type Command = Ask;
    type Reply = Reply;

    fn step(state: Option<State>, ask: &Ask, now: UnixMs) -> Step<State, Reply> {
        let mut state = state.filter(|state| now < state.keep_until()).unwrap_or_default();
        let now = state.clock.max(now);
        match ask {
            Ask::Force(forced) if state.forced != *forced => {
                let change = state.force(*forced, now);
                state.put(Some(change), false, now)
            }
            Ask::Note { batch, calls, pause_ms } if !state.batches.contains(batch) => {
                if state.batches.len() >= BATCHES_MAX {
                    state.batches.remove(0);
                }
                state.batches.push(*batch);
                if let Some(pause_ms) = pause_ms {
                    let until = now.plus((*pause_ms).min(PAUSE_MS_MAX));
                    state.paused_until = state.paused_until.max(until);
                }
                state.window.add(calls, now);
                let change = state.judge(now);
                state.put(change, false, now)
            }
            Ask::Probe(token) => match state.probe(*token, now) {
                Some(change) => state.put(change, true, now),
                None => state.keep(now),
            },
            Ask::Probed { token, is_well } => match state.probed(*token, *is_well, now) {
                Some(change) => state.put(change, false, now),
                None => state.keep(now),
            },
            Ask::Force(_) | Ask::Look | Ask::Note { .. } => state.keep(now),
        }
    }
}

impl State {
    fn keep_until(&self) -> UnixMs {
        // What an operator holds is held until an operator lets go.
        self.clock.plus(if self.forced.is_some() { KEEP_FORCED_MS } else { KEEP_MS })
    }

    fn view(&self, now: UnixMs) -> View {
        let Calls { made, failed, slow, hung, .. } = self.window.sum(now);
        View {
            phase: self.phase,
            since: self.since,
            forced: self.forced,
            paused_until: self.paused_until,
            made,
            failed,
            slow,
            hung,
            changes: self.changes.clone(),
        }
    }

    fn keep(self, now: UnixMs) -> Step<Self, Reply> {
        Step::keep(Reply { view: self.view(now), may_probe: false, change: None })
    }

    fn put(mut self, change: Option<Change>, may_probe: bool, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        if let Some(change) = &change {
            if self.changes.len() >= CHANGES_MAX {
                self.changes.remove(0);
            }
            self.changes.push(change.clone());
        }
        let reply = Reply { view: self.view(now), may_probe, change };
        let expires_at = self.keep_until();
        Step { reply, write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

impl View {
    /// Of a gateway without a past.
    pub fn unknown() -> Self {
        State::default().view(UnixMs(0))
    }

    /// Whether calls go through as a matter of course.
    pub fn is_closed(&self) -> bool {
        match self.forced {
            Some(Forced::Closed) => true,
            Some(Forced::Open) => false,
            None => self.phase == Phase::Closed,
        }
    }

    /// Whether front doors send orders its way: also once its pause is over, for only an order that comes its way can find out
    /// whether it is back. A gateway that is alone on its channel would have none otherwise.
    pub fn is_offered(&self, now: UnixMs) -> bool {
        match (self.forced, self.phase) {
            (None, Phase::Open { until }) => now >= until,
            (None, Phase::HalfOpen { .. }) => true,
            _ => self.is_closed(),
        }
    }

    /// Whether next to nothing got through.
    pub fn is_dark(&self) -> bool {
        self.forced == Some(Forced::Open)
            || self.failed.saturating_add(self.hung).saturating_mul(100)
                >= self.made.saturating_mul(DARK_PERCENT)
    }

    /// Of its ways, for who does not make the probe; and when one that is not closed is worth another look.
    pub fn health(&self, now: UnixMs) -> Health {
        if self.is_closed() {
            return Health::Closed;
        }
        let until = match (self.forced, self.phase) {
            (None, Phase::Open { until }) => until,
            (None, Phase::HalfOpen { until, .. }) => until.min(now.plus(SECOND_MS)),
            _ => now.plus(OPEN_MS),
        };
        Health::Open { until: until.max(now.plus(LOOK_AGAIN_MS)), is_dark: self.is_dark() }
    }

    /// Whether one call may find out now whether it is back.
    pub fn wants_probe(&self, now: UnixMs) -> bool {
        match (self.forced, self.phase) {
            (None, Phase::Open { until } | Phase::HalfOpen { until, .. }) => now >= until,
            _ => false,
        }
    }
}
