//! What a payment code approves: amount, currency and payee (PSD2 RTS (EU) 2018/389, Art. 5).

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::bytes::Bytes;

/// The longest payee shown to the payer.
pub const PAYEE_CHARS_MAX: usize = 60;
/// The longest run of digits in a payee: enough for a year or a shop's number, too short for a phone's.
pub const PAYEE_DIGITS_MAX: usize = 4;
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

/// The transaction a code is for: it becomes part of the code's digest and of the message.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Binding"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Unchecked {
    /// A decimal number as text: `499.00`.
    #[cfg_attr(feature = "openapi", schemars(length(max = AMOUNT_CHARS_MAX), regex(pattern = r"^[0-9]+(\.[0-9]+)?$")))]
    amount: String,
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = "^[A-Z]{3}$")))]
    currency: String,
    /// Letters, digits, spaces and `.,'&()-`, without addresses or numbers of more than 4 digits.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = PAYEE_CHARS_MAX)))]
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
    /// Empty, too long, or able to hold an address or a phone number.
    #[error(
        "binding.payee must be 1 to {PAYEE_CHARS_MAX} letters, digits, spaces and .,'&()-, without addresses or numbers of more than {PAYEE_DIGITS_MAX} digits"
    )]
    Payee,
}

impl Binding {
    /// SHA-256 over the length-prefixed fields.
    pub fn hash(&self) -> Bytes<32> {
        let fields = [self.amount.as_bytes(), self.currency.as_bytes(), self.payee.as_bytes()];
        Bytes(bytes::sha256(&bytes::prefixed(&fields)))
    }

    /// Whether all of it is ASCII, and so of the alphabet that text messages take most of.
    pub fn is_ascii(&self) -> bool {
        self.payee.is_ascii()
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
        if !is_payee(&payee) {
            return Err(Error::Payee);
        }
        Ok(Self { amount, currency, payee })
    }
}

/// A name, and nothing that a reader could follow or call: it stands in a message that people trust.
fn is_payee(text: &str) -> bool {
    let count = text.chars().count();
    let allowed = |char: char| match char {
        _ if char.is_ascii() => char.is_ascii_alphanumeric() || " .,'&()-".contains(char),
        // Marks that look like those of an address: general punctuation, full-width forms.
        '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' => false,
        _ => !char.is_control() && !char.is_whitespace(),
    };
    let longest_number = text.split(|char: char| !char.is_numeric()).map(|run| run.chars().count()).max();
    // "shop.example" is an address, "St. Mary" is not.
    let dotted = text.split('.').skip(1).any(|after| after.starts_with(char::is_alphanumeric));
    (1..=PAYEE_CHARS_MAX).contains(&count)
        && text.chars().all(allowed)
        && longest_number.unwrap_or(0) <= PAYEE_DIGITS_MAX
        && !dotted
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
        for payee in [
            "",
            "a\nb",
            "evil.example",
            "http://x",
            "a@b",
            "call 19995550",
            "x #1",
            "evil．example",
            &"a".repeat(61),
        ] {
            assert_eq!(parse("1", "INR", payee), Err(Error::Payee), "{payee}");
        }
        for payee in ["St. Mary's (2026)", "Müller & Söhne", "दर्ज़ी"] {
            assert!(parse("1", "INR", payee).is_ok(), "{payee}");
        }
    }

    #[test]
    fn a_changed_amount_or_payee_changes_the_hash() {
        let hash = |amount, payee| parse(amount, "INR", payee).unwrap().hash();
        assert_ne!(hash("499.00", "Shop"), hash("499.01", "Shop"));
        assert_ne!(hash("499.00", "Shop"), hash("499.00", "Shop2"));
    }
}
