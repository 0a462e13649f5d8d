//! A factor: a secret shared with a user's authenticator app, and the codes made from it by time (TOTP, RFC 6238).
//!
//! Key: [`FactorId`]. Holds the sealed secret, the last accepted step and the guess counters; nothing of the user.
//!
//! A missing state means no such factor: it may be enrolled, and nothing verifies. A factor that nobody confirmed with
//! a right code ends [`CONFIRM_MS`] after its enrolment.
//!
//! An enrolment that comes again is answered with the same secret while the factor is unconfirmed: whoever lost the
//! first answer needs it. Afterwards the secret is shown no more, to nobody.

pub mod api;
mod id;
pub mod otpauth;
mod outcome;
pub mod qr;
mod seal;
mod state;
pub mod totp;

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

pub use self::id::FactorId;
pub use self::outcome::Outcome;
pub use self::seal::FactorKey;
pub use self::seal::FactorKeys;
pub use self::state::CONFIRM_MS;
pub use self::state::FREE_WRONG;
pub use self::state::KEEP_MS;
pub use self::state::REMOVED_KEEP_MS;
pub use self::state::State;
pub use self::state::WAIT;
pub use self::state::WRONG_A_DAY;
pub use self::state::WRONG_IN_A_ROW_MAX;

use self::state::Held;
use self::totp::Algorithm;
use self::totp::Match;
use self::totp::Seed;
use crate::bytes::Bytes;
use crate::code::Code;
use crate::entropy::Entropy;
use crate::id::TenantId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::factor::FactorResult;

/// The machine.
pub enum Factor {}

/// One event with everything its step may use.
pub struct Command {
    /// The ring that seals secrets.
    pub keys: Arc<FactorKeys>,
    /// Drawn for this event.
    pub entropy: Entropy,
    /// What is asked.
    pub ask: Ask,
}

/// A question on its way to the factor's host, stamped and with its entropy drawn where it came in.
#[derive(Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub now: UnixMs,
    /// Drawn for this event.
    pub entropy: Entropy,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a factor. No `Debug`: it may hold a guess.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Make it.
    Enrol(Enrol),
    /// Forget it, and its secret at once.
    Remove(Whose),
    /// Check a guess.
    Verify(Verify),
}

impl Ask {
    /// The factor that is asked: the key of its state.
    pub fn factor(&self) -> &FactorId {
        match self {
            Self::Enrol(Enrol { whose, .. }) | Self::Remove(whose) | Self::Verify(Verify { whose, .. }) => {
                &whose.factor
            }
        }
    }
}

/// A factor and who asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// Factors of other tenants do not exist.
    pub tenant: TenantId,
    /// Which.
    pub factor: FactorId,
}

/// A factor to be made, parsed and allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// Its id, new or that of an earlier request with the same idempotency key.
    pub whose: Whose,
    /// How its codes are made.
    pub algorithm: Algorithm,
    /// How long its codes are.
    pub digits: u8,
    /// Keyed hash of the request.
    pub fingerprint: Bytes<16>,
}

/// A guess. No `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// What it is a guess at.
    pub whose: Whose,
    /// The digits.
    pub guess: Code,
}

impl Machine for Factor {
    type State = State;
    type Command = Command;
    type Reply = Outcome;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Outcome> {
        let state = state.filter(|state| now < state.expires_at());
        match (&command.ask, state) {
            (Ask::Enrol(enrol), None) => first_enrol(enrol, command, now),
            (Ask::Enrol(enrol), Some(state)) => Step::keep(enrol_again(&state, enrol, command)),
            (Ask::Remove(_) | Ask::Verify(_), None) => Step::keep(Outcome::NotFound),
            (Ask::Remove(whose) | Ask::Verify(Verify { whose, .. }), Some(state))
                if state.tenant != whose.tenant =>
            {
                Step::keep(Outcome::NotFound)
            }
            (Ask::Remove(_), Some(state)) => remove(state, now),
            (Ask::Verify(verify), Some(state)) => check(state, verify, command, now),
        }
    }
}

fn first_enrol(enrol: &Enrol, command: &Command, now: UnixMs) -> Step<State, Outcome> {
    let seed = Seed::draw(enrol.algorithm, &command.entropy);
    match Held::new(enrol, &seed, command) {
        Some(held) => State::enrolled(enrol, held, now).put(Outcome::Enrolled { seed, replayed: false }, now),
        None => Step::keep(Outcome::Unavailable),
    }
}

fn enrol_again(state: &State, enrol: &Enrol, command: &Command) -> Outcome {
    if state.tenant != enrol.whose.tenant {
        return Outcome::NotFound;
    }
    if state.fingerprint != enrol.fingerprint {
        return Outcome::IdempotencyMismatch;
    }
    match state.held.as_ref().filter(|held| !held.is_confirmed()) {
        None => Outcome::Spent,
        Some(held) => match held.open(&enrol.whose, &command.keys) {
            Ok(seed) => Outcome::Enrolled { seed, replayed: true },
            Err(_) => Outcome::Unavailable,
        },
    }
}

/// Forgets the secret, and for a while remembers that there was one: an enrolment that comes late must not bring it back.
fn remove(mut state: State, now: UnixMs) -> Step<State, Outcome> {
    match state.held.take() {
        None => Step::keep(Outcome::Removed),
        Some(_) => state.put(Outcome::Removed, now),
    }
}

/// One step, whatever the number of sessions: no code is accepted twice, and no guess escapes the counters.
fn check(mut state: State, verify: &Verify, command: &Command, now: UnixMs) -> Step<State, Outcome> {
    let now = state.clock(now);
    let Some(held) = state.held.as_mut() else { return Step::keep(Outcome::NotFound) };
    if held.is_locked() {
        return Step::keep(Outcome::Verified(FactorResult::Locked));
    }
    let retry_after_ms = held.wait_ms(now);
    if retry_after_ms > 0 {
        return Step::keep(Outcome::RateLimited { retry_after_ms });
    }
    let Ok(seed) = held.open(&verify.whose, &command.keys) else { return Step::keep(Outcome::Unavailable) };
    let result = match held.check(&seed, &verify.guess, now) {
        // Tells only whoever has seen the code that it is worth nothing now; not held against the user.
        Match::Used => return Step::keep(Outcome::Verified(FactorResult::AlreadyUsed)),
        Match::Fresh(step) => {
            held.note_right(step);
            FactorResult::Verified
        }
        Match::Wrong => {
            held.note_wrong(now);
            FactorResult::WrongCode
        }
    };
    held.renew_seal(&verify.whose, &seed, command);
    state.put(Outcome::Verified(result), now)
}
