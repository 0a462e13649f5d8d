//! The name of a factor.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::bytes::Bytes;

/// Bytes of an id that tell factors apart.
pub const SEED_BYTES: usize = 16;
/// Bytes of an id that prove who made it: 64 bits, each guess at which is a request.
pub const CHECK_BYTES: usize = 8;

const PREFIX: &str = "fac_";

/// `fac_` and 32 characters of base64url: 128 bits that nobody can guess, and a check that only the index key's holder
/// can make; see [`crate::keys::IndexKey::factor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FactorId {
    seed: Bytes<SEED_BYTES>,
    check: Bytes<CHECK_BYTES>,
}

/// A text is not the id of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a factor")]
pub struct Error;

impl FactorId {
    /// From its two parts.
    pub fn checked(seed: [u8; SEED_BYTES], check: [u8; CHECK_BYTES]) -> Self {
        Self { seed: Bytes(seed), check: Bytes(check) }
    }

    /// The part without the check.
    pub fn seed(&self) -> [u8; SEED_BYTES] {
        self.seed.0
    }

    /// The other part.
    pub fn check(&self) -> [u8; CHECK_BYTES] {
        self.check.0
    }

    /// Reads an id. Whether it was ever given out, the index key tells.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let all = text.strip_prefix(PREFIX).and_then(bytes::decode).ok_or(Error)?;
        let (seed, check) = all.split_at_checked(SEED_BYTES).ok_or(Error)?;
        let seed = seed.try_into().map_err(|_| Error)?;
        Ok(Self::checked(seed, check.try_into().map_err(|_| Error)?))
    }
}

impl TryFrom<String> for FactorId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<FactorId> for String {
    fn from(id: FactorId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for FactorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both parts are whole groups of three bytes together: 24 bytes are 32 characters.
        write!(f, "{PREFIX}{}", bytes::encode(&[self.seed.0.as_slice(), &self.check.0].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;
    use crate::keys::IndexKey;

    #[test]
    fn an_id_reads_back_and_malformed_ones_are_refused() {
        let id = FactorId::checked([1; 16], [2; 8]);
        assert_eq!(FactorId::parse(&id.to_string()), Ok(id));
        assert_eq!(id.to_string().len(), 36);
        let text = id.to_string();
        for bad in ["", "fac_", "ord_AAAA", &text[..35], &format!("{text}A"), &text[4..], "fac_\u{e9}"] {
            assert_eq!(FactorId::parse(bad), Err(Error), "{bad}");
        }
    }

    #[test]
    fn an_id_is_known_to_its_key_and_tenant_only() {
        let (index, other) = (IndexKey::new([1; 32]), IndexKey::new([2; 32]));
        let [acme, bolt] = ["acme", "bolt"].map(|name| TenantId::parse(name).unwrap());
        let id = index.factor(&acme, [7; 16]);
        assert!(index.knows_factor(&acme, &id));
        assert!(!index.knows_factor(&bolt, &id) && !other.knows_factor(&acme, &id));
        for bit in 0..CHECK_BYTES * 8 {
            let mut check = id.check.0;
            check[bit / 8] ^= 1 << (bit % 8);
            assert!(!index.knows_factor(&acme, &FactorId::checked([7; 16], check)));
        }
    }
}
