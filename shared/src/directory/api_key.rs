//! API keys: their text, their digests, and what they are for.

use serde::Deserialize;
use serde::Serialize;

use super::Tenant;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::id::ServiceId;
use crate::id::TenantId;

/// A key's digest and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Its name, for logs and revocation.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it may be used.
    pub kind: KeyKind,
    /// [`key_digest`] of the key.
    pub digest: Bytes<32>,
    /// Pages that may use a publishable key, as `https://example.com`; empty for any, and for apps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// Services the key is for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceId>,
    /// Opens nothing any more, and keeps every core with an older list from bringing it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// Where a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// In apps and pages: replies tell a stranger nothing.
    Publishable,
    /// On servers.
    Secret,
}

impl KeyKind {
    /// What keys of this kind start with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "pk_",
            Self::Secret => "sk_",
        }
    }
}

/// A caller who showed a known key.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// Whose key it was.
    pub id: &'a TenantId,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// The key it showed.
    pub key: &'a ApiKey,
}

impl Caller<'_> {
    /// Whether the key is for this service.
    pub fn is_for(&self, service: &ServiceId) -> bool {
        self.key.services.is_empty() || self.key.services.contains(service)
    }
}

/// SHA-256 of an API key. A key holds 192 random bits, so a slow hash would add nothing.
pub fn key_digest(key: &str) -> Bytes<32> {
    Bytes(bytes::sha256(key.as_bytes()))
}

/// Writes a key: prefix, then 24 random bytes and a 4-byte checksum in base64url, so that a secret scanner
/// recognises one and a typing error is refused before any look-up.
pub fn write_key(kind: KeyKind, random: [u8; 24]) -> String {
    write_secret(kind.prefix(), random)
}

/// Writes a secret of the same form under another prefix.
pub fn write_secret(prefix: &str, random: [u8; 24]) -> String {
    let mut body = random.to_vec();
    body.extend(bytes::truncate::<4>(bytes::sha256(&random)));
    format!("{prefix}{}", bytes::encode(&body))
}

pub(super) fn is_key(text: &str) -> bool {
    let body =
        [KeyKind::Publishable, KeyKind::Secret].iter().find_map(|kind| text.strip_prefix(kind.prefix()));
    let Some(body) = body.and_then(bytes::decode_array::<28>) else { return false };
    let (random, checksum) = body.split_at(24);
    bytes::truncate::<4>(bytes::sha256(random)) == checksum
}
