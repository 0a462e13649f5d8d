//! One-time codes: made by rejection sampling, kept as a keyed hash, compared in constant time.

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::keys::Pepper;
use crate::time::UnixMs;

/// The shortest code: NIST SP 800-63B-4 section 3.1.3.2 asks for six, shorter ones are the operator's choice.
pub const DIGITS_MIN: u8 = 4;
/// The longest code.
pub const DIGITS_MAX: u8 = 10;

const LABEL: &[u8] = b"tiffin-code-v1";

/// Digits in clear, as text so that leading zeros stay. No `Debug`, wiped when dropped; it is serialised in
/// two places only: a guess on its way into the ledger, and the sealed part of a job.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(String);

/// A text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something other than 4–10 ASCII digits.
    #[error("a code is {DIGITS_MIN} to {DIGITS_MAX} digits")]
    Malformed,
    /// Every draw was refused: the source of randomness is broken.
    #[error("no usable randomness")]
    Randomness,
}

impl Code {
    /// Reads a guess.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let length_fits = (usize::from(DIGITS_MIN)..=usize::from(DIGITS_MAX)).contains(&text.len());
        if length_fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Malformed)
        }
    }

    /// A uniform code of `digits` digits. Draws that would favour the low codes are refused.
    pub fn sample(digits: u8, draws: impl IntoIterator<Item = u64>) -> Result<Self, Error> {
        let digits = digits.clamp(DIGITS_MIN, DIGITS_MAX);
        let codes = 10_u64.pow(u32::from(digits));
        // The largest multiple of `codes` that fits: draws at or above it would wrap unevenly.
        let fair_below = u64::MAX - u64::MAX % codes;
        let draw = draws.into_iter().find(|draw| *draw < fair_below).ok_or(Error::Randomness)?;
        Ok(Self(format!("{:0width$}", draw % codes, width = usize::from(digits))))
    }

    /// The digits, for the message text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0.clone()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Everything a code is bound to. A change of any field makes another digest.
pub struct Bound<'a> {
    /// Who ordered it.
    pub tenant: &'a TenantId,
    /// The order; it holds the keyed hash of the address, so the phone is bound too.
    pub order: &'a OrderId,
    /// What the code is for.
    pub service: &'a ServiceId,
    /// Hash of amount and payee (PSD2 RTS Art. 5), where the order has them.
    pub binding: Option<&'a Bytes<32>>,
    /// When it was made.
    pub issued_at: UnixMs,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// What is kept of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// Which pepper it was made with.
    pub pepper: KeyId,
    salt: Bytes<16>,
    tag: Bytes<32>,
}

impl Digest {
    /// HMAC-SHA256 under the pepper, over length-prefixed fields, salt and code.
    pub fn new(pepper: &Pepper, bound: &Bound<'_>, salt: [u8; 16], code: &Code) -> Self {
        let tag = tag(pepper, bound, &salt, code);
        Self { pepper: pepper.id().clone(), salt: Bytes(salt), tag: Bytes(tag) }
    }

    /// Compares in constant time.
    pub fn matches(&self, pepper: &Pepper, bound: &Bound<'_>, guess: &Code) -> bool {
        tag(pepper, bound, &self.salt.0, guess).ct_eq(&self.tag.0).into()
    }
}

impl Digest {
    /// The work of [`Digest::matches`] where there is nothing to match: time must not tell an order that is not there
    /// from one that is.
    pub fn waste(pepper: &Pepper, tenant: &TenantId, order: &OrderId, guess: &Code) {
        let (order, times, salt) = (order.to_string(), [0; 8], [0; 16]);
        let fields: [&[u8]; 10] = [
            LABEL,
            pepper.id().as_str().as_bytes(),
            tenant.as_str().as_bytes(),
            order.as_bytes(),
            tenant.as_str().as_bytes(),
            &[],
            &times,
            &times,
            &salt,
            guess.0.as_bytes(),
        ];
        let wasted = bytes::hmac_sha256(pepper.code_key().expose(), &fields);
        std::hint::black_box(wasted.ct_eq(&[0; 32]));
    }
}

fn tag(pepper: &Pepper, bound: &Bound<'_>, salt: &[u8; 16], code: &Code) -> [u8; 32] {
    bytes::hmac_sha256(
        pepper.code_key().expose(),
        &[
            LABEL,
            pepper.id().as_str().as_bytes(),
            bound.tenant.as_str().as_bytes(),
            bound.order.to_string().as_bytes(),
            bound.service.as_str().as_bytes(),
            bound.binding.map_or(&[], |hash| hash.0.as_slice()),
            &bound.issued_at.0.to_be_bytes(),
            &bound.expires_at.0.to_be_bytes(),
            salt,
            code.0.as_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_that_would_bias_the_code_are_refused() {
        let fair_below = u64::MAX - u64::MAX % 1_000_000;
        let code = Code::sample(6, [u64::MAX, fair_below, fair_below - 1]).unwrap();
        assert_eq!(code.expose(), "999999");
        assert_eq!(Code::sample(6, [u64::MAX; 16]).err(), Some(Error::Randomness));
        assert_eq!(Code::sample(6, []).err(), Some(Error::Randomness));
    }

    #[test]
    fn leading_zeros_stay() {
        for number in 0..1_000 {
            let code = Code::sample(6, [number]).unwrap();
            assert_eq!(code.expose(), format!("{number:06}"));
            assert_eq!(Code::parse(code.expose()).unwrap().expose(), code.expose());
        }
    }

    #[test]
    fn only_digits_are_codes() {
        for bad in ["", "123", "12345678901", "12a456", "１２３４５６", " 123456", "-12345"] {
            assert_eq!(Code::parse(bad).err(), Some(Error::Malformed), "{bad}");
        }
    }
}
