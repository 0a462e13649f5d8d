//! The one abstraction of this crate: a decision as a pure function from state and command to reply and write.
//!
//! A host (Durable Object, Redis, memory) loads the bytes kept under a key, calls [`run`], stores the
//! [`Commit`] atomically with the load, and only then acts on the reply. A step never performs an effect:
//! the state records what is outstanding, and `wake_at` brings a `Tick` that repairs a crash in between.
//!
//! The five laws, tested for every machine in `tests/laws.rs`:
//!
//! 1. **Replay**: same state, command and now give the same step. (Redis may run it several times.)
//! 2. **Expiry is only housekeeping**: at and after `expires_at` a state answers as no state would.
//! 3. **Time never runs backwards**: an earlier `now` than one already seen grants nothing more.
//! 4. **Redelivery**: a command that carries an id changes the state once.
//! 5. **Stable bytes**: decoding what was encoded is the identity, and old samples still decode.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;
use crate::time::UnixMs;

/// A decision. What a missing state means is written at each machine: losing one must fail safe.
pub trait Machine {
    /// What is kept between commands, as JSON.
    type State: DeserializeOwned + Serialize;
    /// What is asked, with everything the step may use: keys, entropy, the request.
    type Command;
    /// What is answered. A refusal is a reply, never an error.
    type Reply;

    /// Decides. Pure: see the laws above.
    fn step(
        state: Option<Self::State>,
        command: &Self::Command,
        now: UnixMs,
    ) -> Step<Self::State, Self::Reply>;
}

/// What a decision answers and what it changes.
pub struct Step<S, R> {
    /// The answer to the command.
    pub reply: R,
    /// The change of state.
    pub write: Write<S>,
}

impl<S, R> Step<S, R> {
    /// An answer that changes nothing.
    pub fn keep(reply: R) -> Self {
        Self { reply, write: Write::Keep }
    }
}

/// The change a step makes.
pub enum Write<S> {
    /// Leave the stored bytes as they are.
    Keep,
    /// Replace them.
    Put {
        /// The new state.
        state: S,
        /// From here on the host may delete the state. Deleting late is harmless, early is not.
        expires_at: UnixMs,
        /// When to send the machine's `Tick`; `None` for never.
        wake_at: Option<UnixMs>,
    },
}

/// The encoded form of [`Write::Put`], for the host to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The new state as JSON.
    pub body: String,
    /// When the host may delete it.
    pub expires_at: UnixMs,
    /// When to send a `Tick`.
    pub wake_at: Option<UnixMs>,
}

/// The stored bytes are not a state of this machine. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("stored state does not decode: {0}")]
pub struct Error(#[from] serde_json::Error);

/// Decode, step, encode. Each host is a loop around this call.
pub fn run<M: Machine>(
    old: Option<&str>,
    command: &M::Command,
    now: UnixMs,
) -> Result<(M::Reply, Option<Commit>), Error> {
    let state = old.map(json::read).transpose()?;
    let step = M::step(state, command, now);
    let commit = match step.write {
        Write::Keep => None,
        Write::Put { state, expires_at, wake_at } => {
            Some(Commit { body: serde_json::to_string(&state)?, expires_at, wake_at })
        }
    };
    Ok((step.reply, commit))
}
