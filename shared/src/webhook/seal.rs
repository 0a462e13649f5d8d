//! An endpoint's key in the store: XChaCha20-Poly1305, under keys that follow from core's signing ring.

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

use super::secret::Key;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::EndpointId;
use crate::id::KeyId;
use crate::id::TenantId;
use crate::keys::Ring;
use crate::secret::Secret;

/// The first key seals, all of them open.
pub type HookKeys = Ring<HookKey>;

const LABEL: &[u8] = b"tiffin-webhook-v1";

/// A key that seals endpoints' keys.
#[derive(Clone)]
pub struct HookKey {
    id: KeyId,
    key: Secret<[u8; 32]>,
}

/// A sealed key does not open: what sealed it is gone from the ring, or the stored bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endpoint's sealed key does not open: is the core signing key that sealed it gone? Rotate the endpoint's key"
)]
pub struct Error;

/// A sealed key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Which key opens it.
    pub key: KeyId,
    nonce: Bytes<24>,
    /// Ciphertext and tag, base64url.
    ciphertext: String,
}

impl HookKey {
    /// Derives the sealing key (HKDF-SHA256, so that no other use of these bytes shares it).
    pub fn new(id: &KeyId, key: [u8; 32]) -> Self {
        let mut derived = Zeroizing::new([0; 32]);
        let expanded = Hkdf::<Sha256>::new(None, &key).expand(b"tiffin/v1/webhook", derived.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are a valid HKDF output");
        Self { id: id.clone(), key: Secret::new(*derived) }
    }

    /// Its name in a sealed key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }
}

impl Sealed {
    /// Seals for one endpoint. The nonce must be fresh random bytes.
    pub fn new(
        seal: &HookKey,
        nonce: [u8; 24],
        of: (&TenantId, &EndpointId),
        key: &Key,
    ) -> Result<Self, Error> {
        let text = key.text();
        let payload = Payload { msg: text.as_bytes(), aad: &header(&seal.id, of) };
        let ciphertext = XChaCha20Poly1305::new(seal.key.expose().into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error)?;
        Ok(Self { key: seal.id.clone(), nonce: Bytes(nonce), ciphertext: bytes::encode(&ciphertext) })
    }

    /// Opens with the key it names.
    pub fn open(&self, keys: &HookKeys, of: (&TenantId, &EndpointId)) -> Result<Key, Error> {
        let seal = keys.get(&self.key).ok_or(Error)?;
        let ciphertext = bytes::decode(&self.ciphertext).ok_or(Error)?;
        let payload = Payload { msg: &ciphertext, aad: &header(&self.key, of) };
        let text = XChaCha20Poly1305::new(seal.key.expose().into())
            .decrypt(&XNonce::from(self.nonce.0), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error)?;
        std::str::from_utf8(&text).ok().and_then(|text| Key::parse(text).ok()).ok_or(Error)
    }
}

fn header(key: &KeyId, (tenant, name): (&TenantId, &EndpointId)) -> Vec<u8> {
    bytes::prefixed(&[LABEL, key.as_str().as_bytes(), tenant.as_str().as_bytes(), name.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_for_its_endpoint_and_under_its_ring_only() {
        let [acme, bolt] = ["acme", "bolt"].map(|name| TenantId::parse(name).unwrap());
        let [main, other] = ["main", "other"].map(|name| EndpointId::parse(name).unwrap());
        let ring = |id: &str, byte: u8| {
            let text = format!("{id}:{}", bytes::encode(&[byte; 32]));
            Ring::parse(&text, |id, key| Ok(HookKey::new(id, key))).unwrap()
        };
        let (keys, key) = (ring("c1", 1), Key::new([9; 32], true));
        let sealed = Sealed::new(keys.current(), [3; 24], (&acme, &main), &key).unwrap();
        assert_eq!(*sealed.open(&keys, (&acme, &main)).ok().unwrap().text(), *key.text());
        for (ring, of) in [
            (&keys, (&bolt, &main)),
            (&keys, (&acme, &other)),
            (&ring("c1", 2), (&acme, &main)),
            (&ring("c2", 1), (&acme, &main)),
        ] {
            assert!(sealed.open(ring, of).is_err());
        }
    }
}
