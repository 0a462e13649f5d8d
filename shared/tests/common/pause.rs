//! How much time passes between two events.

use std::fmt::Debug;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

/// Milliseconds; negative where the next host's clock is behind.
pub type Pause = i64;

/// Something that happens, and how long before it nothing does.
#[derive(Clone, Debug)]
pub struct Move<A> {
    pub pause: Pause,
    pub action: A,
}

pub fn script<A: Debug>(
    pauses: impl Strategy<Value = Pause>,
    actions: impl Strategy<Value = A>,
    moves: Range<usize>,
) -> impl Strategy<Value = Vec<Move<A>>> {
    vec((pauses, actions).prop_map(|(pause, action)| Move { pause, action }), moves)
}

pub fn after(now: UnixMs, pause: Pause) -> UnixMs {
    if pause < 0 { now.minus(pause.unsigned_abs()) } else { now.plus(pause.unsigned_abs()) }
}

/// From nothing to a day, dense around the periods of the limits.
pub fn forward() -> impl Strategy<Value = Pause> {
    prop_oneof![
        6 => Just(0),
        6 => 1..signed(2 * SECOND_MS),
        6 => 1..signed(30 * SECOND_MS),
        6 => signed(50 * SECOND_MS)..signed(70 * SECOND_MS),
        2 => Just(signed(MINUTE_MS)),
        3 => signed(MINUTE_MS)..signed(6 * MINUTE_MS),
        2 => signed(6 * MINUTE_MS)..signed(HOUR_MS),
        1 => signed(HOUR_MS)..signed(13 * HOUR_MS),
    ]
}

/// Also backwards, and over whole days.
pub fn any() -> impl Strategy<Value = Pause> {
    prop_oneof![
        12 => forward(),
        3 => -signed(10 * MINUTE_MS)..0,
        1 => -signed(2 * DAY_MS)..0,
        1 => signed(20 * HOUR_MS)..signed(28 * HOUR_MS),
        1 => signed(29 * DAY_MS)..signed(31 * DAY_MS),
    ]
}

fn signed(duration_ms: u64) -> i64 {
    i64::try_from(duration_ms).unwrap()
}
