//! Countries as ISO 3166-1 alpha-2 has them.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Two capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// The text is not two capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters (ISO 3166-1), such as \"IN\"")]
pub struct Error;

impl Country {
    /// Reads two capital letters. Whether a country has this code is not checked.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => Ok(Self([*first, *second])),
            _ => Err(Error),
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Country {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_capital_letters_and_nothing_else() {
        assert_eq!(Country::parse("IN").unwrap().as_str(), "IN");
        for other in ["", "I", "in", "IND", "I1", "ÄÖ", "I N"] {
            assert_eq!(Country::parse(other), Err(Error), "{other}");
        }
    }
}
