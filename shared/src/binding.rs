//! What a payment code approves: amount, currency and payee (PSD2 RTS (EU) 2018/389, Art. 5).

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::bytes::Bytes;

/// The longest payee shown to the payer.
pub const PAYEE_CHARS_MAX: usize = 60;
/// The longest amount, as text.
pub const AMOUNT_CHARS_MAX: usize = 20;

/// The transaction a code is for. It is part of the digest and of the message text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Binding {
    amount: String,
    currency: String,
    payee: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    amount: String,
    currency: String,
    payee: String,
}

/// Why a binding is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not digits with at most one decimal point.
    #[error("binding.amount must be a decimal number as text, such as \"499.00\"")]
    Amount,
    /// Not an ISO 4217 code.
    #[error("binding.currency must be three capital letters, such as \"INR\"")]
    Currency,
    /// Empty, too long, or with control characters or line breaks.
    #[error("binding.payee must be 1 to {PAYEE_CHARS_MAX} printable characters")]
    Payee,
}

impl Binding {
    /// SHA-256 over the length-prefixed fields.
    pub fn hash(&self) -> Bytes<32> {
        let fields = [self.amount.as_bytes(), self.currency.as_bytes(), self.payee.as_bytes()];
        Bytes(bytes::sha256(&bytes::prefixed(&fields)))
    }

    /// `499.00 INR to Shop`, for the message text.
    pub fn phrase(&self) -> String {
        format!("{} {} to {}", self.amount, self.currency, self.payee)
    }
}

impl TryFrom<Unchecked> for Binding {
    type Error = Error;

    fn try_from(Unchecked { amount, currency, payee }: Unchecked) -> Result<Self, Error> {
        let (whole, fraction) = amount.split_once('.').unwrap_or((&amount, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if amount.len() > AMOUNT_CHARS_MAX || !is_number(whole) || !is_number(fraction) {
            return Err(Error::Amount);
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Error::Currency);
        }
        let payee_chars = payee.chars().count();
        if payee_chars == 0 || payee_chars > PAYEE_CHARS_MAX || payee.chars().any(char::is_control) {
            return Err(Error::Payee);
        }
        Ok(Self { amount, currency, payee })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(amount: &str, currency: &str, payee: &str) -> Result<Binding, Error> {
        Unchecked { amount: amount.into(), currency: currency.into(), payee: payee.into() }.try_into()
    }

    #[test]
    fn fields_are_checked() {
        assert!(parse("499.00", "INR", "Shop").is_ok());
        for amount in ["", ".", "4,99", "-1", "1.", "1.2.3", "1e9"] {
            assert_eq!(parse(amount, "INR", "Shop"), Err(Error::Amount), "{amount}");
        }
        assert_eq!(parse("1", "inr", "Shop"), Err(Error::Currency));
        assert_eq!(parse("1", "INR", "a\nb"), Err(Error::Payee));
    }

    #[test]
    fn a_changed_amount_or_payee_changes_the_hash() {
        let hash = |amount, payee| parse(amount, "INR", payee).unwrap().hash();
        assert_ne!(hash("499.00", "Shop"), hash("499.01", "Shop"));
        assert_ne!(hash("499.00", "Shop"), hash("499.00", "Shop2"));
    }
}
