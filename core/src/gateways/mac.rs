//! HMAC (RFC 2104), as providers sign with it.

use hmac::KeyInit;

/// Begins a code under a key of any length.
pub fn begin<M: KeyInit>(key: &[u8]) -> M {
    #[expect(clippy::expect_used, reason = "HMAC hashes a long key and pads a short one, so none is refused")]
    M::new_from_slice(key).expect("HMAC takes a key of any length")
}
