//! Which addresses an endpoint may have: https, a name, nothing that hides where it leads.

use std::net::IpAddr;

use reqwest::Url;

/// The longest address.
const URL_BYTES_MAX: usize = 2_048;
/// Names that lead nowhere on the public internet (RFC 6761, 6762, 8375, 9476, and what clouds and routers use).
const PRIVATE_SUFFIXES: [&str; 10] =
    ["alt", "corp", "home", "home.arpa", "internal", "invalid", "lan", "local", "localdomain", "localhost"];

/// An address that nothing is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Does not parse, or is too long.
    #[error("must be an address of at most {URL_BYTES_MAX} bytes, such as https://example.com/tiffin")]
    Malformed,
    /// Not https.
    #[error("must begin with https://")]
    Scheme,
    /// `user:password@`, or a fragment.
    #[error("must have no user name, password or fragment")]
    Parts,
    /// A number in place of a name.
    #[error("must have a host name, not an IP address in whatever form")]
    Literal,
    /// A name that is none on the public internet.
    #[error("must have a host name of the public internet")]
    Name,
}

/// The address as it will be called. `to_loopback` allows `http://` to this machine too.
pub fn check(text: &str, to_loopback: bool) -> Result<Url, Refused> {
    // The parser forgives blanks, tabs and backslashes; who writes such an address hides something.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if text.len() > URL_BYTES_MAX || !text.bytes().all(is_plain) {
        return Err(Refused::Malformed);
    }
    let url = Url::parse(text).map_err(|_| Refused::Malformed)?;
    let host = url.host_str().ok_or(Refused::Malformed)?;
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    if !url.username().is_empty()
        || url.password().is_some()
        || text.contains('@')
        || url.fragment().is_some()
    {
        return Err(Refused::Parts);
    }
    if to_loopback && url.scheme() == "http" && literal.is_some_and(|address| address.is_loopback()) {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err(Refused::Scheme);
    }
    if literal.is_some() {
        return Err(Refused::Literal);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_private = |suffix: &str| name.strip_suffix(suffix).is_some_and(|left| left.ends_with('.'));
    if !name.contains('.') || url.port() == Some(0) || PRIVATE_SUFFIXES.into_iter().any(is_private) {
        return Err(Refused::Name);
    }
    Ok(url)
}

/// Its origin and path, for an audit: what follows, or stands before the host, may be a secret.
pub fn shown(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return "no address".into() };
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_a_secret() {
        for (text, expected) in [
            ("https://example.com/hooks?token=s3cret", "https://example.com/hooks"),
            ("https://example.com:8443/a/b#s3cret", "https://example.com:8443/a/b"),
            ("https://user:s3cret@example.com/", "https://example.com/"),
            ("s3cret", "no address"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn only_https_to_a_public_name_is_an_endpoint() {
        for (text, why) in [
            ("http://example.com/", Refused::Scheme),
            ("ftp://example.com/", Refused::Scheme),
            ("file:///etc/passwd", Refused::Malformed),
            ("https://127.0.0.1/", Refused::Literal),
            ("https://[::1]/", Refused::Literal),
            ("https://[::ffff:127.0.0.1]/", Refused::Literal),
            ("https://[::ffff:a9fe:a9fe]/", Refused::Literal),
            ("https://169.254.169.254/latest/meta-data", Refused::Literal),
            ("https://8.8.8.8/", Refused::Literal),
            ("https://2130706433/", Refused::Literal),
            ("https://0x7f000001/", Refused::Literal),
            ("https://0x7f.0.0.1/", Refused::Literal),
            ("https://0177.0.0.1/", Refused::Literal),
            ("https://017700000001/", Refused::Literal),
            ("https://127.1/", Refused::Literal),
            ("https://127.0.0.1./", Refused::Literal),
            ("https://%31%32%37.0.0.1/", Refused::Literal),
            ("https://@[::1]/", Refused::Parts),
            ("https://1:2@[::1]/", Refused::Parts),
            ("https://example.com@127.0.0.1/", Refused::Parts),
            ("https://user@example.com/", Refused::Parts),
            ("https://example.com/#x", Refused::Parts),
            ("https://localhost/", Refused::Name),
            ("https://LOCALHOST./", Refused::Name),
            ("https://a.localhost/", Refused::Name),
            ("https://metadata.google.internal/", Refused::Name),
            ("https://printer.local/", Refused::Name),
            ("https://intranet/", Refused::Name),
            ("https://example.com:0/", Refused::Name),
            (" https://example.com/", Refused::Malformed),
            ("https:\\\\example.com/", Refused::Malformed),
            ("https://exa\tmple.com/", Refused::Malformed),
            ("https://[fe80::1%25eth0]/", Refused::Malformed),
            ("https://999.1.1.1/", Refused::Malformed),
            ("", Refused::Malformed),
        ] {
            assert_eq!(check(text, false), Err(why), "{text}");
            assert_eq!(check(text, true), Err(why), "{text}");
        }
        for text in [
            "https://example.com/hooks?tenant=a",
            "https://hooks.example.co.uk:8443/",
            "https://xn--bcher-kva.example/",
        ] {
            assert!(check(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn loopback_is_for_development_and_for_nothing_else() {
        for text in ["http://127.0.0.1:9/x", "http://[::1]:9/x"] {
            assert_eq!(check(text, false), Err(Refused::Scheme));
            assert!(check(text, true).is_ok());
        }
        for text in
            ["http://10.0.0.1/", "http://169.254.169.254/", "http://example.com/", "http://localhost:80/"]
        {
            assert_eq!(check(text, true), Err(Refused::Scheme), "{text}");
        }
    }
}
