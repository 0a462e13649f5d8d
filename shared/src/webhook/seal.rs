//! An endpoint's key in the store, under keys that follow from core's signing ring.

use serde::Deserialize;
use serde::Serialize;

use super::secret::Key;
use crate::id::EndpointId;
use crate::id::KeyId;
use crate::id::TenantId;
use crate::keys::Ring;
use crate::vault;
use crate::vault::Bound;

/// The first key seals, all of them open.
pub type HookKeys = Ring<HookKey>;

/// A key that seals endpoints' keys.
#[derive(Clone)]
pub struct HookKey(vault::Key);

/// A sealed key does not open: what sealed it is gone from the ring, or the stored bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endpoint's sealed key does not open: is the core signing key that sealed it gone? Rotate the endpoint's key"
)]
pub struct Error;

/// A sealed key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(vault::Sealed);

impl HookKey {
    /// Derives the sealing key.
    pub fn new(id: &KeyId, key: [u8; 32]) -> Self {
        Self(vault::Key::new(id, key, b"tiffin/v1/webhook"))
    }

    /// Its name in a sealed key.
    pub fn id(&self) -> &KeyId {
        self.0.id()
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
        bound(of, |bound| vault::Sealed::new(&seal.0, nonce, bound, key.text().as_bytes()))
            .map(Self)
            .ok_or(Error)
    }

    /// Which key opens it.
    pub fn key(&self) -> &KeyId {
        &self.0.key
    }

    /// Opens with the key it names.
    pub fn open(&self, keys: &HookKeys, of: (&TenantId, &EndpointId)) -> Result<Key, Error> {
        let seal = keys.get(self.key()).ok_or(Error)?;
        let text = bound(of, |bound| self.0.open(&seal.0, bound)).ok_or(Error)?;
        std::str::from_utf8(&text).ok().and_then(|text| Key::parse(text).ok()).ok_or(Error)
    }
}

fn bound<T>((tenant, name): (&TenantId, &EndpointId), act: impl FnOnce(&Bound<'_>) -> T) -> T {
    let fields = [tenant.as_str().as_bytes(), name.as_str().as_bytes()];
    act(&Bound { label: b"tiffin-webhook-v1", fields: &fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes;

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
