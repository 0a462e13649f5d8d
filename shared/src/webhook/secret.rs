//! An endpoint's key: a shared secret (`whsec_`) or a key pair (`whsk_` signs, `whpk_` verifies).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The shortest shared secret, in bytes: as the specification has it.
pub const SECRET_BYTES_MIN: usize = 24;
/// The longest, likewise.
pub const SECRET_BYTES_MAX: usize = 64;

const SHARED: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// A key is malformed. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `whsec_` and {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes in base64, or `whsk_` and the 32 or 64 bytes of an Ed25519 key"
)]
pub struct Error;

/// What signs deliveries to one endpoint. No `Debug`.
#[derive(Clone)]
pub enum Key {
    /// HMAC-SHA256: version `v1`.
    Shared(Secret<Vec<u8>>),
    /// Ed25519: version `v1a`. The seed.
    Pair(Secret<[u8; 32]>),
}

impl Key {
    /// Reads `whsec_…` or `whsk_…`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(text) = text.strip_prefix(SHARED) {
            let bytes = decode(text).ok_or(Error)?;
            return match bytes.len() {
                SECRET_BYTES_MIN..=SECRET_BYTES_MAX => Ok(Self::Shared(Secret::new(bytes.to_vec()))),
                _ => Err(Error),
            };
        }
        let bytes = text.strip_prefix(PRIVATE).and_then(decode).ok_or(Error)?;
        // As most libraries write it, the public half stands behind the seed.
        let (seed, public) = bytes.split_at_checked(32).ok_or(Error)?;
        let seed: [u8; 32] = seed.try_into().map_err(|_| Error)?;
        let is_own = public == SigningKey::from_bytes(&seed).verifying_key().as_bytes();
        if public.is_empty() || is_own { Ok(Self::Pair(Secret::new(seed))) } else { Err(Error) }
    }

    /// Of fresh random bytes.
    pub fn new(bytes: [u8; 32], is_pair: bool) -> Self {
        if is_pair { Self::Pair(Secret::new(bytes)) } else { Self::Shared(Secret::new(bytes.to_vec())) }
    }

    /// `whsec_…` or `whsk_…`: for sealing, and to be shown once where the receiver needs it.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Shared(secret) => format!("{SHARED}{}", STANDARD.encode(secret.expose())),
            Self::Pair(seed) => {
                let pair = Zeroizing::new(SigningKey::from_bytes(seed.expose()).to_keypair_bytes());
                format!("{PRIVATE}{}", STANDARD.encode(*pair))
            }
        })
    }

    /// What the receiver verifies with: the secret itself, or `whpk_…`.
    pub fn for_receiver(&self) -> Zeroizing<String> {
        match self {
            Self::Shared(_) => self.text(),
            Self::Pair(seed) => {
                let public = SigningKey::from_bytes(seed.expose()).verifying_key();
                Zeroizing::new(format!("{PUBLIC}{}", STANDARD.encode(public.as_bytes())))
            }
        }
    }

    /// Whether it is a key pair.
    pub fn is_pair(&self) -> bool {
        matches!(self, Self::Pair(_))
    }

    /// `v1,…` or `v1a,…` over these bytes.
    pub(super) fn sign(&self, content: &[u8]) -> String {
        match self {
            Self::Shared(secret) => {
                let mut mac = match Hmac::<Sha256>::new_from_slice(secret.expose()) {
                    Ok(mac) => mac,
                    Err(_) => unreachable!("HMAC takes a key of any length"),
                };
                mac.update(content);
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            }
            Self::Pair(seed) => {
                let signature = SigningKey::from_bytes(seed.expose()).sign(content);
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
        }
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_nothing_else_is() {
        for key in [Key::new([7; 32], false), Key::new([7; 32], true)] {
            let again = Key::parse(&key.text()).ok().unwrap();
            assert_eq!(*again.text(), *key.text());
            assert!(!key.for_receiver().starts_with(PRIVATE), "the private half is never shown");
        }
        let seed_alone = format!("whsk_{}", STANDARD.encode([7; 32]));
        assert_eq!(*Key::parse(&seed_alone).ok().unwrap().text(), *Key::new([7; 32], true).text());
        let other_half = format!("whsk_{}", STANDARD.encode([7; 64]));
        let (short, long) = (STANDARD.encode([1; 23]), STANDARD.encode([1; 65]));
        for text in [
            "",
            "whsec_",
            "secret",
            "whpk_AAAA",
            &other_half,
            &format!("whsec_{short}"),
            &format!("whsec_{long}"),
        ] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }
}
