//! One tenant's list of verdicts, so that every core process pushes the same one to the edge.
//!
//! Kept under the tenant. It changes when a guard changes its mind, and not with every order. A missing state means
//! an empty list: the guards whose verdicts were lost tell them anew when they change or are prolonged.

use serde::Deserialize;
use serde::Serialize;

use super::Standing;
use super::blocklist::Listed;
use super::blocklist::Put;
use super::blocklist::Subject;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// The machine.
pub enum Verdicts {}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// What is in force.
    List,
    /// A guard's verdict changed; `None` for open.
    Set {
        /// Whose.
        subject: Subject,
        /// To what.
        standing: Option<Standing>,
    },
}

/// The list after the command, for the snapshot, and what the command did. A [`Put::Full`] is not [`super::Ask::Told`]: the
/// guard then says it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// In force at this moment.
    pub list: Listed,
    /// What a `Set` did; for a `List` [`Put::Kept`].
    pub put: Put,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    list: Listed,
}

impl Machine for Verdicts {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.keep_until());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        let mut state = state.unwrap_or_else(|| State { clock: now, list: Listed::default() });
        let put = match command {
            Command::List => Put::Kept,
            Command::Set { subject, standing } => state.list.put(*subject, *standing, now),
        };
        let mut list = state.list.clone();
        list.prune(now);
        let reply = Reply { list, put };
        match put {
            Put::Kept | Put::Full => Step::keep(reply),
            Put::Changed | Put::Dropped(_) => {
                state.clock = now;
                let expires_at = state.keep_until();
                Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
            }
        }
    }
}

impl State {
    /// An emptied list still knows its clock at the moment it was emptied.
    fn keep_until(&self) -> UnixMs {
        self.list.ends_at().unwrap_or_default().max(self.clock.plus(1))
    }
}
