//! The front door's settings, by the same names in the worker's variables and in core's environment.

use std::sync::Arc;

use crate::challenge::turnstile::SITEVERIFY_URL;
use crate::directory::Directory;
use crate::entropy::Entropy;
use crate::factor::FactorKey;
use crate::factor::FactorKeys;
use crate::http::Front;
use crate::http::TurnstileAccount;
use crate::json;
use crate::keys;
use crate::keys::ChallengeKey;
use crate::keys::IndexKey;
use crate::keys::Pepper;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::ledger::Keys;
use crate::seal;
use crate::seal::PublicKey;
use crate::seal::SEALER_AGE_MS_MAX;
use crate::seal::Sealer;
use crate::secret::Secret;
use crate::time::UnixMs;

/// JSON of [`Directory`].
pub const DIRECTORY: &str = "TIFFIN_DIRECTORY";
/// Ring of peppers for code digests; the first one is in use. Held by the edge alone.
pub const PEPPERS: &str = "TIFFIN_PEPPERS";
/// 32 bytes in base64url: names ledgers and factors. Changing it forgets every bucket and order, and every factor must
/// be enrolled anew.
pub const INDEX_KEY: &str = "TIFFIN_INDEX_KEY";
/// Ring of keys that seal the secrets of factors; the first one seals, all open. A new key stands second everywhere
/// before it stands first anywhere; an old one goes once every factor was used or removed since it stood first.
pub const FACTOR_KEYS: &str = "TIFFIN_FACTOR_KEYS";
/// Ring of the delivery workers' public keys; jobs are sealed for the first.
pub const SEAL_PUBLIC_KEYS: &str = "TIFFIN_SEAL_PUBLIC_KEYS";
/// Ring of the edge's private signing keys; the first one signs.
pub const EDGE_SIGNING_KEYS: &str = "TIFFIN_EDGE_SIGNING_KEYS";
/// Ring of core's public signing keys.
pub const CORE_PUBLIC_KEYS: &str = "TIFFIN_CORE_PUBLIC_KEYS";
/// Ring of keys that challenges are signed with; the first one signs. Held by the edge alone.
pub const CHALLENGE_KEYS: &str = "TIFFIN_CHALLENGE_KEYS";
/// Secret of the Turnstile widget, where one is used.
pub const TURNSTILE_SECRET: &str = "TIFFIN_TURNSTILE_SECRET";
/// Another place than Cloudflare's to check tokens at, for tests.
pub const TURNSTILE_URL: &str = "TIFFIN_TURNSTILE_URL";
/// Where the edge reaches core, without a trailing slash.
pub const CORE_URL: &str = "TIFFIN_CORE_URL";

/// A setting is missing or unusable. Never repeats its value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not parse.
    #[error("{name}: {reason}")]
    Invalid {
        /// Which setting.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// It is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
}

/// All that the front door and its ledgers need.
pub struct Edge {
    /// Routes requests.
    pub front: Front,
    /// Factors' secrets.
    pub factors: Arc<FactorKeys>,
    /// Code digests.
    pub peppers: Ring<Pepper>,
    /// Jobs.
    pub seal_to: Ring<PublicKey>,
    /// Envelopes and requests to core.
    pub signing: Ring<Signing>,
}

impl Edge {
    /// Reads the settings.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let challenges = ring(&variable, CHALLENGE_KEYS, |id, key| Ok(ChallengeKey::new(id, key)))?;
        let turnstile = required(&variable, TURNSTILE_SECRET).ok().map(|secret| TurnstileAccount {
            secret: Secret::new(secret),
            url: required(&variable, TURNSTILE_URL).unwrap_or_else(|_| SITEVERIFY_URL.to_owned()),
        });
        let index = IndexKey::parse(&required(&variable, INDEX_KEY)?).map_err(invalid(INDEX_KEY))?;
        Ok(Self {
            front: Front { index, challenges, turnstile },
            factors: Arc::new(ring(&variable, FACTOR_KEYS, |id, key| Ok(FactorKey::new(id, key)))?),
            peppers: ring(&variable, PEPPERS, |id, key| Ok(Pepper::new(id, key)))?,
            seal_to: ring(&variable, SEAL_PUBLIC_KEYS, PublicKey::new)?,
            signing: ring(&variable, EDGE_SIGNING_KEYS, |id, key| Ok(Signing::new(id, key)))?,
        })
    }
}

/// A ledger's keys and when their key exchange was made. Hosts keep one per process or isolate.
pub type CachedKeys = Option<(UnixMs, Arc<Keys>)>;

impl Edge {
    /// The ledgers' keys, with a key exchange younger than [`SEALER_AGE_MS_MAX`]; `draw` gives randomness for a new one.
    pub fn keys<E: From<seal::Error>>(
        &self,
        cached: &mut CachedKeys,
        now: UnixMs,
        draw: impl FnOnce() -> Result<Entropy, E>,
    ) -> Result<Arc<Keys>, E> {
        if let Some((made_at, keys)) = cached
            && now.since(*made_at) < SEALER_AGE_MS_MAX
        {
            return Ok(keys.clone());
        }
        let sealer = Sealer::new(self.seal_to.current(), &draw()?)?;
        let keys = Arc::new(Keys { peppers: self.peppers.clone(), sealer });
        *cached = Some((now, keys.clone()));
        Ok(keys)
    }
}

/// Core's public keys, as the edge holds them.
pub fn core_public_keys(variable: impl Fn(&str) -> Option<String>) -> Result<Ring<Verifying>, Error> {
    ring(&variable, CORE_PUBLIC_KEYS, |_, key| Verifying::new(key))
}

/// The directory as a variable holds it: what an edge serves until it has one from core.
pub fn directory(variable: impl Fn(&str) -> Option<String>) -> Result<Directory, Error> {
    let text = required(&variable, DIRECTORY)?;
    let invalid = |reason| Error::Invalid { name: DIRECTORY, reason };
    let directory: Directory = json::read(&text).map_err(|error| invalid(error.to_string()))?;
    directory.check().map_err(invalid)?;
    Ok(directory)
}

/// A setting that must be there.
pub fn required(variable: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, Error> {
    variable(name).filter(|value| !value.trim().is_empty()).ok_or(Error::Missing(name))
}

/// A ring that must be there.
pub fn ring<K>(
    variable: impl Fn(&str) -> Option<String>,
    name: &'static str,
    make: impl Fn(&crate::id::KeyId, [u8; 32]) -> Result<K, keys::Error>,
) -> Result<Ring<K>, Error> {
    Ring::parse(&required(variable, name)?, make).map_err(invalid(name))
}

fn invalid(name: &'static str) -> impl Fn(keys::Error) -> Error {
    move |error| Error::Invalid { name, reason: error.to_string() }
}
