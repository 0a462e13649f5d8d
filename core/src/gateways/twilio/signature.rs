//! `X-Twilio-Signature`: how Twilio signs the form posts it sends to us.
//!
//! base64(HMAC-SHA1(auth token, URL + name + value + name + value …)), the parameters in the order of their
//! names, repeated ones in the order of their values and without duplicates, as Twilio's own helpers do it.
//! A body that is no form is hashed (SHA-256, hexadecimal) into the address, as `bodySHA256`, and the address alone is signed.
//! The URL is the public one, as Twilio was given it: rebuilding it behind a proxy is left to the caller.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::Mac as _;
use sha1::Sha1;
use sha2::Digest as _;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::gateways::hex;
use crate::gateways::mac;

/// The parameter of an address that holds the hash of a body that is no form.
const BODY_HASH: &str = "bodySHA256";

/// The value of `X-Twilio-Signature` for a form post of `params` (decoded names and values) to `url`.
pub fn sign(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    STANDARD.encode(mac(auth_token, url, params).finalize().into_bytes())
}

/// Whether `given` is that value, for the URL with or without its port: Twilio may write one that is usual, or leave it out.
/// Compares in constant time.
pub fn verify(auth_token: &str, url: &str, params: &[(String, String)], given: &str) -> bool {
    let Ok(signature) = STANDARD.decode(given) else { return false };
    let is_of = |url: &str| mac(auth_token, url, params).verify_slice(&signature).is_ok();
    is_of(url) || other_port(url).is_some_and(|url| is_of(&url))
}

/// Whether an address says that its body is hashed, and no form.
pub fn has_body_hash(url: &str) -> bool {
    body_hash(url).is_some()
}

/// Whether `given` is the value for a post of such a body: of the address alone, which has the body's hash.
pub fn verify_body(auth_token: &str, url: &str, body: &[u8], given: &str) -> bool {
    let hash = hex::encode(&Sha256::digest(body));
    let is_of_body = body_hash(url).is_some_and(|told| hash.as_bytes().ct_eq(told.as_bytes()).into());
    is_of_body && verify(auth_token, url, &[], given)
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut params = form_urlencoded::parse(query.as_bytes());
    params.find(|(name, _)| name == BODY_HASH).map(|(_, hash)| hash.into_owned())
}

/// With the usual port where it has none, and without its port where it has one.
fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let host = match port {
        Some((name, _)) => name.to_owned(),
        None => format!("{host}:{}", if scheme == "https" { 443 } else { 80 }),
    };
    Some(format!("{scheme}://{host}{path}"))
}

fn mac(auth_token: &str, url: &str, params: &[(String, String)]) -> Hmac<Sha1> {
    let mut mac = mac::begin::<Hmac<Sha1>>(auth_token.as_bytes());
    mac.update(url.as_bytes());
    for (name, value) in params.iter().collect::<BTreeSet<_>>() {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const PUBLISHED: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    #[test]
    fn matches_the_vector_that_twilio_publishes() {
        assert_eq!(sign("12345", URL, &published()), PUBLISHED);
        assert!(verify("12345", URL, &published(), PUBLISHED));
    }

    #[test]
    fn the_order_of_the_parameters_does_not_matter() {
        let mut reversed = published();
        reversed.reverse();
        assert_eq!(sign("12345", URL, &reversed), PUBLISHED);
    }

    #[test]
    fn repeated_parameters_count_once_and_in_order() {
        let repeated = pairs(&[("Media", "b"), ("Media", "a"), ("Media", "b")]);
        let plain = pairs(&[("Media", "a"), ("Media", "b")]);
        assert_eq!(sign("12345", URL, &repeated), sign("12345", URL, &plain));
    }

    #[test]
    fn any_change_is_refused() {
        let mut more = published();
        more.push(("Extra".to_owned(), "1".to_owned()));
        assert!(!verify("12346", URL, &published(), PUBLISHED));
        assert!(!verify("12345", "https://mycompany.com/", &published(), PUBLISHED));
        assert!(!verify("12345", URL, &more, PUBLISHED));
        assert!(!verify("12345", URL, &published(), ""));
        assert!(!verify("12345", URL, &published(), "not base64"));
    }

    #[test]
    fn a_usual_port_may_be_written_or_left_out() {
        for (url, other) in [
            ("https://core.example/callbacks/a?n=1", "https://core.example:443/callbacks/a?n=1"),
            ("http://core.example?n=1", "http://core.example:80?n=1"),
            ("https://core.example:8443/a", "https://core.example/a"),
        ] {
            for signed in [url, other] {
                assert!(verify("12345", url, &published(), &sign("12345", signed, &published())), "{signed}");
            }
        }
        let elsewhere = sign("12345", "https://core.example:8443/a", &published());
        assert!(!verify("12345", "https://core.example/a", &published(), &elsewhere));
    }

    #[test]
    fn a_body_that_is_no_form_is_hashed_into_the_address() {
        // printf '{"a":1}' | sha256sum
        let url = "https://core.example/a?n=1&bodySHA256=\
                   015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        let signature = sign("12345", url, &[]);
        assert!(has_body_hash(url) && !has_body_hash(URL));
        assert!(verify_body("12345", url, br#"{"a":1}"#, &signature));
        assert!(!verify_body("12345", url, br#"{"a":2}"#, &signature));
        assert!(!verify_body("12346", url, br#"{"a":1}"#, &signature));
        assert!(!verify_body("12345", URL, br#"{"a":1}"#, &sign("12345", URL, &[])));
    }

    fn published() -> Vec<(String, String)> {
        pairs(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ])
    }

    fn pairs(params: &[(&str, &str)]) -> Vec<(String, String)> {
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
