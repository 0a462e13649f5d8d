//! Phone numbers: strict E.164 in, masked out.

mod class;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroize;

pub use class::Class;
pub use class::Kind;
pub use class::classify;
pub use class::metadata_version;
pub use class::table;

/// Digits of the shortest number accepted: the shortest in use are seven digits with their country code.
const DIGITS_MIN: usize = 7;
/// ITU-T E.164 section 6: at most 15 digits.
const DIGITS_MAX: usize = 15;
/// How many leading and trailing characters a masked number shows.
const SHOWN_HEAD: usize = 3;
const SHOWN_TAIL: usize = 4;
/// Digits that tell the numbers of one range apart: ranges are handed out, and pumped, by the ten thousand.
const RANGE_DIGITS: usize = 4;

/// Why a text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A character other than the leading `+` and digits.
    #[error("a phone number is '+' and digits only, without spaces or punctuation")]
    Character,
    /// Country codes never start with 0.
    #[error("a country code cannot start with 0")]
    CountryCode,
    /// More than 15 or fewer than 7 digits.
    #[error("a phone number has {DIGITS_MIN} to {DIGITS_MAX} digits")]
    Length,
    /// A national number.
    #[error("a phone number starts with '+' and the country code: +919876543210")]
    Plus,
}

/// An E.164 number: `+` and 7–15 digits. Printing it shows the mask.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
#[serde(into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a number in E.164 form, strictly: one spelling per number, so that no spelling has a bucket of its own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix('+').ok_or(Error::Plus)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::Character);
        }
        if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) {
            return Err(Error::Length);
        }
        if digits.starts_with('0') {
            return Err(Error::CountryCode);
        }
        Ok(Self(text.to_owned()))
    }

    /// The full number, for hashing and for the provider's request. Never for a log, store or URL.
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// `+91••••••3210`.
    pub fn masked(&self) -> String {
        let hidden_to = self.0.len().saturating_sub(SHOWN_TAIL);
        let mask = |(at, char): (usize, char)| if at < SHOWN_HEAD || at >= hidden_to { char } else { '•' };
        self.0.chars().enumerate().map(mask).collect()
    }
}

/// The range a number is in: E.164 without its last 4 digits, `+91987654`. A name to be hashed, never to be stored or shown.
pub fn prefix(phone: &Phone) -> &str {
    let digits = phone.e164();
    digits.get(..digits.len().saturating_sub(RANGE_DIGITS)).unwrap_or_default()
}

impl TryFrom<String> for Phone {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0.clone()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_a_number_is_accepted() {
        let cases = [
            ("9876543210", Error::Plus),
            ("00919876543210", Error::Plus),
            ("+91 98765 43210", Error::Character),
            ("+91-9876543210", Error::Character),
            ("+9198765abc10", Error::Character),
            ("+९१९८७६५४३२१०", Error::Character),
            ("+919876543210;ext=1", Error::Character),
            ("+0919876543210", Error::CountryCode),
            ("+1234567890123456", Error::Length),
            ("+123456", Error::Length),
            ("+", Error::Length),
        ];
        for (text, error) in cases {
            assert_eq!(Phone::parse(text), Err(error), "{text}");
        }
        assert!(Phone::parse("+919876543210").is_ok());
    }

    #[test]
    fn printing_a_number_shows_its_mask() {
        let phone = Phone::parse("+919876543210").unwrap();
        assert_eq!(phone.to_string(), "+91••••••3210");
        assert_eq!(format!("{phone:?}"), "+91••••••3210");
        assert_eq!(Phone::parse("+1234567").unwrap().masked(), "+12•4567");
    }

    #[test]
    fn ten_thousand_neighbours_share_a_prefix() {
        let prefix_of = |text| prefix(&Phone::parse(text).unwrap()).to_owned();
        assert_eq!(prefix_of("+919876543210"), "+91987654");
        assert_eq!(prefix_of("+919876549999"), "+91987654");
        assert_eq!(prefix_of("+919876553210"), "+91987655");
        assert_eq!(prefix_of("+1234567"), "+123");
    }
}
