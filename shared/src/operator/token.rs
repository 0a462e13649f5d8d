//! Tokens that open something to people and programs of the installation: written once, kept as digests.

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::bytes;
use crate::bytes::Bytes;
use crate::directory::write_secret;

/// What an operator's token starts with.
const TOKEN_PREFIX: &str = "op_";

/// SHA-256 of a token. It holds 192 random bits or more, so a slow hash would add nothing. Two are compared in constant time.
#[derive(Clone, Copy, Debug, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenDigest(Bytes<32>);

impl TokenDigest {
    /// Of this token.
    pub fn of(token: &str) -> Self {
        Self(Bytes(bytes::sha256(token.as_bytes())))
    }

    /// Its start: tells tokens apart, and opens nothing.
    pub fn id(&self) -> String {
        bytes::encode(&bytes::truncate::<6>(self.0.0))
    }

    /// As the key of a hash that who holds the token can make again.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.0.ct_eq(&other.0.0).into()
    }
}

/// Writes a token: 192 random bits and a checksum, so that secret scanners recognise it.
pub fn write_token(random: [u8; 24]) -> String {
    write_secret(TOKEN_PREFIX, random)
}
