//! One-time codes from a shared secret: HOTP (RFC 4226) counted by time, TOTP (RFC 6238).

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde::Deserialize;
use serde::Serialize;
use sha1::Sha1;
use sha2::Sha256;
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bytes;
use crate::code::Code;
use crate::entropy::Entropy;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How long one step lasts: the X of RFC 6238 section 4, as every authenticator app has it.
pub const STEP_MS: u64 = 30 * SECOND_MS;
/// Steps that a phone's clock and slow fingers may be off, either way: RFC 6238 section 5.2 allows one.
pub const DRIFT_STEPS: u64 = 1;
/// The longest secret: that of [`Algorithm::Sha512`].
const SEED_BYTES_MAX: usize = 64;

const SEED_LABEL: &str = "factor/seed";

/// The hash under the HMAC. Fixed when a factor is enrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// What every app knows, and what some apps compute whatever they are told. HMAC does not need collisions to be hard.
    #[default]
    Sha1,
    /// For apps that are known to follow it.
    Sha256,
    /// For apps that are known to follow it.
    Sha512,
}

impl Algorithm {
    /// As the Key Uri Format writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// The secret that a factor shares with its user's app. No `Debug`, wiped when dropped; it is serialised in one place
/// only: the answer to an enrolment on its way to the user.
///
/// ```compile_fail
/// println!("{:?}", tiffin_shared::factor::totp::Seed::new(&[7; 20]));
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed(Zeroizing<Vec<u8>>);

/// A text is no secret of a factor. Says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the secret of a factor")]
pub struct Error;

impl Seed {
    /// Wraps bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Draws a secret as long as the hash (RFC 4226 section 4, R6; RFC 6238 section 5.1): 160, 256 or 512 bits.
    pub fn draw(algorithm: Algorithm, entropy: &Entropy) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::new(&*Zeroizing::new(entropy.derive::<20>(SEED_LABEL))),
            Algorithm::Sha256 => Self::new(&*Zeroizing::new(entropy.derive::<32>(SEED_LABEL))),
            Algorithm::Sha512 => Self::new(&*Zeroizing::new(entropy.derive::<64>(SEED_LABEL))),
        }
    }

    /// The bytes, for sealing and for the app.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for Seed {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        let text = Zeroizing::new(text);
        let bytes = Zeroizing::new(bytes::decode(&text).ok_or(Error)?);
        if bytes.len() <= SEED_BYTES_MAX { Ok(Self(bytes)) } else { Err(Error) }
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        bytes::encode(&seed.0)
    }
}

/// What a guess is, against the codes around now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The code of this step, later than any accepted one.
    Fresh(u64),
    /// A code of the step accepted last, or of an older one.
    Used,
    /// None of the codes around now.
    Wrong,
}

/// The step that `now` is in, counted from the epoch.
pub fn step_at(now: UnixMs) -> u64 {
    now.0 / STEP_MS
}

/// The code of one step: 1 to 9 digits.
pub fn code(algorithm: Algorithm, seed: &Seed, step: u64, digits: u8) -> Zeroizing<String> {
    let message = step.to_be_bytes();
    let mac = match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(seed.expose(), &message),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(seed.expose(), &message),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(seed.expose(), &message),
    };
    let number = truncate(&mac) % 10_u32.saturating_pow(u32::from(digits));
    Zeroizing::new(format!("{number:0width$}", width = usize::from(digits)))
}

/// Compares `guess` with the code of now and [`DRIFT_STEPS`] to either side: always all of them, each in constant time.
pub fn check(
    algorithm: Algorithm,
    seed: &Seed,
    digits: u8,
    guess: &Code,
    now: UnixMs,
    last_step: Option<u64>,
) -> Match {
    let centre = step_at(now);
    let mut found = Match::Wrong;
    // Upwards: where two steps share a code by chance, the later one is taken, so that it will not do again.
    for step in centre.saturating_sub(DRIFT_STEPS)..=centre.saturating_add(DRIFT_STEPS) {
        let code = code(algorithm, seed, step, digits);
        if bool::from(code.as_bytes().ct_eq(guess.expose().as_bytes())) {
            let is_used = last_step.is_some_and(|last| step <= last);
            found = if is_used { Match::Used } else { Match::Fresh(step) };
        }
    }
    found
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut mac = match <M as KeyInit>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    };
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// Dynamic truncation (RFC 4226 section 5.3): 31 bits from where the last half-byte points.
fn truncate(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0x0f);
    let four = mac.iter().skip(offset).take(4);
    four.fold(0, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits repeated to the hash's length. RFC 6238 appendix B speaks of 20 bytes for all three, but its table
    /// comes from its reference program, which has 32 and 64 for the longer hashes (erratum 2866).
    fn rfc_seed(algorithm: Algorithm) -> Seed {
        let length = match algorithm {
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        };
        Seed::new(&b"1234567890".iter().copied().cycle().take(length).collect::<Vec<_>>())
    }

    #[test]
    fn the_table_of_rfc_4226_comes_out() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(*code(Algorithm::Sha1, &rfc_seed(Algorithm::Sha1), counter, 6), expected);
        }
    }

    #[test]
    fn the_table_of_rfc_6238_comes_out() {
        let expected = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (seconds, sha1, sha256, sha512) in expected {
            let step = step_at(UnixMs(seconds * SECOND_MS));
            let of = |algorithm| code(algorithm, &rfc_seed(algorithm), step, 8);
            assert_eq!(*of(Algorithm::Sha1), sha1);
            assert_eq!(*of(Algorithm::Sha256), sha256);
            assert_eq!(*of(Algorithm::Sha512), sha512);
        }
        // The trap: a 20-byte secret gives other codes.
        assert_eq!(*code(Algorithm::Sha256, &rfc_seed(Algorithm::Sha1), 1, 8), "32247374");
    }

    #[test]
    fn a_code_that_two_steps_share_is_accepted_as_the_later_one() {
        let seed = rfc_seed(Algorithm::Sha1);
        let of = |step| code(Algorithm::Sha1, &seed, step, 4);
        let first = (1_u64..).find(|step| of(*step) == of(step + 1)).unwrap();
        let guess = Code::parse(&of(first)).unwrap();
        let now = UnixMs(first * STEP_MS);
        let check = |last| check(Algorithm::Sha1, &seed, 4, &guess, now, last);
        assert_eq!(check(None), Match::Fresh(first + 1));
        assert_eq!(check(Some(first)), Match::Fresh(first + 1));
        assert_eq!(check(Some(first + 1)), Match::Used);
    }

    #[test]
    fn the_first_and_last_steps_of_time_are_checked_without_overflow() {
        let seed = rfc_seed(Algorithm::Sha1);
        for now in [UnixMs(0), UnixMs(u64::MAX)] {
            let guess = Code::parse(&code(Algorithm::Sha1, &seed, step_at(now), 6)).unwrap();
            assert_eq!(check(Algorithm::Sha1, &seed, 6, &guess, now, None), Match::Fresh(step_at(now)));
        }
    }
}
