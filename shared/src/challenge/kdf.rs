//! HMAC over plain bytes and PBKDF2, as ALTCHA uses them: no length prefixes, unlike [`crate::bytes`].

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

/// What one block of PBKDF2 with SHA-256 yields.
pub(super) const BLOCK_BYTES: usize = 32;

/// PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2), the first block. The key is set up once for all rounds.
pub(super) fn pbkdf2(password: &[u8], salt: &[u8], rounds: u32) -> [u8; BLOCK_BYTES] {
    let keyed = keyed(password);
    let hash = |parts: [&[u8]; 2]| -> [u8; BLOCK_BYTES] {
        let mut mac = keyed.clone();
        parts.into_iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    };
    let mut round = hash([salt, &1_u32.to_be_bytes()]);
    let mut out = round;
    for _ in 1..rounds {
        round = hash([&round, &[]]);
        out.iter_mut().zip(round).for_each(|(to, from)| *to ^= from);
    }
    out
}

/// HMAC-SHA256 (RFC 2104).
pub(super) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::hex;

    /// RFC 7914 section 11 (its first 32 of 64 bytes), and the widely used vectors of RFC 6070 under SHA-256.
    #[test]
    fn pbkdf2_agrees_with_published_vectors() {
        let cases = [
            ("passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
            ("password", "salt", 2, "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43"),
            ("password", "salt", 4096, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
        ];
        for (password, salt, rounds, key) in cases {
            assert_eq!(hex::encode(&pbkdf2(password.as_bytes(), salt.as_bytes(), rounds)), key);
        }
    }
}
