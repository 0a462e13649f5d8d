//! An operator's word that the guesses so far were not the owner's: no day's count and no row stands any more.
//!
//! What was guessed at one code stays counted: five are all that it gets.

use super::Outcome;
use super::Reply;
use super::Unlock;
use super::state::State;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::window::Log;

pub(super) fn step(mut state: State, unlock: &Unlock, now: UnixMs) -> Step<State, Reply> {
    let noted = Reply::of(Outcome::Noted);
    let mut any = false;
    for (tenant, section) in &mut state.sections {
        if unlock.tenant.as_ref().is_none_or(|named| named == tenant) {
            (section.guesses_at, section.wrong_in_a_row, section.unlocked_at) = (Log::default(), 0, now);
            any = true;
        }
    }
    if any { state.put(noted, now) } else { Step::keep(noted) }
}
