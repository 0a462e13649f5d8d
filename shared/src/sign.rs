//! Signed requests between edge and core: Ed25519 over method, host-independent path, time, nonce and body hash.
//!
//! The direction is part of the label, so a request can never be reflected to its sender.

use crate::bytes;
use crate::id::KeyId;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::time::UnixMs;

/// How far the two clocks may be apart, in milliseconds.
pub const SKEW_MS_MAX: u64 = 60_000;
/// How long a nonce must be remembered: past this the timestamp alone refuses a replay.
pub const NONCE_MEMORY_MS: u64 = 3 * SKEW_MS_MAX;

/// Which key signed.
pub const KEY_HEADER: &str = "tiffin-key";
/// Unix time in milliseconds.
pub const TIMESTAMP_HEADER: &str = "tiffin-timestamp";
/// 16 random bytes, base64url, used once.
pub const NONCE_HEADER: &str = "tiffin-nonce";
/// `v1=` and 64 bytes in base64url.
pub const SIGNATURE_HEADER: &str = "tiffin-signature";

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Core's order events to the edge.
    CoreToEdge,
    /// The edge's jobs to core.
    EdgeToCore,
}

impl Direction {
    fn label(self) -> &'static [u8] {
        match self {
            Self::CoreToEdge => b"tiffin-core-v1",
            Self::EdgeToCore => b"tiffin-edge-v1",
        }
    }
}

/// A request is not from whom it should be. The caller hears only `unauthenticated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header is missing or malformed.
    #[error("signature headers missing or malformed")]
    Headers,
    /// The signature does not fit key, path, time, nonce and body.
    #[error("signature does not verify")]
    Signature,
    /// The clocks are more than [`SKEW_MS_MAX`] apart, or the request is old.
    #[error("timestamp outside of {SKEW_MS_MAX} ms")]
    Skew,
    /// No key of that name.
    #[error("signature does not verify")]
    UnknownKey,
}

/// What is signed, apart from key, time and nonce.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// Who speaks to whom.
    pub direction: Direction,
    /// Upper case: `POST`.
    pub method: &'a str,
    /// Path without host and query: `/internal/v1/jobs`.
    pub path: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// What a request's headers claim: that a known key signed it lately. Whether that is true, only the body tells.
pub struct Claim<'k> {
    key: &'k Verifying,
    key_id: KeyId,
    at: UnixMs,
    nonce: [u8; 16],
    signature: [u8; 64],
}

impl<'k> Claim<'k> {
    /// Reads the headers, before there is a body.
    pub fn read<'h>(
        keys: &'k Ring<Verifying>,
        header: impl Fn(&str) -> Option<&'h str>,
        now: UnixMs,
    ) -> Result<Self, Error> {
        let read = |name| header(name).ok_or(Error::Headers);
        let key_id = KeyId::parse(read(KEY_HEADER)?).map_err(|_| Error::Headers)?;
        let at = timestamp(read(TIMESTAMP_HEADER)?).ok_or(Error::Headers)?;
        let nonce = bytes::decode_array(read(NONCE_HEADER)?).ok_or(Error::Headers)?;
        let signature = read(SIGNATURE_HEADER)?.strip_prefix("v1=").and_then(bytes::decode_array);
        let signature = signature.ok_or(Error::Headers)?;
        // First, and then in the words of a wrong signature: a refusal must not tell which keys there are.
        if at.since(now).max(now.since(at)) > SKEW_MS_MAX {
            return Err(Error::Skew);
        }
        let key = keys.get(&key_id).ok_or(Error::UnknownKey)?;
        Ok(Self { key, key_id, at, nonce, signature })
    }
}

/// As it is signed, and in no other spelling: no sign, no leading zero.
fn timestamp(text: &str) -> Option<UnixMs> {
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|_| is_plain).map(UnixMs)
}

impl Signed<'_> {
    /// The headers to send along.
    pub fn headers(&self, key: &Signing, nonce: [u8; 16], now: UnixMs) -> [(&'static str, String); 4] {
        let signature = key.sign(&self.bytes(key.id(), now, &nonce));
        [
            (KEY_HEADER, key.id().to_string()),
            (TIMESTAMP_HEADER, now.0.to_string()),
            (NONCE_HEADER, bytes::encode(&nonce)),
            (SIGNATURE_HEADER, format!("v1={}", bytes::encode(&signature))),
        ]
    }

    /// Checks the headers, and returns the nonce, which the receiver must accept only once.
    pub fn verify<'h>(
        &self,
        keys: &Ring<Verifying>,
        header: impl Fn(&str) -> Option<&'h str>,
        now: UnixMs,
    ) -> Result<[u8; 16], Error> {
        let claim = Claim::read(keys, header, now)?;
        if !claim.key.verify(&self.bytes(&claim.key_id, claim.at, &claim.nonce), &claim.signature) {
            return Err(Error::Signature);
        }
        Ok(claim.nonce)
    }

    fn bytes(&self, key: &KeyId, at: UnixMs, nonce: &[u8; 16]) -> Vec<u8> {
        bytes::prefixed(&[
            self.direction.label(),
            key.as_str().as_bytes(),
            self.method.as_bytes(),
            self.path.as_bytes(),
            &at.0.to_be_bytes(),
            nonce,
            &bytes::sha256(self.body),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_082_400_000);

    fn key() -> Signing {
        Signing::new(&KeyId::parse("e1").unwrap(), [3; 32])
    }

    fn ring() -> Ring<Verifying> {
        let text = format!("e1:{}", bytes::encode(&key().public()));
        Ring::parse(&text, |_, key| Verifying::new(key)).unwrap()
    }

    fn signed(body: &[u8]) -> Signed<'_> {
        Signed { direction: Direction::EdgeToCore, method: "POST", path: "/internal/v1/jobs", body }
    }

    fn check(signed: Signed<'_>, headers: &[(&'static str, String)], now: UnixMs) -> Result<[u8; 16], Error> {
        let find = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        signed.verify(&ring(), find, now)
    }

    #[test]
    fn a_signed_request_verifies_within_the_skew() {
        let headers = signed(b"{}").headers(&key(), [7; 16], NOW);
        assert_eq!(check(signed(b"{}"), &headers, NOW), Ok([7; 16]));
        assert_eq!(check(signed(b"{}"), &headers, NOW.plus(SKEW_MS_MAX)), Ok([7; 16]));
        assert_eq!(check(signed(b"{}"), &headers, NOW.plus(SKEW_MS_MAX + 1)), Err(Error::Skew));
        assert_eq!(check(signed(b"{}"), &headers, NOW.minus(SKEW_MS_MAX + 1)), Err(Error::Skew));
    }

    #[test]
    fn any_change_is_refused() {
        let headers = signed(b"{}").headers(&key(), [7; 16], NOW);
        let altered = [
            Signed { body: b"{ }", ..signed(b"") },
            Signed { method: "PUT", ..signed(b"{}") },
            Signed { path: "/internal/v1/events", ..signed(b"{}") },
            Signed { direction: Direction::CoreToEdge, ..signed(b"{}") },
        ];
        for signed in altered {
            assert_eq!(check(signed, &headers, NOW), Err(Error::Signature));
        }
        for missing in 0..4 {
            let mut headers = headers.to_vec();
            headers.remove(missing);
            assert_eq!(check(signed(b"{}"), &headers, NOW), Err(Error::Headers));
        }
        let mut later = headers.clone();
        later[1].1 = NOW.plus(1).0.to_string();
        assert_eq!(check(signed(b"{}"), &later, NOW), Err(Error::Signature));
        let mut stranger = headers;
        stranger[0].1 = "e2".into();
        assert_eq!(check(signed(b"{}"), &stranger, NOW), Err(Error::UnknownKey));
    }

    #[test]
    fn a_time_has_one_spelling() {
        let headers = signed(b"{}").headers(&key(), [7; 16], NOW);
        for front in ["+", "0", "00", " "] {
            let mut altered = headers.clone();
            altered[1].1.insert_str(0, front);
            assert_eq!(check(signed(b"{}"), &altered, NOW), Err(Error::Headers), "{front:?}");
        }
    }
}
