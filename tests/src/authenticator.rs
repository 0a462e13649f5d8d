//! What an authenticator app reads out of an `otpauth://` address.

use anyhow::Context;
use tiffin_shared::factor::totp::Seed;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The secret in the address, from base32 (RFC 4648 section 6).
pub fn seed(uri: &str) -> anyhow::Result<Seed> {
    let secret = uri.split(['?', '&']).find_map(|part| part.strip_prefix("secret=")).context("no secret")?;
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in secret.bytes() {
        let value = BASE32.iter().position(|known| *known == letter);
        bits = (bits << 5) | u32::try_from(value.context("not base32")?)?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff)?);
        }
    }
    Ok(Seed::new(&bytes))
}
