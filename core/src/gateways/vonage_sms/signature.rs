//! `sig`: how Vonage signs the parameters of SMS requests and of delivery receipts.
//!
//! The parameters but for `sig`, in the order of their names, each as `&name=value` with every `&` and `=` of the value
//! made a `_`; hashed with the signature secret behind them, or by HMAC with it as the key; in hexadecimal.
//! <https://developer.vonage.com/en/getting-started/concepts/signing-messages>

use std::collections::BTreeMap;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use md5::Digest as _;
use md5::Md5;
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;
use sha2::Sha512;
use subtle::ConstantTimeEq as _;

use crate::gateways::hex;
use crate::gateways::mac;

/// The parameter that holds the signature.
const SIG: &str = "sig";

/// As the account's settings have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// HMAC with MD5.
    Md5,
    /// Vonage's own default: MD5 over the parameters and the secret. Weak; for accounts that cannot be changed.
    Md5Hash,
    /// HMAC with SHA-1.
    Sha1,
    /// HMAC with SHA-256.
    #[default]
    Sha256,
    /// HMAC with SHA-512.
    Sha512,
}

/// The parameters by their names; none twice.
pub type Params = BTreeMap<String, String>;

/// The signature of `params`, in lower case.
pub fn sign(method: Method, secret: &str, params: &Params) -> String {
    let signed = params.iter().filter(|(name, _)| *name != SIG);
    let text: String =
        signed.map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect();
    hex::encode(&match method {
        Method::Md5 => mac::<Hmac<Md5>>(secret, &text),
        Method::Md5Hash => Md5::digest(text + secret).to_vec(),
        Method::Sha1 => mac::<Hmac<Sha1>>(secret, &text),
        Method::Sha256 => mac::<Hmac<Sha256>>(secret, &text),
        Method::Sha512 => mac::<Hmac<Sha512>>(secret, &text),
    })
}

/// Whether `params` hold their signature; compares in constant time. Vonage sends it in either case.
pub fn verify(method: Method, secret: &str, params: &Params) -> bool {
    let given = params.get(SIG).map(|given| given.to_ascii_lowercase());
    given.is_some_and(|given| sign(method, secret, params).as_bytes().ct_eq(given.as_bytes()).into())
}

fn mac<M: Mac + KeyInit>(secret: &str, text: &str) -> Vec<u8> {
    let mut mac: M = mac::begin(secret.as_bytes());
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Vonage's Python library: `Auth(…).sign_params(…)` of vonage-http-client 1.5.2, and its MD5 hash by hand.
    const KNOWN: [(Method, &str); 5] = [
        (Method::Md5, "964a124379850183e3a482c4510ddb63"),
        (Method::Md5Hash, "b9f65709a229b86cd8b02f2d935ea804"),
        (Method::Sha1, "c570b60e1b90db5af250304b6e087c73af2f14fb"),
        (Method::Sha256, "be505e3bf289367e8317edd2bfbb264c64160482b6d2d63b78524ec90c3bc597"),
        (
            Method::Sha512,
            "c9d18921207f432501f66426014794729b276d8fc620d2a7f973bd758ff5ec0fa99c8019e0467dac380d46e9b0b5f09142777f12edc145b8d62d8322ed2e1eb5",
        ),
    ];

    fn params() -> Params {
        let params =
            [("to", "447700900000"), ("text", "a=b&c"), ("api_key", "abcd1234"), ("timestamp", "1582650446")];
        params.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn matches_what_vonages_own_library_makes() {
        for (method, signature) in KNOWN {
            assert_eq!(sign(method, "a secret", &params()), signature, "{method:?}");
        }
    }

    #[test]
    fn any_change_is_refused() {
        for (method, signature) in KNOWN {
            let signed = |sig: &str| {
                let mut signed = params();
                signed.insert("sig".to_owned(), sig.to_owned());
                signed
            };
            assert!(verify(method, "a secret", &signed(signature)));
            assert!(verify(method, "a secret", &signed(&signature.to_uppercase())));
            assert!(!verify(method, "another", &signed(signature)));
            assert!(!verify(method, "a secret", &params()));
            assert!(!verify(method, "a secret", &signed("")));
            for name in params().keys() {
                let mut altered = signed(signature);
                altered.insert(name.clone(), "1".to_owned());
                assert!(!verify(method, "a secret", &altered), "{name}");
            }
            let mut more = signed(signature);
            more.insert("zone".to_owned(), "1".to_owned());
            assert!(!verify(method, "a secret", &more));
        }
    }
}
