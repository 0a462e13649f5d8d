//! What a mail server says, as data: its three digits and its enhanced status code.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits (RFC 5321, 4.2).
    pub code: u16,
    /// `5.1.1` (RFC 3463), where the server gives one (RFC 2034) of the same class.
    pub enhanced: Option<String>,
}

impl Reply {
    /// From the digits and the text behind them. The text itself is dropped: servers like to repeat the address in it.
    pub fn new(code: u16, text: &str) -> Self {
        let first = text.split_whitespace().next().filter(|word| is_enhanced(word));
        let enhanced = first.filter(|word| word.bytes().next() == class(code)).map(str::to_owned);
        Self { code, enhanced }
    }

    /// The refusal in an error of the connection; nothing where the server said nothing, or nothing that can be read.
    pub fn of_error(error: &Error) -> Option<Self> {
        let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        Some(Self::new(error.status()?.into(), &text))
    }

    /// What was answered.
    pub fn of(response: &Response) -> Self {
        Self::new(response.code().into(), response.first_line().unwrap_or_default())
    }
}

/// Class, subject and detail (RFC 3463, 2): `2`, `4` or `5`, and twice one to three digits.
pub fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let is_class = parts.next().is_some_and(|class| ["2", "4", "5"].contains(&class));
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    is_class && parts.clone().count() == 2 && parts.all(is_number)
}

fn class(code: u16) -> Option<u8> {
    code.to_string().bytes().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_read_where_they_are_meant() {
        let enhanced = |code, text| Reply::new(code, text).enhanced;
        assert_eq!(enhanced(550, "5.1.1 <user@mail.example>: no such user"), Some("5.1.1".into()));
        assert_eq!(enhanced(451, "4.7.1"), Some("4.7.1".into()));
        // Another class, too few or too many numbers, or none.
        for text in
            ["4.1.1 x", "5.1 x", "5.1.1.1 x", "5.1.1000", "5..1", "x 5.1.1", "", "192.0.2.1 is listed"]
        {
            assert_eq!(enhanced(550, text), None, "{text}");
        }
    }
}
