//! Sealing a job so that only delivery workers open it: HPKE (RFC 9180), base mode,
//! DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256.
//!
//! The key exchange costs a few hundred microseconds of wasm, so a [`Sealer`] does it once and exports a key
//! (RFC 9180 section 5.3); each job is then sealed with XChaCha20-Poly1305 under that key and a random 192-bit
//! nonce. Hosts make a new sealer at least every [`SEALER_AGE_MS_MAX`].

use hpke::Deserializable;
use hpke::Kem as KemTrait;
use hpke::OpModeR;
use hpke::OpModeS;
use hpke::Serializable;
use hpke::aead::ExportOnlyAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use rand_core::TryCryptoRng;
use rand_core::TryRng;
use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::bytes::Bytes;
use crate::entropy::Entropy;
use crate::id::KeyId;
use crate::keys::Error as KeyError;
use crate::secret::Secret;
use crate::time::HOUR_MS;
use crate::vault;

type Kem = X25519HkdfSha256;

/// How long one key exchange may serve: bounds what a leaked isolate memory opens.
pub const SEALER_AGE_MS_MAX: u64 = HOUR_MS;
/// The largest plaintext of a job. Phone, mailbox, code and locale need a tenth of it.
pub const PLAINTEXT_BYTES_MAX: usize = 4 * 1024;

const INFO: &[u8] = b"tiffin-job-v1";
const EXPORT_LABEL: &[u8] = b"xchacha20poly1305";

/// A sealed job does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key exchange failed: a malformed encapsulated key.
    #[error("the encapsulated key is not valid")]
    Encapsulation,
    /// Wrong key, or header or ciphertext were changed.
    #[error("the sealed job does not open: wrong key, or it was altered")]
    Sealed,
}

/// The workers' public key.
#[derive(Clone)]
pub struct PublicKey {
    id: KeyId,
    key: <Kem as KemTrait>::PublicKey,
}

/// The workers' private key.
#[derive(Clone)]
pub struct PrivateKey(<Kem as KemTrait>::PrivateKey);

impl PublicKey {
    /// From 32 bytes.
    pub fn new(id: &KeyId, bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = Deserializable::from_bytes(&bytes).map_err(|_| KeyError::Point)?;
        Ok(Self { id: id.clone(), key })
    }
}

impl PrivateKey {
    /// From 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Result<Self, KeyError> {
        Deserializable::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Point)
    }

    /// Does the key exchange that a [`Sealer`] began. It costs as much as a signature, and serves all jobs of one sealer.
    pub fn opener(&self, encapsulated: &Bytes<32>) -> Result<Opener, Error> {
        let encapsulated = Deserializable::from_bytes(&encapsulated.0).map_err(|_| Error::Encapsulation)?;
        let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO,
        )
        .map_err(|_| Error::Encapsulation)?;
        let mut key = Zeroizing::new([0; 32]);
        context.export(EXPORT_LABEL, key.as_mut_slice()).map_err(|_| Error::Encapsulation)?;
        Ok(Opener(Secret::new(*key)))
    }

    /// The public half, as bytes.
    pub fn public(&self) -> [u8; 32] {
        let mut out = [0; 32];
        Kem::sk_to_pk(&self.0).write_exact(&mut out);
        out
    }
}

/// A finished key exchange, ready to seal jobs.
#[derive(Clone)]
pub struct Sealer {
    id: KeyId,
    encapsulated: [u8; 32],
    key: Secret<[u8; 32]>,
}

/// A finished key exchange, ready to open jobs.
#[derive(Clone)]
pub struct Opener(Secret<[u8; 32]>);

/// A sealed text. The header it belongs to is authenticated with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Which private key opens it.
    pub key: KeyId,
    /// The encapsulated key (RFC 9180 `enc`).
    pub encapsulated: Bytes<32>,
    /// 192 random bits.
    pub nonce: Bytes<24>,
    /// Ciphertext and tag, base64url.
    pub ciphertext: String,
}

impl Sealer {
    /// Does the key exchange with the workers' key.
    pub fn new(to: &PublicKey, entropy: &Entropy) -> Result<Self, Error> {
        let mut rng = EntropyRng { entropy, drawn: 0 };
        let (encapsulated, context) = hpke::setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, Kem>(
            &OpModeS::Base,
            &to.key,
            INFO,
            &mut rng,
        )
        .map_err(|_| Error::Encapsulation)?;
        let mut key = Zeroizing::new([0; 32]);
        context.export(EXPORT_LABEL, key.as_mut_slice()).map_err(|_| Error::Encapsulation)?;
        let mut bytes = [0; 32];
        encapsulated.write_exact(&mut bytes);
        Ok(Self { id: to.id.clone(), encapsulated: bytes, key: Secret::new(*key) })
    }

    /// Seals `plaintext` together with `header`. The nonce must be fresh random bytes.
    pub fn seal(&self, nonce: [u8; 24], header: &[u8], plaintext: &[u8]) -> Result<Sealed, Error> {
        let ciphertext = vault::encrypt(&self.key, nonce, header, plaintext).ok_or(Error::Sealed)?;
        Ok(Sealed {
            key: self.id.clone(),
            encapsulated: Bytes(self.encapsulated),
            nonce: Bytes(nonce),
            ciphertext,
        })
    }
}

impl Sealed {
    /// Opens with the private key named by [`Sealed::key`], checking `header` with it.
    pub fn open(&self, key: &PrivateKey, header: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.open_with(&key.opener(&self.encapsulated)?, header)
    }

    /// The same after the key exchange of [`Sealed::encapsulated`].
    pub fn open_with(&self, opener: &Opener, header: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        vault::decrypt(&opener.0, self.nonce.0, header, &self.ciphertext).ok_or(Error::Sealed)
    }
}

/// Hands an event's entropy to the key exchange.
struct EntropyRng<'a> {
    entropy: &'a Entropy,
    drawn: u32,
}

impl EntropyRng<'_> {
    fn block(&mut self) -> [u8; 32] {
        self.drawn += 1;
        self.entropy.derive(&format!("hpke/{}", self.drawn))
    }
}

impl TryRng for EntropyRng<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let [a, b, c, d, ..] = self.block();
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        Ok(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(32) {
            for (to, from) in chunk.iter_mut().zip(self.block()) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for EntropyRng<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes;

    fn pair() -> (PublicKey, PrivateKey) {
        let private = PrivateKey::new([5; 32]).unwrap();
        (PublicKey::new(&KeyId::parse("j1").unwrap(), private.public()).unwrap(), private)
    }

    #[test]
    fn a_sealed_job_opens_with_its_key_and_header_only() {
        let (public, private) = pair();
        let sealer = Sealer::new(&public, &Entropy::new([1; 32])).unwrap();
        let sealed = sealer.seal([2; 24], b"header", b"phone and code").unwrap();
        assert_eq!(*sealed.open(&private, b"header").unwrap(), b"phone and code");
        assert_eq!(sealed.open(&private, b"Header"), Err(Error::Sealed));
        let other = PrivateKey::new([6; 32]).unwrap();
        assert_eq!(sealed.open(&other, b"header"), Err(Error::Sealed));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let (public, private) = pair();
        let sealer = Sealer::new(&public, &Entropy::new([1; 32])).unwrap();
        let sealed = sealer.seal([2; 24], b"header", b"phone and code").unwrap();
        let ciphertext = bytes::decode(&sealed.ciphertext).unwrap();
        for bit in 0..ciphertext.len() * 8 {
            let mut altered = ciphertext.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let sealed = Sealed { ciphertext: bytes::encode(&altered), ..sealed.clone() };
            assert_eq!(sealed.open(&private, b"header"), Err(Error::Sealed));
        }
        for bit in 0..24 * 8 {
            let mut nonce = sealed.nonce;
            nonce.0[bit / 8] ^= 1 << (bit % 8);
            assert!(Sealed { nonce, ..sealed.clone() }.open(&private, b"header").is_err());
        }
        // X25519 ignores the top bit of a public key (RFC 7748 section 5), but the key schedule hashes it.
        for bit in 0..32 * 8 {
            let mut encapsulated = sealed.encapsulated;
            encapsulated.0[bit / 8] ^= 1 << (bit % 8);
            assert!(Sealed { encapsulated, ..sealed.clone() }.open(&private, b"header").is_err());
        }
    }
}
