//! `X-Plivo-Signature-V3`: how Plivo signs what it posts to us.
//!
//! base64(HMAC-SHA256(auth token, address + "." + nonce)), the address being that without its query; then, where there is
//! a query or a form, `?`; the query, decoded, in the order of its names; then, where there is a form, `.` behind a query,
//! and its names and values in the order of the names. One header may hold several signatures, of several tokens.
//! As `plivo.utils.signature_v3` of Plivo's Python library does it.
//! <https://www.plivo.com/docs/messaging/concepts/signature-validation>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::Mac as _;
use sha2::Sha256;

use crate::gateways::mac;

/// The signature of a post of `params` (decoded names and values) to `url`.
pub fn sign(auth_token: &str, url: &str, params: &[(String, String)], nonce: &str) -> String {
    STANDARD.encode(mac(auth_token, url, params, nonce).finalize().into_bytes())
}

/// Whether one of those `given` is that signature; compares in constant time.
pub fn verify(auth_token: &str, url: &str, params: &[(String, String)], nonce: &str, given: &str) -> bool {
    let is_it = |given: &str| {
        let given = STANDARD.decode(given.trim()).ok();
        given.is_some_and(|given| mac(auth_token, url, params, nonce).verify_slice(&given).is_ok())
    };
    given.split(',').take(SIGNATURES_MAX).any(is_it)
}

/// Of the account and the account above it, each with an old and a new token.
const SIGNATURES_MAX: usize = 4;

fn mac(auth_token: &str, url: &str, params: &[(String, String)], nonce: &str) -> Hmac<Sha256> {
    let mut mac = mac::begin::<Hmac<Sha256>>(auth_token.as_bytes());
    mac.update(signed_text(url, params, nonce).as_bytes());
    mac
}

fn signed_text(url: &str, params: &[(String, String)], nonce: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    query.sort();
    let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut params: Vec<_> = params.iter().collect();
    params.sort();
    let form: String = params.into_iter().map(|(name, value)| format!("{name}{value}")).collect();
    let mut text = address.to_owned();
    if !query.is_empty() || !form.is_empty() {
        text.push('?');
    }
    text.push_str(&query.join("&"));
    if !query.is_empty() && !form.is_empty() {
        text.push('.');
    }
    format!("{text}{form}.{nonce}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://core.example/callbacks/plivo?order=ord_b&n=1";
    const NONCE: &str = "12345678901234567890";
    /// Made by `get_signature_v3` of Plivo's Python library, 4.63.0.
    const KNOWN: &str = "0umanNthC+93VjgxUb306nZQ8UUV6QUIM0yGuyMr6jY=";

    fn params() -> Vec<(String, String)> {
        let params =
            [("To", "919876543210"), ("Status", "delivered"), ("MessageUUID", "a b"), ("ErrorCode", "")];
        params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn matches_what_plivos_own_library_makes() {
        assert_eq!(sign("a token", URL, &params(), NONCE), KNOWN);
    }

    #[test]
    fn the_text_is_put_together_as_documented() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = |url: &str, params: &[(String, String)]| signed_text(url, params, "n");
        assert_eq!(text("https://a.example/b", &[]), "https://a.example/b.n");
        assert_eq!(text("https://a.example/b?d=%20&c=1", &[]), "https://a.example/b?c=1&d= .n");
        assert_eq!(
            text("https://a.example/b", &[pair("y", "1"), pair("x", "2")]),
            "https://a.example/b?x2y1.n"
        );
        assert_eq!(text("https://a.example/b?c=1", &[pair("x", "2")]), "https://a.example/b?c=1.x2.n");
    }

    #[test]
    fn any_change_is_refused() {
        let several = format!("b3RoZXI=, {KNOWN}");
        for given in [KNOWN, &several] {
            assert!(verify("a token", URL, &params(), NONCE, given));
            assert!(!verify("b token", URL, &params(), NONCE, given));
            assert!(!verify("a token", &URL.replace("n=1", "n=2"), &params(), NONCE, given));
            assert!(!verify("a token", URL, &params()[1..], NONCE, given));
            assert!(!verify("a token", URL, &params(), "1", given));
        }
        for given in ["", ",", "not base64", "b3RoZXI="] {
            assert!(!verify("a token", URL, &params(), NONCE, given));
        }
    }
}
