//! Scripts of beats, by more processes than there is room for.

use std::ops::Range;

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::fleet::Command;

use super::pause;
use super::pause::Pause;

pub fn script(moves: Range<usize>) -> impl Strategy<Value = Vec<pause::Move<Command>>> {
    let command = (proptest::bool::weighted(0.9), prop_oneof![0..4_u8, 0..80_u8]).prop_map(|(beats, n)| {
        let id = Bytes([n; 16]);
        if beats { Command::Beat { id } } else { Command::Leave { id } }
    });
    pause::script(pauses(), command, moves)
}

/// Also backwards, dense around the life of a beat.
fn pauses() -> impl Strategy<Value = Pause> {
    prop_oneof![8 => Just(0), 8 => 0..3_000_i64, 3 => 9_990..10_010_i64, 2 => -20_000..0_i64, 1 => pause::any()]
}
