//! Accepts a nonce, or another name, once. Kept under the name itself.
//!
//! A missing state means "never seen": after losing it a replay passes until its timestamp is too old, so the
//! request behind it must be idempotent as well.

use serde::Deserialize;
use serde::Serialize;

use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// The machine.
pub enum Nonce {}

/// Use it.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// How long a first use is remembered, in milliseconds.
    pub keep_ms: u64,
}

/// Until when a first use is remembered.
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
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        match state.filter(|state| now < state.expires_at) {
            Some(_) => Step::keep(Reply::Replayed),
            None => {
                let expires_at = now.plus(command.keep_ms);
                let write = Write::Put { state: State { expires_at }, expires_at, wake_at: None };
                Step { reply: Reply::Fresh, write }
            }
        }
    }
}
