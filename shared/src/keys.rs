//! Key material, and the text form it has in the environment.
//!
//! A ring is written `id:base64url,id:base64url`; the first key is the one in use, the others are still accepted.

use ed25519_dalek::Signature;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::bytes;
use crate::challenge::hex;
use crate::factor::FactorId;
use crate::id::KeyId;
use crate::id::LEDGER_HASH_BYTES;
use crate::id::LedgerId;
use crate::id::TenantId;
use crate::phone;
use crate::phone::Phone;
use crate::secret::Secret;
use crate::visitor::Network;
use crate::visitor::VisitorId;

/// Keys a ring may hold: one in use, and older ones while what they made is alive.
pub const RING_KEYS_MAX: usize = 8;

/// A key or ring does not parse. Says nothing of the text: it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `id:base64url` with 32 bytes.
    #[error("expected `id:key`, the key being 32 bytes in base64url without padding")]
    Malformed,
    /// Two keys of one ring share an id, or the ring is empty or too long.
    #[error("a ring holds 1 to {RING_KEYS_MAX} keys with distinct ids")]
    Ring,
    /// The bytes are no point of the curve.
    #[error("not a valid public key")]
    Point,
}

/// Keys by id; the first is in use.
#[derive(Clone)]
pub struct Ring<K>(Vec<(KeyId, K)>);

impl<K> Ring<K> {
    /// Reads `id:key,id:key`.
    pub fn parse(text: &str, make: impl Fn(&KeyId, [u8; 32]) -> Result<K, Error>) -> Result<Self, Error> {
        let mut keys: Vec<(KeyId, K)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (id, key) = part.split_once(':').ok_or(Error::Malformed)?;
            let id = KeyId::parse(id).map_err(|_| Error::Malformed)?;
            if keys.iter().any(|(known, _)| *known == id) || keys.len() == RING_KEYS_MAX {
                return Err(Error::Ring);
            }
            let key = make(&id, bytes::decode_array(key).ok_or(Error::Malformed)?)?;
            keys.push((id, key));
        }
        if keys.is_empty() { Err(Error::Ring) } else { Ok(Self(keys)) }
    }

    /// The key in use.
    pub fn current(&self) -> &K {
        match self.0.first() {
            Some((_, key)) => key,
            None => unreachable!("a ring is never empty"),
        }
    }

    /// The key with this id.
    pub fn get(&self, id: &KeyId) -> Option<&K> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

/// The secret of code digests, held by the edge alone.
#[derive(Clone)]
pub struct Pepper {
    id: KeyId,
    code_key: Secret<[u8; 32]>,
}

impl Pepper {
    /// Derives the digest key (HKDF-SHA256, so that no other use of the pepper shares it).
    pub fn new(id: &KeyId, pepper: [u8; 32]) -> Self {
        let mut key = [0; 32];
        let expanded = Hkdf::<Sha256>::new(None, &pepper).expand(b"tiffin/v1/code", &mut key);
        debug_assert!(expanded.is_ok(), "32 bytes are a valid HKDF output");
        Self { id: id.clone(), code_key: Secret::new(key) }
    }

    /// Its name in a digest.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn code_key(&self) -> &Secret<[u8; 32]> {
        &self.code_key
    }
}

/// The secrets of bot challenges, all from one key (HKDF-SHA256, so that no two uses share one).
#[derive(Clone)]
pub struct ChallengeKey {
    id: KeyId,
    bound_key: Secret<[u8; 32]>,
    counter_key: Secret<[u8; 32]>,
    /// As hexadecimal text: ALTCHA's libraries take their secrets as text, and tests hold ours against theirs.
    parameters_key: Secret<String>,
    /// Likewise.
    derived_key_key: Secret<String>,
}

impl ChallengeKey {
    /// Derives the secrets.
    pub fn new(id: &KeyId, key: [u8; 32]) -> Self {
        let derive = |info: &str| {
            let mut out = [0; 32];
            let expanded = Hkdf::<Sha256>::new(None, &key).expand(info.as_bytes(), &mut out);
            debug_assert!(expanded.is_ok(), "32 bytes are a valid HKDF output");
            out
        };
        Self {
            id: id.clone(),
            bound_key: Secret::new(derive("tiffin/v1/challenge/bound")),
            counter_key: Secret::new(derive("tiffin/v1/challenge/counter")),
            parameters_key: Secret::new(hex::encode(&derive("tiffin/v1/challenge/parameters"))),
            derived_key_key: Secret::new(hex::encode(&derive("tiffin/v1/challenge/derived-key"))),
        }
    }

    /// Its name in a challenge.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn bound_key(&self) -> &[u8; 32] {
        self.bound_key.expose()
    }

    pub(crate) fn counter_key(&self) -> &[u8; 32] {
        self.counter_key.expose()
    }

    pub(crate) fn parameters_key(&self) -> &str {
        self.parameters_key.expose()
    }

    pub(crate) fn derived_key_key(&self) -> &str {
        self.derived_key_key.expose()
    }
}

/// Turns addresses into ledger names and request bodies into fingerprints.
#[derive(Clone)]
pub struct IndexKey(Secret<[u8; 32]>);

impl IndexKey {
    /// Wraps the key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Secret::new(key))
    }

    /// Reads base64url.
    pub fn parse(text: &str) -> Result<Self, Error> {
        bytes::decode_array(text.trim()).map(Self::new).ok_or(Error::Malformed)
    }

    /// The ledger of an address. `kind` keeps phones and mailboxes apart.
    pub fn ledger(&self, kind: &str, address: &str) -> LedgerId {
        let fields = [b"tiffin-ledger-v1".as_slice(), kind.as_bytes(), address.as_bytes()];
        self.checked(bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields)))
    }

    /// Whether this key made the name. A made-up one is refused before it costs anything.
    pub fn knows(&self, ledger: LedgerId) -> bool {
        self.checked(ledger.hash()).bytes().ct_eq(&ledger.bytes()).into()
    }

    /// The factor of `tenant` that `seed` names: 128 bits that nobody can guess.
    pub fn factor(&self, tenant: &TenantId, seed: [u8; 16]) -> FactorId {
        let fields = [b"tiffin-factor-check-v1".as_slice(), tenant.as_str().as_bytes(), &seed];
        FactorId::checked(seed, bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields)))
    }

    /// Whether this key made the id for this tenant. A made-up or borrowed one is refused before it costs anything.
    pub fn knows_factor(&self, tenant: &TenantId, factor: &FactorId) -> bool {
        self.factor(tenant, factor.seed()).check().ct_eq(&factor.check()).into()
    }

    fn checked(&self, hash: [u8; LEDGER_HASH_BYTES]) -> LedgerId {
        let check = bytes::hmac_sha256(self.0.expose(), &[b"tiffin-ledger-check-v1", &hash]);
        LedgerId::checked(hash, bytes::truncate(check))
    }

    /// Names a number's neighbourhood to one tenant: all numbers that differ in their last four digits only.
    pub fn prefix(&self, tenant: &TenantId, phone: &Phone) -> bytes::Bytes<8> {
        let range = phone::prefix(phone);
        let fields = [b"tiffin-prefix-v1".as_slice(), tenant.as_str().as_bytes(), range.as_bytes()];
        bytes::Bytes(bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields)))
    }

    /// The name under which a client network's state is kept. Keyed: 2³² addresses are quickly tried.
    pub fn visitor(&self, network: impl Into<Network>) -> VisitorId {
        let octets = network.into().octets();
        let fields = [b"tiffin-visitor-v1".as_slice(), &octets];
        VisitorId::new(bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields)))
    }

    /// Proves a quote: of what it says and what it is for.
    pub(crate) fn quote(&self, fields: &[&[u8]]) -> [u8; 16] {
        let fields = [&[b"tiffin-quote-v1".as_slice()], fields].concat();
        bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields))
    }

    /// A keyed hash of something a caller sent: tells equal from different, and nothing else.
    pub fn fingerprint(&self, kind: &str, content: &[u8]) -> bytes::Bytes<16> {
        let fields = [b"tiffin-fingerprint-v1".as_slice(), kind.as_bytes(), content];
        bytes::Bytes(bytes::truncate(bytes::hmac_sha256(self.0.expose(), &fields)))
    }
}

/// An Ed25519 private key with its name (RFC 8032).
#[derive(Clone)]
pub struct Signing {
    id: KeyId,
    key: SigningKey,
}

impl Signing {
    /// From its 32-byte seed.
    pub fn new(id: &KeyId, seed: [u8; 32]) -> Self {
        Self { id: id.clone(), key: SigningKey::from_bytes(&seed) }
    }

    /// Its name in a signature.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// 64 bytes over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The public half, as bytes.
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }
}

/// An Ed25519 public key.
#[derive(Clone)]
pub struct Verifying(VerifyingKey);

impl Verifying {
    /// From 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Result<Self, Error> {
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| Error::Point)
    }

    /// Strict verification: no small-order keys, no malleable signatures.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Result<Ring<[u8; 32]>, Error> {
        Ring::parse(text, |_, key| Ok(key))
    }

    #[test]
    fn the_first_key_of_a_ring_is_in_use_and_the_others_are_found() {
        let (one, two) = (bytes::encode(&[1; 32]), bytes::encode(&[2; 32]));
        let ring = ring(&format!("b:{two}, a:{one}")).unwrap();
        assert_eq!(ring.current(), &[2; 32]);
        assert_eq!(ring.get(&KeyId::parse("a").unwrap()), Some(&[1; 32]));
        assert_eq!(ring.get(&KeyId::parse("c").unwrap()), None);
    }

    #[test]
    fn malformed_rings_are_refused() {
        let key = bytes::encode(&[1; 32]);
        let many: Vec<_> = (0..=RING_KEYS_MAX).map(|n| format!("k{n}:{key}")).collect();
        let cases = [
            (String::new(), Error::Malformed),
            ("a".into(), Error::Malformed),
            ("a:short".into(), Error::Malformed),
            (format!("A:{key}"), Error::Malformed),
            (format!("a:{key},a:{key}"), Error::Ring),
            (many.join(","), Error::Ring),
        ];
        for (text, error) in cases {
            assert_eq!(ring(&text).err(), Some(error), "{text}");
        }
    }
}
