//! A secret in a store: XChaCha20-Poly1305 under a key that has one use, bound to what it belongs to.

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

use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::secret::Secret;

/// A key that seals secrets of one kind.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    key: Secret<[u8; 32]>,
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

/// What a secret is sealed together with. A change of any field, and it does not open.
pub struct Bound<'a> {
    /// Tells kinds of secrets apart.
    pub label: &'a [u8],
    /// Whose it is, and what.
    pub fields: &'a [&'a [u8]],
}

impl Key {
    /// Derives the key for one use (HKDF-SHA256, so that no other use of these bytes shares it).
    pub fn new(id: &KeyId, key: [u8; 32], usage: &[u8]) -> Self {
        let mut derived = Zeroizing::new([0; 32]);
        let expanded = Hkdf::<Sha256>::new(None, &key).expand(usage, derived.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are a valid HKDF output");
        Self { id: id.clone(), key: Secret::new(*derived) }
    }

    /// Its name in a sealed secret.
    pub fn id(&self) -> &KeyId {
        &self.id
    }
}

impl Sealed {
    /// Seals. The nonce must be fresh random bytes. Nothing where the secret is too long, which takes gigabytes.
    pub fn new(key: &Key, nonce: [u8; 24], bound: &Bound<'_>, secret: &[u8]) -> Option<Self> {
        let ciphertext = encrypt(&key.key, nonce, &bound.header(&key.id), secret)?;
        Some(Self { key: key.id.clone(), nonce: Bytes(nonce), ciphertext })
    }

    /// Opens with the key that [`Sealed::key`] names.
    pub fn open(&self, key: &Key, bound: &Bound<'_>) -> Option<Zeroizing<Vec<u8>>> {
        decrypt(&key.key, self.nonce.0, &bound.header(&self.key), &self.ciphertext)
    }
}

impl Bound<'_> {
    fn header(&self, key: &KeyId) -> Vec<u8> {
        let fields = [&[self.label, key.as_str().as_bytes()], self.fields].concat();
        bytes::prefixed(&fields)
    }
}

/// Ciphertext and tag, base64url.
pub(crate) fn encrypt(
    key: &Secret<[u8; 32]>,
    nonce: [u8; 24],
    header: &[u8],
    plaintext: &[u8],
) -> Option<String> {
    let payload = Payload { msg: plaintext, aad: header };
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    cipher.encrypt(&XNonce::from(nonce), payload).ok().map(|ciphertext| bytes::encode(&ciphertext))
}

/// Nothing where key, nonce, header or ciphertext are not those it was made with.
pub(crate) fn decrypt(
    key: &Secret<[u8; 32]>,
    nonce: [u8; 24],
    header: &[u8],
    ciphertext: &str,
) -> Option<Zeroizing<Vec<u8>>> {
    let ciphertext = bytes::decode(ciphertext)?;
    let payload = Payload { msg: &ciphertext, aad: header };
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    cipher.decrypt(&XNonce::from(nonce), payload).ok().map(Zeroizing::new)
}
