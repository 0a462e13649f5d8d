//! `X-Twilio-Signature`: how Twilio signs the form posts it sends to us.
//!
//! base64(HMAC-SHA1(auth token, URL + name + value + name + value …)), the parameters in the order of their
//! names, repeated ones in the order of their values and without duplicates, as Twilio's own helpers do it.
//! The URL is the public one, as Twilio was given it: rebuilding it behind a proxy is left to the caller.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha1::Sha1;

/// The value of `X-Twilio-Signature` for a form post of `params` (decoded names and values) to `url`.
pub fn sign(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    STANDARD.encode(mac(auth_token, url, params).finalize().into_bytes())
}

/// Whether `given` is that value; compares in constant time.
pub fn verify(auth_token: &str, url: &str, params: &[(String, String)], given: &str) -> bool {
    STANDARD
        .decode(given)
        .is_ok_and(|signature| mac(auth_token, url, params).verify_slice(&signature).is_ok())
}

fn mac(auth_token: &str, url: &str, params: &[(String, String)]) -> Hmac<Sha1> {
    #[expect(clippy::expect_used, reason = "HMAC hashes a long key and pads a short one, so none is refused")]
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes a key of any length");
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
