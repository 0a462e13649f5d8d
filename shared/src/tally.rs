//! How many orders of a tenant core has taken today, by UTC.
//!
//! Kept under the tenant. Each process counts in its own memory and hands its sums over about once a second, so that this
//! is no key that every order writes. A missing state means a day on which nothing was ordered: a tenant whose tally is
//! lost may order its quota once more.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// Batches remembered so that one that comes again counts once. With one a second from each of eight core processes that
/// is eight seconds, twice the deadline of a store's call.
pub const BATCHES_MAX: usize = 64;

/// The machine.
pub enum Tally {}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// Orders were taken.
    Add {
        /// Names the batch: one that comes again counts once.
        batch: Bytes<16>,
        /// On this day, as [`UnixMs::day`]. An earlier one than today no longer matters.
        day: u64,
        /// So many.
        orders: u64,
    },
    /// How many there are.
    Read,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Today, as [`UnixMs::day`].
    pub day: u64,
    /// Orders taken today.
    pub orders: u64,
}

/// What is kept: of one day, the clock's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    orders: u64,
    /// The latest batches.
    batches: Vec<Bytes<16>>,
}

impl Machine for Tally {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.clock.day_ends_at());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        let mut state = state.unwrap_or_else(|| State { clock: now, orders: 0, batches: Vec::new() });
        match command {
            // A day that has not begun here is that of a host whose clock is ahead; taken as today.
            Command::Add { batch, day, orders } if *day >= now.day() && !state.batches.contains(batch) => {
                state.clock = now;
                state.orders = state.orders.saturating_add(*orders);
                let surplus = (state.batches.len() + 1).saturating_sub(BATCHES_MAX);
                state.batches.drain(..surplus);
                state.batches.push(*batch);
                let (reply, expires_at) = (state.reply(now), now.day_ends_at());
                Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
            }
            Command::Add { .. } | Command::Read => Step::keep(state.reply(now)),
        }
    }
}

impl State {
    fn reply(&self, now: UnixMs) -> Reply {
        Reply { day: now.day(), orders: self.orders }
    }
}
