//! Sealing a factor's secret for its own store: XChaCha20-Poly1305 under a ring that only the factors' owner holds.

use chacha20poly1305::KeyInit;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::aead::Payload;
use hkdf::Hkdf;
use serde::Deserialize;
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::id::FactorId;
use super::totp::Algorithm;
use super::totp::Seed;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::id::TenantId;
use crate::keys::Ring;
use crate::secret::Secret;

/// The ring in `TIFFIN_FACTOR_KEYS`. The first key seals, all of them open.
pub type FactorKeys = Ring<FactorKey>;

const LABEL: &[u8] = b"tiffin-factor-v1";

/// A key that seals secrets.
#[derive(Clone)]
pub struct FactorKey {
    id: KeyId,
    key: Secret<[u8; 32]>,
}

/// A secret does not open: its key is gone from the ring, or the stored bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed secret does not open")]
pub struct Error;

impl FactorKey {
    /// Derives the sealing key (HKDF-SHA256, so that no other use of these bytes shares it).
    pub fn new(id: &KeyId, key: [u8; 32]) -> Self {
        let mut derived = Zeroizing::new([0; 32]);
        let expanded = Hkdf::<Sha256>::new(None, &key).expand(b"tiffin/v1/factor", derived.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are a valid HKDF output");
        Self { id: id.clone(), key: Secret::new(*derived) }
    }

    /// Its name in a sealed secret.
    pub fn id(&self) -> &KeyId {
        &self.id
    }
}

/// What a secret is sealed together with. A change of any field, and it does not open.
pub struct Bound<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which.
    pub factor: &'a FactorId,
    /// How its codes are made.
    pub algorithm: Algorithm,
    /// How long its codes are.
    pub digits: u8,
}

/// A sealed secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Which key opens it.
    pub key: KeyId,
    /// 192 random bits.
    nonce: Bytes<24>,
    /// Ciphertext and tag, base64url.
    ciphertext: String,
}

impl Sealed {
    /// Seals. The nonce must be fresh random bytes.
    pub fn new(key: &FactorKey, nonce: [u8; 24], bound: &Bound<'_>, seed: &Seed) -> Result<Self, Error> {
        let payload = Payload { msg: seed.expose(), aad: &header(&key.id, bound) };
        let ciphertext = XChaCha20Poly1305::new(key.key.expose().into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error)?;
        Ok(Self { key: key.id.clone(), nonce: Bytes(nonce), ciphertext: bytes::encode(&ciphertext) })
    }

    /// Opens with the key it names.
    pub fn open(&self, keys: &FactorKeys, bound: &Bound<'_>) -> Result<Seed, Error> {
        let key = keys.get(&self.key).ok_or(Error)?;
        let ciphertext = bytes::decode(&self.ciphertext).ok_or(Error)?;
        let payload = Payload { msg: &ciphertext, aad: &header(&self.key, bound) };
        let plaintext = XChaCha20Poly1305::new(key.key.expose().into())
            .decrypt(&XNonce::from(self.nonce.0), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error)?;
        Ok(Seed::new(&plaintext))
    }
}

fn header(key: &KeyId, bound: &Bound<'_>) -> Vec<u8> {
    bytes::prefixed(&[
        LABEL,
        key.as_str().as_bytes(),
        bound.tenant.as_str().as_bytes(),
        bound.factor.to_string().as_bytes(),
        bound.algorithm.as_str().as_bytes(),
        &[bound.digits],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_every_field_it_was_bound_to_only() {
        let [acme, bolt] = ["acme", "bolt"].map(|name| TenantId::parse(name).unwrap());
        let ids = [FactorId::checked([1; 16], [1; 8]), FactorId::checked([1; 16], [2; 8])];
        let ring = |text: &str, byte: u8| {
            let text = format!("{text}:{}", bytes::encode(&[byte; 32]));
            Ring::parse(&text, |id, key| Ok(FactorKey::new(id, key))).unwrap()
        };
        let bound = |tenant, factor, algorithm, digits| Bound { tenant, factor, algorithm, digits };
        let made = bound(&acme, &ids[0], Algorithm::Sha1, 6);
        let keys: FactorKeys = ring("f1", 1);
        let sealed = Sealed::new(keys.current(), [3; 24], &made, &Seed::new(&[9; 20])).unwrap();
        assert_eq!(sealed.open(&keys, &made).unwrap().expose(), [9; 20]);
        for other in [
            bound(&bolt, &ids[0], Algorithm::Sha1, 6),
            bound(&acme, &ids[1], Algorithm::Sha1, 6),
            bound(&acme, &ids[0], Algorithm::Sha256, 6),
            bound(&acme, &ids[0], Algorithm::Sha1, 8),
        ] {
            assert_eq!(sealed.open(&keys, &other).err(), Some(Error));
        }
        assert_eq!(sealed.open(&ring("f1", 2), &made).err(), Some(Error), "another key");
        assert_eq!(sealed.open(&ring("f2", 1), &made).err(), Some(Error), "no key of this name");
    }
}
