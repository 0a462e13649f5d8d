//! The last line of a message, by which phones and browsers fill in the code, and only where it belongs.
//!
//! `@host #code` is the origin-bound format (WICG, "Origin-bound one-time codes delivered via SMS"): a browser offers the
//! code on that host alone, so a look-alike page gets none. An app's hash behind it is Android's SMS Retriever; browsers
//! ignore what follows the code unless it starts with `@`.

use serde::Deserialize;
use serde::Serialize;

use crate::code::Code;

/// The longest host: it shares one SMS with the sentence, and a shorter name of the same site does as well.
pub const HOST_CHARS_MAX: usize = 60;
/// The longest part of a host between two dots (RFC 1035 section 2.3.4).
pub const LABEL_CHARS_MAX: usize = 63;
/// Characters of an app's hash: Android takes no other length.
pub const ANDROID_HASH_CHARS: usize = 11;

/// Who may fill in a service's codes. Not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autofill {
    /// The site where the code is typed: `example.com`. Always https, without a port.
    pub host: String,
    /// The site of the frame it is typed in, where that is another: `pay.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded_host: Option<String>,
    /// What Android computes of an app's package and signing certificate: 11 characters of base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub android_hash: Option<String>,
}

impl Autofill {
    /// `@example.com #123456`, with frame and app where there are such.
    pub fn line(&self, code: &Code) -> String {
        let mut line = format!("@{} #{}", self.host, code.expose());
        if let Some(host) = &self.embedded_host {
            line.push_str(" @");
            line.push_str(host);
        }
        // Last: Android looks for it at the very end.
        if let Some(hash) = &self.android_hash {
            line.push(' ');
            line.push_str(hash);
        }
        line
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !is_host(&self.host) {
            return Err(
                "autofill.host: must be a domain in lower case such as \"example.com\", at most 60 characters",
            );
        }
        if !self.embedded_host.as_deref().is_none_or(is_host) {
            return Err(
                "autofill.embedded_host: must be a domain in lower case such as \"pay.example\", at most 60 characters",
            );
        }
        if !self.android_hash.as_deref().is_none_or(is_android_hash) {
            return Err(
                "autofill.android_hash: must be the 11 base64 characters that Android derives of the app",
            );
        }
        Ok(())
    }
}

/// Letters, digits and hyphens in two labels or more (RFC 1123 section 2.1), as a browser writes them: lower case,
/// international names as `xn--`. A numeric last label would make it an IPv4 address (WHATWG URL, "ends in a number").
fn is_host(text: &str) -> bool {
    let is_letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|byte| is_letter_or_digit(byte) || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= HOST_CHARS_MAX
        && text.split('.').all(is_label)
        && text.rsplit_once('.').is_some_and(|(_, last)| last.starts_with(|c: char| c.is_ascii_lowercase()))
}

fn is_android_hash(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len() == ANDROID_HASH_CHARS && text.bytes().all(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn autofill() -> Autofill {
        Autofill { host: "example.com".into(), embedded_host: None, android_hash: None }
    }

    #[test]
    fn only_domains_are_hosts() {
        let longest = format!("{}.example", "a".repeat(HOST_CHARS_MAX - ".example".len()));
        for good in ["example.com", "a.b-c.example", "xn--mgbh0fb.example", "1.example", &longest] {
            assert!(is_host(good), "{good}");
        }
        let longer = format!("a{longest}");
        let bad = [
            "",
            ".",
            "localhost",
            "example.",
            ".example",
            "a..example",
            "-a.example",
            "a-.example",
            "Example.com",
            "https://example.com",
            "example.com:8443",
            "example.com/",
            "a b.example",
            "a\n.example",
            "a_b.example",
            "bücher.example",
            "127.0.0.1",
            "example.1",
            "example.0x1",
            "@example.com",
            "a#.example",
            &longer,
        ];
        for bad in bad {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn unusable_settings_are_refused_by_their_key() {
        assert_eq!(autofill().check(), Ok(()));
        let cases = [
            ("autofill.host:", Autofill { host: "example".into(), ..autofill() }),
            ("autofill.embedded_host:", Autofill { embedded_host: Some("a b".into()), ..autofill() }),
            ("autofill.android_hash:", Autofill { android_hash: Some("FA+9qCX9VS".into()), ..autofill() }),
            ("autofill.android_hash:", Autofill { android_hash: Some("FA+9qCX9VSuu".into()), ..autofill() }),
            ("autofill.android_hash:", Autofill { android_hash: Some("FA-9qCX9VSu".into()), ..autofill() }),
        ];
        for (key, autofill) in cases {
            assert!(autofill.check().unwrap_err().starts_with(key), "{autofill:?}");
        }
    }

    #[test]
    fn frame_and_app_follow_the_code() {
        let code = Code::parse("012345").unwrap();
        let mut autofill = autofill();
        assert_eq!(autofill.line(&code), "@example.com #012345");
        autofill.android_hash = Some("FA+9qCX9VSu".into());
        assert_eq!(autofill.line(&code), "@example.com #012345 FA+9qCX9VSu");
        autofill.embedded_host = Some("pay.example".into());
        assert_eq!(autofill.line(&code), "@example.com #012345 @pay.example FA+9qCX9VSu");
    }
}
