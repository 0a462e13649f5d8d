//! Signature Version 4: how AWS wants its requests signed.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. Some hundred lines of our own,
//! since the SDK's crate brings its runtime along; AWS's own vectors and botocore are the judges.

use std::collections::BTreeMap;

use chrono::DateTime;
use hmac::Hmac;
use hmac::Mac as _;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use sha2::Digest as _;
use sha2::Sha256;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;

use crate::gateways::hex;
use crate::gateways::mac;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// When it was signed.
pub const DATE_HEADER: &str = "x-amz-date";
/// The token of temporary credentials.
pub const TOKEN_HEADER: &str = "x-amz-security-token";
/// What RFC 3986 leaves as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a path, whose parts are told by slashes.
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Who signs, for which service. No `Debug`: it holds the key.
pub struct Signer {
    /// `eu-central-1`.
    pub region: String,
    /// Its name in signatures: `sns`, `sms-voice`.
    pub service: &'static str,
    /// Whose key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret<String>,
    /// Of temporary credentials.
    pub session_token: Option<Secret<String>>,
}

/// What is signed.
pub struct Request<'a> {
    /// In capitals.
    pub method: &'a str,
    /// With host, path and query.
    pub url: &'a str,
    /// All that are signed but host, date and token; names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// As it goes out.
    pub body: &'a [u8],
}

/// What a signature adds. No `Debug`: a token may be in it.
pub struct Signed {
    /// The value of `Authorization`.
    pub authorization: Secret<String>,
    /// Date and token.
    pub headers: Vec<(&'static str, String)>,
}

impl Signer {
    /// Signs at a time, to the second; AWS takes what is fifteen minutes old at most.
    pub fn sign(&self, request: &Request<'_>, now: UnixMs) -> Signed {
        let at = i64::try_from(now.0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        let at = at.format("%Y%m%dT%H%M%SZ").to_string();
        let mut own = vec![(DATE_HEADER, at.clone())];
        own.extend(self.session_token.as_ref().map(|token| (TOKEN_HEADER, token.expose().clone())));
        let day = at.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let (names, canonical) = canonical(request, &own);
        let to_sign = format!("{ALGORITHM}\n{at}\n{scope}\n{}", hex::encode(&Sha256::digest(canonical)));
        let key = format!("AWS4{}", self.secret_access_key.expose());
        let parts = [day, &self.region, self.service, "aws4_request"];
        let key = parts.iter().fold(key.into_bytes(), |key, part| mac(&key, part));
        let signature = hex::encode(&mac(&key, &to_sign));
        let credential = format!("{}/{scope}", self.access_key_id);
        let authorization =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
        Signed { authorization: Secret::new(authorization), headers: own }
    }
}

/// The names of the signed headers, and the request in its canonical form.
fn canonical(request: &Request<'_>, own: &[(&str, String)]) -> (String, String) {
    let url = Url::parse(request.url).ok();
    let host = url.as_ref().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default();
    let port = url.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.as_ref().map_or("/", Url::path);
    let path = utf8_percent_encode(path, PATH);
    let pairs = url.iter().flat_map(Url::query_pairs);
    let mut query: Vec<_> = pairs.map(|(name, value)| (encode(&name), encode(&value))).collect();
    query.sort();
    let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = BTreeMap::from([("host", format!("{host}{port}"))]);
    let given = request.headers.iter().copied();
    for (name, value) in given.chain(own.iter().map(|(name, value)| (*name, value.as_str()))) {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        headers.insert(name, value);
    }
    let names = headers.keys().copied().collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let body = hex::encode(&Sha256::digest(request.body));
    let canonical = format!("{}\n{path}\n{}\n{lines}\n{names}\n{body}", request.method, query.join("&"));
    (names, canonical)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = mac::begin::<Hmac<Sha256>>(key);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-08-30T12:36:00Z.
    const AT: UnixMs = UnixMs(1_440_938_160_000);
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    fn signer(session_token: Option<&str>) -> Signer {
        Signer {
            region: "us-east-1".into(),
            service: "service",
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
            session_token: session_token.map(|token| Secret::new(token.to_owned())),
        }
    }

    /// AWS's Signature Version 4 test suite:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html>.
    #[test]
    fn matches_the_vectors_that_aws_publishes() {
        let get = |path: &str| ("GET", path.to_owned(), Vec::new(), "");
        let post = |headers, body| ("POST", "/".to_owned(), headers, body);
        let cases = [
            (get("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                get("/?Param2=value2&Param1=value1"),
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                get("/?Param1=value2&Param1=Value1"),
                "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
            ),
            (post(vec![], ""), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                post(vec![FORM], "Param1=value1"),
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                post(vec![("my-header1", "value1")], ""),
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
        ];
        for ((method, path, headers, body), signature) in cases {
            let url = format!("https://example.amazonaws.com{path}");
            let request = Request { method, url: &url, headers: &headers, body: body.as_bytes() };
            let signed = signer(None).sign(&request, AT);
            let authorization = signed.authorization.expose();
            assert!(
                authorization.ends_with(&format!("Signature={signature}")),
                "{method} {path} {authorization}"
            );
            let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
            assert!(authorization.contains(scope), "{authorization}");
        }
    }

    #[test]
    fn temporary_credentials_sign_their_token_too() {
        let url = "https://example.amazonaws.com/";
        let request = Request { method: "POST", url, headers: &[], body: b"" };
        let signed = signer(Some("a token")).sign(&request, AT);
        assert!(
            signed.authorization.expose().contains("SignedHeaders=host;x-amz-date;x-amz-security-token,")
        );
        assert_eq!(signed.headers.last(), Some(&(TOKEN_HEADER, "a token".to_owned())));
    }
}
