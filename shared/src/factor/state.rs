//! What is kept of a factor, how long, and how many guesses it takes.
//!
//! Three codes are right at a time, so a guess at six digits succeeds with 3·10⁻⁶ (RFC 4226 section 7.3). Five wrong
//! ones come free, then each is followed by a longer wait: 34 guesses in the first day, 24 in each one after, and the
//! hundredth in a row, in the fourth day, locks for good. An owner's right codes end a row, so that an attacker beside
//! an active user would start anew; [`WRONG_A_DAY`] bounds what they gain to 1.5·10⁻⁴ a day. It counts wrong codes
//! only: someone who signs in often is never refused.

use serde::Deserialize;
use serde::Serialize;

use super::Command;
use super::Enrol;
use super::Outcome;
use super::Whose;
use super::seal;
use super::seal::Bound;
use super::seal::FactorKeys;
use super::seal::Sealed;
use super::totp;
use super::totp::Algorithm;
use super::totp::Match;
use super::totp::Seed;
use crate::backoff::Backoff;
use crate::bytes::Bytes;
use crate::code::Code;
use crate::id::TenantId;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::window::Cap;
use crate::window::Log;

/// How long after its enrolment a factor may be confirmed: time to install an app.
pub const CONFIRM_MS: u64 = 15 * MINUTE_MS;
/// How long a confirmed factor is kept after its last guess: ten years. Losing one locks its user out, so this is only
/// there that no store holds anything for ever.
pub const KEEP_MS: u64 = 3_650 * DAY_MS;
/// How long a removed factor is remembered as such: as long as an idempotency key.
pub const REMOVED_KEEP_MS: u64 = DAY_MS;
/// Wrong guesses in a row without a wait: as many as PSD2 RTS Art. 4(3)(b) allows before one.
pub const FREE_WRONG: u32 = 5;
/// The waits after them: NIST SP 800-63B-4 section 3.2.2 has 30 seconds up to an hour.
pub const WAIT: Backoff = Backoff { base_ms: 30 * SECOND_MS, max_ms: HOUR_MS };
/// Wrong guesses evaluated in 24 hours. Above the 34 that the waits allow within one row, so that it bites only where
/// right codes end the rows.
pub const WRONG_A_DAY: Cap = Cap { max: 50, window_ms: DAY_MS };
/// Wrong guesses in a row after which none is evaluated any more: NIST SP 800-63B-4 section 3.2.2.
pub const WRONG_IN_A_ROW_MAX: u32 = 100;

const NONCE_LABEL: &str = "factor/nonce";

/// A factor, or the memory of a removed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The latest time seen: an earlier one is read as this one.
    clock: UnixMs,
    pub(super) tenant: TenantId,
    /// Of the request that enrolled it.
    pub(super) fingerprint: Bytes<16>,
    enrolled_at: UnixMs,
    /// None when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Held>,
}

/// What a factor is checked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    algorithm: Algorithm,
    digits: u8,
    sealed: Sealed,
    /// The step of the last right code. The first one confirms the factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_step: Option<u64>,
    /// Wrong guesses since the last right one.
    #[serde(default)]
    wrong_in_a_row: u32,
    /// No guess is evaluated before.
    #[serde(default)]
    wait_until: UnixMs,
    /// Wrong guesses of the last day.
    #[serde(default)]
    wrong_at: Log,
}

impl State {
    pub(super) fn enrolled(enrol: &Enrol, held: Held, now: UnixMs) -> Self {
        Self {
            clock: now,
            tenant: enrol.whose.tenant.clone(),
            fingerprint: enrol.fingerprint,
            enrolled_at: now,
            held: Some(held),
        }
    }

    /// Time as this factor sees it: it never runs backwards.
    pub(super) fn clock(&self, now: UnixMs) -> UnixMs {
        self.clock.max(now)
    }

    /// From here on it is as if it had never been.
    pub fn expires_at(&self) -> UnixMs {
        match &self.held {
            None => self.clock.plus(REMOVED_KEEP_MS),
            Some(held) if held.is_confirmed() => self.clock.plus(KEEP_MS),
            Some(_) => self.enrolled_at.plus(CONFIRM_MS),
        }
    }

    /// Stores what was decided at `now`.
    pub(super) fn put(mut self, outcome: Outcome, now: UnixMs) -> Step<Self, Outcome> {
        self.clock = self.clock(now);
        let expires_at = self.expires_at();
        Step { reply: outcome, write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

impl Held {
    /// Seals a new secret.
    pub(super) fn new(enrol: &Enrol, seed: &Seed, command: &Command) -> Option<Self> {
        let Enrol { whose, algorithm, digits, .. } = enrol;
        let bound = bound(whose, *algorithm, *digits);
        let nonce = command.entropy.derive(NONCE_LABEL);
        let sealed = Sealed::new(command.keys.current(), nonce, &bound, seed).ok()?;
        Some(Self {
            algorithm: *algorithm,
            digits: *digits,
            sealed,
            last_step: None,
            wrong_in_a_row: 0,
            wait_until: UnixMs(0),
            wrong_at: Log::default(),
        })
    }

    pub(super) fn open(&self, whose: &Whose, keys: &FactorKeys) -> Result<Seed, seal::Error> {
        self.sealed.open(keys, &bound(whose, self.algorithm, self.digits))
    }

    /// Seals anew when the key in use has changed, so that the old one can go. On failure the old seal stays good.
    pub(super) fn renew_seal(&mut self, whose: &Whose, seed: &Seed, command: &Command) {
        let key = command.keys.current();
        if self.sealed.key() == key.id() {
            return;
        }
        let bound = bound(whose, self.algorithm, self.digits);
        if let Ok(sealed) = Sealed::new(key, command.entropy.derive(NONCE_LABEL), &bound, seed) {
            self.sealed = sealed;
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.last_step.is_some()
    }

    pub(super) fn is_locked(&self) -> bool {
        self.wrong_in_a_row >= WRONG_IN_A_ROW_MAX
    }

    /// Milliseconds until a guess will be evaluated; 0 when it is now.
    pub(super) fn wait_ms(&self, now: UnixMs) -> u64 {
        self.wait_until.since(now).max(self.wrong_at.wait_ms(WRONG_A_DAY, now))
    }

    pub(super) fn check(&self, seed: &Seed, guess: &Code, now: UnixMs) -> Match {
        totp::check(self.algorithm, seed, self.digits, guess, now, self.last_step)
    }

    pub(super) fn note_right(&mut self, step: u64) {
        self.last_step = Some(step);
        self.wrong_in_a_row = 0;
        self.wait_until = UnixMs(0);
    }

    pub(super) fn note_wrong(&mut self, now: UnixMs) {
        self.wrong_in_a_row = self.wrong_in_a_row.saturating_add(1);
        self.wrong_at.push(now, WRONG_A_DAY.window_ms);
        if let Some(waits) = self.wrong_in_a_row.checked_sub(FREE_WRONG) {
            // No jitter: one factor is no herd.
            self.wait_until = now.plus(WAIT.delay_ms(waits, 0));
        }
    }
}

fn bound(whose: &Whose, algorithm: Algorithm, digits: u8) -> Bound<'_> {
    Bound { tenant: &whose.tenant, factor: &whose.factor, algorithm, digits }
}
