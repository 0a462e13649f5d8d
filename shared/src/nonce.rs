//! Accepts a nonce once. Kept under the nonce itself.
//!
//! A missing state means "never seen": after losing it a replay passes until its timestamp is too old, so the
//! request behind it must be idempotent as well.

use serde::Deserialize;
use serde::Serialize;

use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::sign::NONCE_MEMORY_MS;
use crate::time::UnixMs;

/// The machine.
pub enum Nonce {}

/// When it was used first, and until when that is remembered.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    expires_at: UnixMs,
}

/// Whether the nonce is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// First use.
    Fresh,
    /// Used before.
    Replayed,
}

impl Machine for Nonce {
    type State = State;
    type Command = ();
    type Reply = Reply;

    fn step(state: Option<State>, (): &(), now: UnixMs) -> Step<State, Reply> {
        match state.filter(|state| now < state.expires_at) {
            Some(_) => Step::keep(Reply::Replayed),
            None => {
                let expires_at = now.plus(NONCE_MEMORY_MS);
                let write = Write::Put { state: State { expires_at }, expires_at, wake_at: None };
                Step { reply: Reply::Fresh, write }
            }
        }
    }
}
