//! What support does about an order stands in its story. What it may do, the order's ledger decides.

use super::Command;
use super::Decision;
use super::Happening;
use super::Reply;
use super::State;
use super::story::After;
use super::story::Story;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::ChannelChoice;
use crate::wire::api::OrderState;

/// Entries of support in one story. Beyond them it is refused: what cannot be logged is not done.
pub const DESK_ENTRIES_MAX: usize = 64;

/// What support does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Desk {
    /// Called it off.
    CalledOff {
        /// Who.
        by: String,
        /// `cancelled`, or the code of the refusal.
        came_to: String,
    },
    /// Everything that was sent, and to which kind of number, is forgotten; that the order was is not.
    Erase,
    /// Wants the code sent once more.
    RetryAsked {
        /// Who.
        by: String,
        /// Why, in their words.
        reason: String,
        /// How.
        channel: ChannelChoice,
    },
    /// The ledger took it.
    Retried {
        /// Who.
        by: String,
        /// How it goes.
        channel: Option<Channel>,
        /// Channels that would have been another way.
        may_change: Vec<Channel>,
        /// Whether support named the channel.
        is_named: bool,
        /// Whether it was asked before by the same name. Then it may be on record, or its host has died in between.
        replayed: bool,
    },
    /// The ledger refused it.
    RetryRefused {
        /// Who.
        by: String,
        /// The code of the refusal.
        code: String,
        /// In words.
        why: String,
        /// Channels that would be another way.
        may_change: Vec<Channel>,
    },
}

/// [`Decision::Stop`] where the story has no room for it, or the order was erased: it has no story any more.
pub(super) fn step(mut state: State, desk: &Desk, command: &Command, now: UnixMs) -> Step<State, Reply> {
    if state.erased_at.is_some() && *desk != Desk::Erase {
        return Step::keep(Reply::of(Decision::Stop));
    }
    let after = state.attempts.last().map(|last| After::of(&last.attempt));
    let what = match desk.clone() {
        Desk::Erase => return erase(state, command, now),
        Desk::CalledOff { by, came_to } => Happening::CalledOff { by, came_to },
        Desk::RetryAsked { by, reason, channel } => Happening::RetryAsked { by, reason, channel, after },
        Desk::Retried { channel, replayed: true, .. } if state.story.was_retried_by(channel) => {
            return Step::keep(Reply::of(Decision::Noted));
        }
        Desk::Retried { by, channel, may_change, is_named, .. } => {
            let first = "the first way that differs from all that was tried";
            let why = if is_named { "as asked" } else { first }.into();
            Happening::Retried { by, channel, may_change, why }
        }
        Desk::RetryRefused { by, code, why, may_change } => {
            Happening::RetryRefused { by, code, why, may_change }
        }
    };
    // One place is kept for what came of the last wish.
    let room = DESK_ENTRIES_MAX - usize::from(matches!(desk, Desk::RetryAsked { .. }));
    if !state.story.has_room() || state.story.by_support() >= room {
        return Step::keep(Reply::of(Decision::Stop));
    }
    state.story.add(now, what);
    state.put(Reply::of(Decision::Noted), command, now)
}

/// What is left keeps its job, when it comes again, from being sent, and has its bill settled.
fn erase(mut state: State, command: &Command, now: UnixMs) -> Step<State, Reply> {
    if state.erased_at.is_some() {
        return Step::keep(Reply::of(Decision::Noted));
    }
    // What was under way is called off by it. What had come to something keeps its state, and its money.
    if !state.is_over() {
        state.state = OrderState::Cancelled;
    }
    if !state.is_closed {
        state.conclude(now);
        (state.is_closed, state.closing) = (true, true);
    }
    if let Some(header) = &mut state.header {
        (header.prefix, header.to_masked, header.client_ref) = (None, None, None);
        header.supersedes.clear();
    }
    state.erased_at = Some(now);
    state.sent_at = None;
    state.attempts.clear();
    state.story = Story::default();
    (state.told, state.waits) = (0, false);
    // Its ledger has forgotten it too.
    state.reported = state.seq;
    state.put(Reply::of(Decision::Noted), command, now)
}

impl Story {
    /// Whether a retry that went this way, or any way where that is not known any more, is on record.
    fn was_retried_by(&self, way: Option<Channel>) -> bool {
        let is_it = |what: &Happening| match what {
            Happening::Retried { channel, .. } => way.is_none() || *channel == way,
            _ => false,
        };
        self.entries.iter().any(|entry| is_it(&entry.what))
    }

    /// Entries of support.
    fn by_support(&self) -> usize {
        let is_theirs = |what: &Happening| {
            matches!(
                what,
                Happening::CalledOff { .. }
                    | Happening::Retried { .. }
                    | Happening::RetryAsked { .. }
                    | Happening::RetryRefused { .. }
            )
        };
        self.entries.iter().filter(|entry| is_theirs(&entry.what)).count()
    }
}
