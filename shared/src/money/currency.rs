//! Currencies as ISO 4217 has them.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// The text is not three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters (ISO 4217), such as \"USD\"")]
pub struct InvalidCurrency;

impl Currency {
    /// Reads three capital letters. Whether a currency has this code is not checked.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        match text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z', third @ b'A'..=b'Z'] => {
                Ok(Self([*first, *second, *third]))
            }
            _ => Err(InvalidCurrency),
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;
    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_capital_letters_and_nothing_else() {
        assert_eq!(Currency::parse("USD").unwrap().as_str(), "USD");
        for other in ["", "US", "usd", "USDT", "US1", "ÄÖ"] {
            assert_eq!(Currency::parse(other), Err(InvalidCurrency), "{other}");
        }
    }
}
