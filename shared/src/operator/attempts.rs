//! How often somebody may try to sign in. Kept by client network: a token cannot be guessed, and nobody need be let try.
//!
//! A missing state means that nobody tried. There is no limit over all networks: it would let a stranger lock operators out.

use serde::Deserialize;
use serde::Serialize;

use crate::bucket::Bucket;
use crate::bucket::Rate;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::MINUTE_MS;
use crate::time::UnixMs;

/// Room for somebody who pastes the wrong line, and for colleagues behind one address.
pub const RATE: Rate = Rate { capacity: 10, refill_ms: MINUTE_MS };

/// The machine. Its command is an attempt; its reply, how many milliseconds to wait instead.
pub enum Attempts {}

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    bucket: Bucket,
}

impl Machine for Attempts {
    type State = State;
    type Command = ();
    type Reply = Result<(), u64>;

    fn step(state: Option<State>, (): &(), now: UnixMs) -> Step<State, Result<(), u64>> {
        let mut state = state.unwrap_or_default();
        let now = state.clock.max(now);
        match state.bucket.take(RATE, now) {
            Err(wait_ms) => Step::keep(Err(wait_ms)),
            Ok(()) => {
                state.clock = now;
                let expires_at = state.bucket.full_at();
                Step { reply: Ok(()), write: Write::Put { state, expires_at, wake_at: None } }
            }
        }
    }
}
