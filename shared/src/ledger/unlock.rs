//! Letting the owner of a locked phone guess again, on an operator's word.
//!
//! Forgotten are the tenant's wrong guesses in a row and those of the last day. A code's own guesses stay: whoever used up
//! the five of a code needs another one. A word that comes again changes nothing: the latest is remembered for as long as
//! its request would be taken.
//!
//! Whoever talks support into it again and again gets no more guesses than [`UNLOCKS`] allows.

use serde::Deserialize;
use serde::Serialize;

use super::Outcome;
use super::Reply;
use super::state::State;
use crate::id::TenantId;
use crate::machine::Step;
use crate::sign::NONCE_MEMORY_MS;
use crate::time::DAY_MS;
use crate::time::UnixMs;
use crate::window::Cap;
use crate::window::Log;

/// How often a tenant's guesses at one address may be forgotten: under the usual limits 80 are evaluated in a day at most.
pub const UNLOCKS: Cap = Cap { max: 3, window_ms: DAY_MS };

/// An operator's word.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unlock {
    /// For whose orders.
    pub tenant: TenantId,
    /// When it was given. One that is no later than another is that one again, or older.
    pub at: UnixMs,
}

/// The latest word, and what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlocked {
    at: UnixMs,
    /// From then on its request is refused for its age.
    pub(super) until: UnixMs,
    wrong_in_a_row: u32,
    wrong_today: u32,
}

impl Unlocked {
    fn outcome(self) -> Outcome {
        Outcome::Unlocked { wrong_in_a_row: self.wrong_in_a_row, wrong_today: self.wrong_today }
    }
}

pub(super) fn step(mut state: State, unlock: &Unlock, now: UnixMs) -> Step<State, Reply> {
    let section = state.sections.entry(unlock.tenant.clone()).or_default();
    if let Some(known) = section.unlocked.filter(|known| unlock.at <= known.at) {
        return Step::keep(Reply::of(known.outcome()));
    }
    let (wrong_in_a_row, wrong_today) =
        (section.wrong_in_a_row, section.orders.iter().map(super::state::Order::wrong).sum());
    if wrong_in_a_row > 0 || wrong_today > 0 {
        let retry_after_ms = section.unlocks_at.wait_ms(UNLOCKS, now);
        if retry_after_ms > 0 {
            return Step::keep(Reply::of(Outcome::RateLimited { retry_after_ms }));
        }
        section.unlocks_at.push(now, UNLOCKS.window_ms);
    }
    let unlocked = Unlocked { at: unlock.at, until: now.plus(NONCE_MEMORY_MS), wrong_in_a_row, wrong_today };
    section.wrong_in_a_row = 0;
    section.guesses_at = Log::default();
    for order in &mut section.orders {
        order.forgiven = order.forgiven.saturating_add(u8::try_from(order.wrong()).unwrap_or(u8::MAX));
    }
    section.unlocked = Some(unlocked);
    state.put(Reply::of(unlocked.outcome()), now)
}
