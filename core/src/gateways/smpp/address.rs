//! Addresses with their type of number and numbering plan: SMPP 3.4, 5.2.5 and 5.2.6.

use rusmpp::types::COctetString;
use rusmpp::values::Npi;
use rusmpp::values::Ton;
use tiffin_shared::phone::Phone;

/// GSM 03.40, 9.1.2.5: seven octets of seven bits.
const ALPHANUMERIC_CHARS_MAX: usize = 11;
/// Short codes have three to eight digits; what is longer is a number.
const SHORT_CODE_DIGITS_MAX: usize = 8;
/// SMPP 3.4, 5.2.8: 21 octets with the closing one.
const ADDRESS_CHARS_MAX: usize = 20;

/// The sender cannot be written as an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a sender is an E.164 number with '+', a short code of up to {SHORT_CODE_DIGITS_MAX} digits, or up to \
     {ALPHANUMERIC_CHARS_MAX} letters and digits"
)]
pub struct InvalidAddress;

/// An address. No `Debug`: it may be a subscriber's number.
#[derive(Clone)]
pub struct Address {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// Without a `+`.
    pub text: COctetString<1, 21>,
}

impl Address {
    /// International, without its `+`.
    pub fn phone(phone: &Phone) -> Result<Self, InvalidAddress> {
        Self::international(phone.e164().trim_start_matches('+'))
    }

    /// As its form says: `+…` international, few digits a short code of the network, the rest alphanumeric.
    pub fn sender(text: &str) -> Result<Self, InvalidAddress> {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.strip_prefix('+') {
            Some(digits) if is_digits(digits) => Self::international(digits),
            None if is_digits(text) && text.len() <= SHORT_CODE_DIGITS_MAX => {
                Self::new(Ton::NetworkSpecific, Npi::Unknown, text)
            }
            None if is_digits(text) => Self::international(text),
            None if (1..=ALPHANUMERIC_CHARS_MAX).contains(&text.len()) && text.is_ascii() => {
                Self::new(Ton::Alphanumeric, Npi::Unknown, text)
            }
            _ => Err(InvalidAddress),
        }
    }

    /// No address: the SMSC puts the account's own in its place.
    pub fn none() -> Self {
        Self { ton: Ton::Unknown, npi: Npi::Unknown, text: COctetString::null() }
    }

    fn international(digits: &str) -> Result<Self, InvalidAddress> {
        Self::new(Ton::International, Npi::Isdn, digits)
    }

    fn new(ton: Ton, npi: Npi, text: &str) -> Result<Self, InvalidAddress> {
        if text.len() > ADDRESS_CHARS_MAX {
            return Err(InvalidAddress);
        }
        Ok(Self { ton, npi, text: text.parse().map_err(|_invalid| InvalidAddress)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_sender_says_its_type_of_number() {
        let cases = [
            ("+15005550006", Some((1, 1, "15005550006"))),
            ("15005550006", Some((1, 1, "15005550006"))),
            ("56161", Some((3, 0, "56161"))),
            ("ACME", Some((5, 0, "ACME"))),
            ("VM-ACMEIN", Some((5, 0, "VM-ACMEIN"))),
            ("ACME-LIMITED", None),
            ("+", None),
            ("", None),
            ("123456789012345678901", None),
        ];
        for (text, wanted) in cases {
            let address = Address::sender(text).ok();
            let seen = address
                .as_ref()
                .map(|address| (u8::from(address.ton), u8::from(address.npi), address.text.as_str()));
            assert_eq!(seen, wanted, "{text}");
        }
    }
}
