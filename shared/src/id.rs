//! Names that are checked when they are made.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::bytes;
use crate::json;

/// The longest name of a tenant, service, gateway or key.
pub const NAME_CHARS_MAX: usize = 40;

/// A name is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 1–40 of `a-z 0-9 - _`, starting with a letter or digit.
    #[error("{0} must be 1 to {NAME_CHARS_MAX} of a-z, 0-9, '-' and '_', starting with a letter or digit")]
    Name(&'static str),
    /// Not an order id.
    #[error("not an order id")]
    Order,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the alphabet and the length.
            pub fn parse(text: &str) -> Result<Self, Error> {
                if is_name(text) { Ok(Self(text.to_owned())) } else { Err(Error::Name($what)) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                json::parsed(deserializer, Self::parse)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Where a tenant is told what happens, as the operator named it within the tenant: `main`.
    EndpointId, "an endpoint name"
}
name! {
    /// A provider account that messages go out through, as the operator named it: `twilio-sms`.
    GatewayId, "a gateway name"
}
name! {
    /// The name of a key within its ring.
    KeyId, "a key id"
}
name! {
    /// Somebody who runs this installation: `ann`.
    OperatorId, "an operator's name"
}
name! {
    /// What a code is for, as the tenant named it: `login`.
    ServiceId, "a service name"
}
name! {
    /// A customer of this installation.
    TenantId, "a tenant name"
}

fn is_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    text.len() <= NAME_CHARS_MAX
        && text.bytes().all(allowed)
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// Bytes of a ledger's name that tell addresses apart: 88 bits, so that a billion phones share none.
pub const LEDGER_HASH_BYTES: usize = 11;
/// Bytes of a ledger's name that prove who made it: 40 bits, each guess at which is a request.
pub const LEDGER_CHECK_BYTES: usize = 5;

/// The keyed hash of an address, and a check that only the key's holder can make: names the ledger of a phone without
/// telling the phone. 128 bits, base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LedgerId(bytes::Bytes<16>);

impl LedgerId {
    /// Wraps the hash.
    pub fn new(hash: [u8; 16]) -> Self {
        Self(bytes::Bytes(hash))
    }

    /// From its two parts; see [`crate::keys::IndexKey`].
    pub fn checked(hash: [u8; LEDGER_HASH_BYTES], check: [u8; LEDGER_CHECK_BYTES]) -> Self {
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(hash.into_iter().chain(check)) {
            *to = from;
        }
        Self::new(name)
    }

    /// Both parts.
    pub fn bytes(&self) -> [u8; 16] {
        self.0.0
    }

    /// The part without the check.
    pub fn hash(&self) -> [u8; LEDGER_HASH_BYTES] {
        let mut hash = [0; LEDGER_HASH_BYTES];
        for (to, from) in hash.iter_mut().zip(self.0.0) {
            *to = from;
        }
        hash
    }

    /// Which of `partitions` this ledger's jobs go through.
    pub fn partition(&self, partitions: u16) -> u16 {
        let hash = u128::from_be_bytes(self.0.0) % u128::from(partitions.max(1));
        u16::try_from(hash).unwrap_or(0)
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bytes::encode(&self.0.0))
    }
}

/// `ord_` and 43 characters: 128 random bits, then the [`LedgerId`], so that any id finds its ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId([u8; 32]);

const ORDER_PREFIX: &str = "ord_";

impl OrderId {
    /// A new id in `ledger`.
    pub fn new(random: [u8; 16], ledger: LedgerId) -> Self {
        let mut id = [0; 32];
        for (to, from) in id.iter_mut().zip(random.into_iter().chain(ledger.0.0)) {
            *to = from;
        }
        Self(id)
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(ORDER_PREFIX).ok_or(Error::Order)?;
        bytes::decode_array(rest).map(Self).ok_or(Error::Order)
    }

    /// The ledger that keeps this order.
    pub fn ledger(&self) -> LedgerId {
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(self.0.into_iter().skip(16)) {
            *to = from;
        }
        LedgerId::new(hash)
    }
}

impl Serialize for OrderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for OrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer, Self::parse)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ORDER_PREFIX)?;
        f.write_str(&bytes::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_finds_its_ledger() {
        let ledger = LedgerId::new([9; 16]);
        let id = OrderId::new([1; 16], ledger);
        assert_eq!(OrderId::parse(&id.to_string()), Ok(id.clone()));
        assert_eq!(id.ledger(), ledger);
        assert_eq!(id.to_string().len(), 47);
    }

    #[test]
    fn malformed_ids_and_names_are_refused() {
        for bad in ["", "ord_", "ord_AAAA", "xyz", "ord_\u{e9}"] {
            assert_eq!(OrderId::parse(bad), Err(Error::Order));
        }
        for bad in ["", "A", "-a", "a b", "ünder", &"a".repeat(41)] {
            assert!(TenantId::parse(bad).is_err(), "{bad}");
        }
        assert!(TenantId::parse("shop-2_eu").is_ok());
    }

    #[test]
    fn partitions_are_in_range_and_used() {
        let mut seen = [false; 8];
        for first in 0..=255 {
            let mut hash = [0; 16];
            hash[15] = first;
            seen[usize::from(LedgerId::new(hash).partition(8))] = true;
        }
        assert_eq!(seen, [true; 8]);
        assert_eq!(LedgerId::new([3; 16]).partition(0), 0);
    }
}
