//! Scripts for an append-only log.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use serde_json::json;
use tiffin_shared::log::Command;
use tiffin_shared::log::NewRow;
use tiffin_shared::time::DAY_MS;

use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

#[derive(Clone, Debug)]
pub enum Action {
    /// Rows by their names; names are few, so that some come again.
    Append(Vec<u16>),
    /// Rows of a writer that counts, from this number on.
    Count(u64, u8),
    Read,
    Sealed(u64),
}

impl Action {
    pub fn command(&self) -> Command {
        match self {
            Self::Append(names) => {
                Command::Append { rows: names.iter().map(row).collect(), keep_ms: 30 * DAY_MS }
            }
            Self::Count(from, count) => Command::AppendCounted {
                rows: (*from..).take(usize::from(*count)).map(counted).collect(),
                keep_ms: 30 * DAY_MS,
            },
            Self::Read => Command::Read,
            Self::Sealed(page) => Command::Sealed(*page),
        }
    }
}

pub fn row(name: &u16) -> NewRow {
    NewRow { id: format!("row-{name}"), body: json!({"name": name}) }
}

/// Of a writer that counts, and is not the only one.
pub fn counted(n: u64) -> NewRow {
    NewRow { id: format!("counter/{n}"), body: json!({"counted": n}) }
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let action = prop_oneof![
        6 => vec(0..2_000_u16, 1..64).prop_map(Action::Append),
        2 => (0..200_u64, 1..8_u8).prop_map(|(from, count)| Action::Count(from, count)),
        1 => Just(Action::Read),
        2 => (0..4_u64).prop_map(Action::Sealed),
    ];
    pause::script(pauses, action, moves)
}
