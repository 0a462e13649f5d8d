//! Scripts for what became of orders in an hour, or a day.

use std::ops::Range;

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::price::Currency;
use tiffin_shared::series::Command;
use tiffin_shared::series::Counts;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Period;
use tiffin_shared::series::Slots;

use super::fixtures::START;
use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

#[derive(Clone, Debug)]
pub enum Action {
    /// Batches are few, so that some come again; some slots are none of the period's.
    Add {
        batch: u8,
        slot: u8,
        accepted: u64,
        took_ms: u64,
        micros: i64,
    },
    Read,
}

impl Action {
    /// Of the hour, or the day, in which the scripts begin.
    pub fn command(&self, grain: Grain) -> Command {
        match self {
            Self::Add { batch, slot, accepted, took_ms, micros } => {
                let mut counts = Counts { accepted: *accepted, delivered: 1, ..Counts::default() };
                counts.latencies.add(*took_ms);
                counts.spend(Currency::default(), *micros);
                let period = Period::of(grain, START);
                Command::Add { period, batch: Bytes([*batch; 16]), slots: Slots::from([(*slot, counts)]) }
            }
            Self::Read => Command::Read,
        }
    }
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let accepted = prop_oneof![9 => 1..100_u64, 1 => u64::MAX - 3..=u64::MAX];
    let add = (0..90_u8, 0..70_u8, accepted, 0..200_000_000_u64, i64::MIN..=i64::MAX);
    let add = add.prop_map(|(batch, slot, accepted, took_ms, micros)| Action::Add {
        batch,
        slot,
        accepted,
        took_ms,
        micros,
    });
    pause::script(pauses, prop_oneof![4 => add, 1 => Just(Action::Read)], moves)
}
