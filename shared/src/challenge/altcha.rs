//! The built-in proof of work, in ALTCHA's format 2, as the stock `altcha` widget 3 solves it without any script of ours.
//!
//! The widget counts up from 0 and derives a key from each count (PBKDF2 with SHA-256, so that a browser's native code
//! does the work and an attacker's program gains little over it) until one starts with the given prefix. We choose the
//! count ("deterministic mode"): the work varies by at most a factor of two, issuing costs one derivation, and checking
//! four HMACs. The second half of the key is not published; an HMAC of the whole proves that the client has it.
//!
//! The count is itself an HMAC of the nonce. So nothing is kept between issue and check, and each field of a solution
//! is compared with a value of our own: a claim that comes with no work has nothing to agree with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;

use super::ANSWER_CHARS_MAX;
use super::Bound;
use super::LIFE_MS;
use super::NONCE_MEMORY_MS;
use super::Nonce;
use super::Proof;
use super::hex;
use super::kdf;
use super::kdf::mac;
use super::same;
use crate::bytes;
use crate::bytes::Bytes;
use crate::entropy::Entropy;
use crate::id::KeyId;
use crate::keys::ChallengeKey;
use crate::keys::Ring;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// The one algorithm issued and accepted; bundled with the widget.
pub const ALGORITHM: &str = "PBKDF2/SHA-256";
/// Rounds of PBKDF2 for one try. Many enough that a browser's overhead for a call (some 35 µs) is the smaller part, few
/// enough that issuing, which takes one try, costs the edge a fifth of a millisecond.
pub const TRY_ROUNDS: u32 = 500;
/// Bytes of a derived key; half of them are the published prefix.
const KEY_BYTES: usize = kdf::BLOCK_BYTES;
const PREFIX_BYTES: usize = KEY_BYTES / 2;
/// Keeps the digest of the [`Bound`] apart from Turnstile's.
const KIND: &str = "altcha";

/// How much work a challenge asks for. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "AltchaCost"))]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// The default.
    Light,
    /// For an address whose second challenge within an hour it is.
    Medium,
    /// For the tier of risk above, and the third.
    Heavy,
    /// From the fourth on: the most that is ever asked, for it is a person who waits.
    Extreme,
}

impl Cost {
    /// The fewest tries. The most is one less than twice as many: less would tell the count, more would vary the wait.
    pub const fn tries_min(self) -> u32 {
        match self {
            // 2 to 4 million rounds of PBKDF2: about half a second of one core of a small server, in the stock widget.
            Self::Light => 4_000,
            Self::Medium => 8_000,
            // Four times the lightest: a wait that people notice.
            Self::Heavy => 16_000,
            // Half a dozen seconds.
            Self::Extreme => 32_000,
        }
    }

    /// What is asked of who solves when so many were solved for the same address within the hour.
    pub const fn after(solved: usize) -> Self {
        match solved {
            0 => Self::Light,
            1 => Self::Medium,
            2 => Self::Heavy,
            _ => Self::Extreme,
        }
    }
}

/// Why an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not base64 of a solution, or too long.
    #[error("not a solution as the widget gives it")]
    Malformed,
    /// Made with a key that this ring no longer has.
    #[error("the challenge was made with a key that is not in use any more")]
    UnknownKey,
    /// The parameters are not as they were issued.
    #[error("the challenge was not issued here")]
    Forged,
    /// Issued more than [`LIFE_MS`] ago, or by a clock too far ahead.
    #[error("the challenge has expired")]
    Expired,
    /// Another tenant's, address's or visitor's.
    #[error("the challenge was issued for another order")]
    OtherOrder,
    /// Easier than what is asked for by now.
    #[error("a harder challenge must be solved")]
    TooLight,
    /// The work was not done.
    #[error("the solution is wrong")]
    WrongSolution,
}

/// A challenge as the widget takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "AltchaChallenge"))]
pub struct Issued {
    parameters: Parameters,
    /// HMAC-SHA256 over the parameters' JSON, in hexadecimal.
    signature: String,
}

/// In alphabetical order: the signature covers the JSON with its names sorted, and nothing that is not named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "AltchaParameters"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Parameters {
    algorithm: String,
    cost: u32,
    data: Data,
    /// In seconds since the epoch.
    expires_at: u64,
    key_length: usize,
    key_prefix: String,
    key_signature: String,
    nonce: String,
    salt: String,
}

/// Ours; the widget only carries it. Alphabetical as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "AltchaData"))]
#[serde(deny_unknown_fields)]
struct Data {
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    bound: Bytes<16>,
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    key: KeyId,
    level: Cost,
}

/// What the widget submits, as base64. Names it may add one day are ignored: nothing unsigned is believed.
#[derive(Deserialize)]
struct Answer {
    challenge: Issued,
    solution: Solution,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    counter: u32,
    derived_key: String,
}

/// A new challenge. Costs one derivation of [`TRY_ROUNDS`].
pub fn issue(
    keys: &Ring<ChallengeKey>,
    bound: &Bound<'_>,
    cost: Cost,
    entropy: &Entropy,
    now: UnixMs,
) -> Issued {
    let key = keys.current();
    let nonce: [u8; 16] = entropy.derive("challenge/nonce");
    let salt: [u8; 16] = entropy.derive("challenge/salt");
    let derived = derive(&nonce, &salt, counter(key, &nonce, cost));
    let prefix: [u8; PREFIX_BYTES] = bytes::truncate(derived);
    let parameters = Parameters {
        algorithm: ALGORITHM.to_owned(),
        cost: TRY_ROUNDS,
        data: Data { bound: bound.digest(key, KIND), key: key.id().clone(), level: cost },
        // Rounded down: never more than the life.
        expires_at: now.plus(LIFE_MS).0 / SECOND_MS,
        key_length: KEY_BYTES,
        key_prefix: hex::encode(&prefix),
        key_signature: hex::encode(&mac(key.derived_key_key().as_bytes(), &derived)),
        nonce: hex::encode(&nonce),
        salt: hex::encode(&salt),
    };
    let signature = sign(key, &parameters);
    Issued { parameters, signature }
}

/// Checks an answer, as the widget submits it, to a challenge of at least `least`. Costs four HMACs.
///
/// The nonce is good once: whoever keeps the ledger remembers it for [`NONCE_MEMORY_MS`].
pub fn check(
    keys: &Ring<ChallengeKey>,
    answer: &str,
    bound: &Bound<'_>,
    least: Cost,
    now: UnixMs,
) -> Result<Proof, Error> {
    let Answer { challenge: Issued { parameters, signature }, solution } = read(answer)?;
    let key = keys.get(&parameters.data.key).ok_or(Error::UnknownKey)?;
    if !same(sign(key, &parameters).as_bytes(), signature.as_bytes()) {
        return Err(Error::Forged);
    }
    // Signed, so made here; yet an older release may have made others under the same key.
    if parameters.algorithm != ALGORITHM || parameters.key_length != KEY_BYTES {
        return Err(Error::Forged);
    }
    let expires_at = UnixMs(parameters.expires_at.saturating_mul(SECOND_MS));
    if now >= expires_at || expires_at.since(now) > NONCE_MEMORY_MS {
        return Err(Error::Expired);
    }
    if !bound.is(key, KIND, &parameters.data.bound) {
        return Err(Error::OtherOrder);
    }
    if parameters.data.level < least || parameters.cost < TRY_ROUNDS {
        return Err(Error::TooLight);
    }
    let nonce = hex::decode(&parameters.nonce).ok_or(Error::Malformed)?;
    if !is_solved(key, &parameters, &nonce, &solution) {
        return Err(Error::WrongSolution);
    }
    Ok(Proof { nonce: Nonce(Bytes(nonce)), cost: parameters.data.level })
}

fn read(answer: &str) -> Result<Answer, Error> {
    if answer.len() > ANSWER_CHARS_MAX {
        return Err(Error::Malformed);
    }
    let json = STANDARD.decode(answer).map_err(|_| Error::Malformed)?;
    bytes::read_json(&json).map_err(|_| Error::Malformed)
}

/// The count, the key's published half and the whole key must each be ours.
fn is_solved(key: &ChallengeKey, parameters: &Parameters, nonce: &[u8; 16], solution: &Solution) -> bool {
    let Some(derived) = hex::decode::<KEY_BYTES>(&solution.derived_key) else {
        return false;
    };
    let prefix: [u8; PREFIX_BYTES] = bytes::truncate(derived);
    let counter = counter(key, nonce, parameters.data.level);
    let counts = same(&counter.to_be_bytes(), &solution.counter.to_be_bytes());
    let starts = same(parameters.key_prefix.as_bytes(), hex::encode(&prefix).as_bytes());
    let proves = same(
        parameters.key_signature.as_bytes(),
        hex::encode(&mac(key.derived_key_key().as_bytes(), &derived)).as_bytes(),
    );
    counts & starts & proves
}

/// The count that solves the challenge, from its nonce. The bias of the remainder is below 2⁻⁴⁰.
fn counter(key: &ChallengeKey, nonce: &[u8; 16], cost: Cost) -> u32 {
    let hash = bytes::hmac_sha256(key.counter_key(), &[b"tiffin-challenge-counter-v1", nonce]);
    let number = u64::from_be_bytes(bytes::truncate(hash)) % u64::from(cost.tries_min());
    cost.tries_min() + u32::try_from(number).unwrap_or(0)
}

/// One try: the password is nonce and count.
fn derive(nonce: &[u8; 16], salt: &[u8; 16], counter: u32) -> [u8; KEY_BYTES] {
    kdf::pbkdf2(&[nonce.as_slice(), &counter.to_be_bytes()].concat(), salt, TRY_ROUNDS)
}

fn sign(key: &ChallengeKey, parameters: &Parameters) -> String {
    let json = serde_json::to_vec(parameters).unwrap_or_default();
    hex::encode(&mac(key.parameters_key().as_bytes(), &json))
}

#[cfg(test)]
mod tests;
