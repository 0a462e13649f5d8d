//! What became of all orders together, by minute of an hour and by hour of a day: what an operator's overview shows.
//!
//! Kept under the hour, or the day. Each process counts in its own memory and hands its sums over about once a second, so
//! that these are no keys that every order writes. A missing state means that nothing happened in that time.

mod counts;
mod latency;
mod view;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

pub use self::counts::Counts;
pub use self::latency::Latencies;
pub use self::view::Figures;
pub use self::view::Point;
pub use self::view::Span;
pub use self::view::Spend;
pub use self::view::Totals;
pub use self::view::View;
use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::UnixMs;

/// How long minutes are kept after their hour: a day is shown from them.
pub const MINUTES_KEEP_MS: u64 = 2 * DAY_MS;
/// How long hours are kept after their day.
pub const HOURS_KEEP_MS: u64 = 8 * DAY_MS;
/// Batches remembered so that one that comes again counts once. With one a second from each of eight core processes that
/// is eight seconds, twice the deadline of a store's call.
pub const BATCHES_MAX: usize = 64;

/// The machine.
pub enum Series {}

/// How finely time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// Minutes of an hour.
    Minute,
    /// Hours of a day.
    Hour,
}

/// An hour by minutes, or a day by hours: what one state holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// How finely.
    pub grain: Grain,
    /// Counts from 1970.
    pub n: u64,
}

/// Sums by slot: by minute of an hour, 0 to 59, or by hour of a day, 0 to 23.
pub type Slots = BTreeMap<u8, Counts>;

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// Something happened.
    Add {
        /// The state's own.
        period: Period,
        /// Names the batch: one that comes again counts once.
        batch: Bytes<16>,
        /// What happened, and when.
        slots: Slots,
    },
    /// What happened.
    Read,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// When nobody asks for it any more.
    keep_until: UnixMs,
    slots: Slots,
    /// The latest batches.
    batches: Vec<Bytes<16>>,
}

impl Machine for Series {
    type State = State;
    type Command = Command;
    /// What is known, for [`Command::Read`] alone.
    type Reply = Slots;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Slots> {
        let state = state.filter(|state| now < state.keep_until);
        match (command, state) {
            (Command::Read, state) => Step::keep(state.map(|state| state.slots).unwrap_or_default()),
            (Command::Add { batch, .. }, Some(state)) if state.batches.contains(batch) => {
                Step::keep(Slots::new())
            }
            (Command::Add { period, .. }, _) if period.keep_until() <= now => Step::keep(Slots::new()),
            (Command::Add { period, batch, slots }, state) => {
                let mut state = state.unwrap_or_else(|| State::new(*period, now));
                state.clock = state.clock.max(now);
                for (slot, more) in slots.iter().filter(|(slot, _)| **slot < period.grain.slots()) {
                    state.slots.entry(*slot).or_default().merge(more);
                }
                let surplus = (state.batches.len() + 1).saturating_sub(BATCHES_MAX);
                state.batches.drain(..surplus);
                state.batches.push(*batch);
                let expires_at = state.keep_until;
                Step { reply: Slots::new(), write: Write::Put { state, expires_at, wake_at: None } }
            }
        }
    }
}

impl State {
    fn new(period: Period, now: UnixMs) -> Self {
        Self { clock: now, keep_until: period.keep_until(), slots: Slots::new(), batches: Vec::new() }
    }
}

impl Grain {
    /// One of its slots.
    pub fn slot_ms(self) -> u64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }

    /// Slots of a period.
    pub fn slots(self) -> u8 {
        match self {
            Self::Minute => 60,
            Self::Hour => 24,
        }
    }

    /// The slot of a time within its period.
    pub fn slot(self, at: UnixMs) -> u8 {
        u8::try_from(at.0 / self.slot_ms() % u64::from(self.slots())).unwrap_or(0)
    }

    fn period_ms(self) -> u64 {
        self.slot_ms().saturating_mul(u64::from(self.slots()))
    }
}

impl Period {
    /// The one of a time.
    pub fn of(grain: Grain, at: UnixMs) -> Self {
        Self { grain, n: at.0 / grain.period_ms() }
    }

    fn keep_until(self) -> UnixMs {
        let ends_at = UnixMs(self.n.saturating_add(1).saturating_mul(self.grain.period_ms()));
        ends_at.plus(match self.grain {
            Grain::Minute => MINUTES_KEEP_MS,
            Grain::Hour => HOURS_KEEP_MS,
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grain = match self.grain {
            Grain::Minute => "hour",
            Grain::Hour => "day",
        };
        write!(f, "{grain}/{}", self.n)
    }
}
