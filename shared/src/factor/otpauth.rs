//! The `otpauth://` address that an authenticator app reads: Google's Key Uri Format.

use super::totp::Algorithm;
use super::totp::STEP_MS;
use super::totp::Seed;
use crate::directory::BRAND_CHARS_MAX;
use crate::time::SECOND_MS;

/// The longest issuer: as a brand in a message.
pub const ISSUER_CHARS_MAX: usize = BRAND_CHARS_MAX;
/// The longest account: most mailboxes, and as much as an app shows.
pub const ACCOUNT_CHARS_MAX: usize = 64;
/// The longest address: a QR code of 85 modules, which a phone still reads from a screen.
pub const URI_BYTES_MAX: usize = 600;

/// A label cannot be made. Each names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Empty, too long, or of other characters.
    #[error(
        "account must be 1 to {ACCOUNT_CHARS_MAX} printable characters without ':' or spaces at its ends"
    )]
    Account,
    /// Other than 6 and 8.
    #[error("digits must be 6 or 8")]
    Digits,
    /// Empty, too long, or of other characters.
    #[error("issuer must be 1 to {ISSUER_CHARS_MAX} printable characters without ':' or spaces at its ends")]
    Issuer,
    /// Each fits, together they do not.
    #[error(
        "issuer and account are too long together: percent-encoded the address must fit {URI_BYTES_MAX} bytes"
    )]
    Together,
}

/// What an app shows, and how it makes codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    account: String,
    issuer: String,
    algorithm: Algorithm,
    digits: u8,
}

impl Label {
    /// Checks the fields. Six digits are what every app shows; eight what most do; seven hardly any.
    pub fn new(account: &str, issuer: &str, algorithm: Algorithm, digits: u8) -> Result<Self, Error> {
        if !fits(account, ACCOUNT_CHARS_MAX) {
            return Err(Error::Account);
        }
        if !fits(issuer, ISSUER_CHARS_MAX) {
            return Err(Error::Issuer);
        }
        if digits != 6 && digits != 8 {
            return Err(Error::Digits);
        }
        let label = Self { account: account.to_owned(), issuer: issuer.to_owned(), algorithm, digits };
        let longest_seed = Seed::new(&[0; 64]);
        if label.uri(&longest_seed).len() > URI_BYTES_MAX { Err(Error::Together) } else { Ok(label) }
    }

    /// Whom the app names.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// For whom the app makes codes.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How codes are made.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How long codes are.
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// The address. Defaults are written out: an app with other ones still makes the right codes.
    pub fn uri(&self, seed: &Seed) -> String {
        let (issuer, account) = (percent(&self.issuer), percent(&self.account));
        let (secret, algorithm) = (base32(seed.expose()), self.algorithm.as_str());
        let (digits, period) = (self.digits, STEP_MS / SECOND_MS);
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm={algorithm}\
             &digits={digits}&period={period}"
        )
    }
}

fn fits(text: &str, chars_max: usize) -> bool {
    // The colon parts issuer from account.
    let is_shown = |c: char| !c.is_control() && c != ':';
    (1..=chars_max).contains(&text.chars().count()) && text.trim() == text && text.chars().all(is_shown)
}

/// RFC 3986 section 2.1: all but the unreserved characters. A space is `%20`; apps do not read `+`.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 0x0f].map(|half| digit(b"0123456789ABCDEF", half)));
        }
    }
    out
}

/// RFC 4648 section 6, without padding, as the format asks.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let group =
            (0..5).fold(0_u64, |group, at| (group << 8) | u64::from(chunk.get(at).copied().unwrap_or(0)));
        let length = (chunk.len() * 8).div_ceil(5);
        let shifts = [35, 30, 25, 20, 15, 10, 5, 0].into_iter().take(length);
        let five_bits = |shift: u32| u8::try_from((group >> shift) & 0x1f).unwrap_or(0);
        out.extend(shifts.map(|shift| digit(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", five_bits(shift))));
    }
    out
}

fn digit(alphabet: &[u8], value: u8) -> char {
    alphabet.get(usize::from(value)).copied().map_or('?', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(account: &str, issuer: &str) -> Result<Label, Error> {
        Label::new(account, issuer, Algorithm::Sha1, 6)
    }

    #[test]
    fn base32_is_as_rfc_4648_has_it_without_padding() {
        let table = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (text, expected) in table {
            assert_eq!(base32(text.as_bytes()), expected);
        }
    }

    #[test]
    fn the_address_is_as_the_format_has_it() {
        let uri = label("alice@example.com", "Big Co").unwrap().uri(&Seed::new(b"Hello!\xde\xad\xbe\xef"));
        let expected = "otpauth://totp/Big%20Co:alice%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Big%20Co\
                        &algorithm=SHA1&digits=6&period=30";
        assert_eq!(uri, expected);
    }

    #[test]
    fn nothing_in_a_name_reaches_the_structure_of_the_address() {
        let name = "a&secret=A?#/%+ é";
        let uri = label(name, "b&issuer=x").unwrap().uri(&Seed::new(&[0; 20]));
        assert!(
            uri.starts_with("otpauth://totp/b%26issuer%3Dx:a%26secret%3DA%3F%23%2F%25%2B%20%C3%A9?secret=")
        );
        assert_eq!((uri.matches('&').count(), uri.matches('?').count()), (4, 1));
    }

    #[test]
    fn names_are_short_printable_and_without_a_colon() {
        for bad in ["", " ", "a ", " a", "a:b", "a\nb", "\u{7f}", &"a".repeat(65)] {
            assert_eq!(label(bad, "Shop"), Err(Error::Account), "{bad:?}");
            assert_eq!(label("a", bad), Err(Error::Issuer), "{bad:?}");
        }
        assert_eq!(label("a", &"a".repeat(31)), Err(Error::Issuer));
        assert!(label(&"a".repeat(64), &"a".repeat(30)).is_ok());
        assert!(label("a", &"ह".repeat(21)).is_ok());
        assert_eq!(label(&"ह".repeat(64), "Shop"), Err(Error::Together));
        for digits in [0, 5, 7, 9, 255] {
            assert_eq!(Label::new("a", "b", Algorithm::Sha1, digits), Err(Error::Digits));
        }
    }
}
