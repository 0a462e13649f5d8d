//! A factor's secret in its own store, under a ring that only the factors' owner holds.

use serde::Deserialize;
use serde::Serialize;

use super::id::FactorId;
use super::totp::Algorithm;
use super::totp::Seed;
use crate::id::KeyId;
use crate::id::TenantId;
use crate::keys::Ring;
use crate::vault;

/// The ring in `TIFFIN_FACTOR_KEYS`. The first key seals, all of them open.
pub type FactorKeys = Ring<FactorKey>;

/// A key that seals secrets.
#[derive(Clone)]
pub struct FactorKey(vault::Key);

/// A secret does not open: its key is gone from the ring, or the stored bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed secret does not open")]
pub struct Error;

impl FactorKey {
    /// Derives the sealing key.
    pub fn new(id: &KeyId, key: [u8; 32]) -> Self {
        Self(vault::Key::new(id, key, b"tiffin/v1/factor"))
    }

    /// Its name in a sealed secret.
    pub fn id(&self) -> &KeyId {
        self.0.id()
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
#[serde(transparent)]
pub struct Sealed(vault::Sealed);

impl Sealed {
    /// Seals. The nonce must be fresh random bytes.
    pub fn new(key: &FactorKey, nonce: [u8; 24], bound: &Bound<'_>, seed: &Seed) -> Result<Self, Error> {
        bound.with(|bound| vault::Sealed::new(&key.0, nonce, bound, seed.expose())).map(Self).ok_or(Error)
    }

    /// Which key opens it.
    pub fn key(&self) -> &KeyId {
        &self.0.key
    }

    /// Opens with the key it names.
    pub fn open(&self, keys: &FactorKeys, bound: &Bound<'_>) -> Result<Seed, Error> {
        let key = keys.get(self.key()).ok_or(Error)?;
        let secret = bound.with(|bound| self.0.open(&key.0, bound)).ok_or(Error)?;
        Ok(Seed::new(&secret))
    }
}

impl Bound<'_> {
    fn with<T>(&self, act: impl FnOnce(&vault::Bound<'_>) -> T) -> T {
        let factor = self.factor.to_string();
        let fields: [&[u8]; 4] = [
            self.tenant.as_str().as_bytes(),
            factor.as_bytes(),
            self.algorithm.as_str().as_bytes(),
            &[self.digits],
        ];
        act(&vault::Bound { label: b"tiffin-factor-v1", fields: &fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes;

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
