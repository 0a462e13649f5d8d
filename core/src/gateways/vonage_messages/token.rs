//! The token of Vonage's signed webhooks: a JWT (RFC 7519) under HS256 (RFC 7518 section 3.2) that names the account and
//! the SHA-256 of the body.
//! <https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks>

use hmac::Hmac;
use hmac::Mac as _;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tiffin_shared::bytes;

use crate::gateways::hex;
use crate::gateways::mac;

/// The only header that Vonage signs with, and the only algorithm that is taken.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// When it was made, in seconds since 1970.
    pub iat: u64,
    /// Which token it is.
    #[serde(default)]
    pub jti: String,
    /// `Vonage`.
    #[serde(default)]
    pub iss: String,
    /// SHA-256 of the body, in hexadecimal.
    pub payload_hash: String,
    /// Whose webhook it is.
    pub api_key: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// The token for these claims.
pub fn sign(secret: &str, claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let text = format!("{}.{}", bytes::encode(HEADER.as_bytes()), bytes::encode(&claims));
    let signature = mac(secret, &text).finalize().into_bytes();
    format!("{text}.{}", bytes::encode(&signature))
}

/// What a token says, when it was made with the secret.
pub fn verify(secret: &str, token: &str) -> Option<Claims> {
    let (text, signature) = token.rsplit_once('.')?;
    let (header, claims) = text.split_once('.')?;
    let header: Header = serde_json::from_slice(&bytes::decode(header)?).ok()?;
    if header.alg != "HS256" {
        return None;
    }
    mac(secret, text).verify_slice(&bytes::decode(signature)?).ok()?;
    serde_json::from_slice(&bytes::decode(claims)?).ok()
}

/// What a token says of a body.
pub fn payload_hash(body: &[u8]) -> String {
    hex::encode(&Sha256::digest(body))
}

impl Claims {
    /// Whether it is about this body.
    pub fn covers(&self, body: &[u8]) -> bool {
        let given = self.payload_hash.to_ascii_lowercase();
        payload_hash(body).as_bytes().ct_eq(given.as_bytes()).into()
    }
}

fn mac(secret: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = mac::begin::<Hmac<Sha256>>(secret.as_bytes());
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 appendix A.1: another set of claims, so only its signature is of use.
    const RFC: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
        Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn claims() -> Claims {
        Claims {
            iat: 1_587_494_962,
            jti: "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5".into(),
            iss: "Vonage".into(),
            payload_hash: payload_hash(b"{}"),
            api_key: "a1b2c3d".into(),
        }
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = bytes::decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        );
        let mut mac = mac::begin::<Hmac<Sha256>>(&key.unwrap());
        mac.update(RFC.as_bytes());
        let signature = bytes::encode(&mac.finalize().into_bytes());
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_no_other_is() {
        let token = sign("a secret", &claims());
        assert_eq!(verify("a secret", &token), Some(claims()));
        assert_eq!(verify("another", &token), None);
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(verify("a secret", &String::from_utf8(altered).unwrap()), None, "{at}");
        }
        let parts: Vec<_> = token.split('.').collect();
        let unsigned = format!("{}.{}.", bytes::encode(br#"{"alg":"none"}"#), parts[1]);
        let text = format!("{}.{}", bytes::encode(br#"{"alg":"HS512"}"#), parts[1]);
        let mislabelled =
            format!("{text}.{}", bytes::encode(&mac("a secret", &text).finalize().into_bytes()));
        for other in ["", "..", parts[0], &unsigned, &mislabelled, &format!("{token}.")] {
            assert_eq!(verify("a secret", other), None, "{other}");
        }
        assert!(claims().covers(b"{}") && !claims().covers(b"{ }"));
    }
}
