//! Scripts for the tally of a tenant's day.

use std::ops::Range;

use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::tally::Command;
use tiffin_shared::time::UnixMs;

use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

#[derive(Clone, Debug)]
pub enum Action {
    /// Batches are few, so that some come again; the day is today's plus so many.
    Add {
        batch: u8,
        days_off: i64,
        orders: u64,
    },
    Read,
}

impl Action {
    pub fn command(&self, now: UnixMs) -> Command {
        match self {
            Self::Add { batch, days_off, orders } => {
                let day = now.day().saturating_add_signed(*days_off);
                Command::Add { batch: Bytes([*batch; 16]), day, orders: *orders }
            }
            Self::Read => Command::Read,
        }
    }
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let days_off = prop_oneof![6 => 0..1_i64, 1 => -2..3_i64];
    let orders = prop_oneof![9 => 1..100_u64, 1 => u64::MAX - 3..=u64::MAX];
    let add = (0..90_u8, days_off, orders).prop_map(|(batch, days_off, orders)| Action::Add {
        batch,
        days_off,
        orders,
    });
    let action = prop_oneof![4 => add, 1 => proptest::strategy::Just(Action::Read)];
    pause::script(pauses, action, moves)
}
