//! What the kinds of gateway at AWS share: signed requests, and the notifications of its topics.

pub mod notification;
pub mod sigv4;

use tiffin_shared::time::UnixMs;

use self::sigv4::Request;
use self::sigv4::Signer;
use super::account::Secrets;
use super::call::Auth;
use super::call::Body;
use super::call::Call;
use super::kinds::SecretName;

/// What the accounts of these kinds know in secret.
pub const SECRETS: &[SecretName] = &[
    SecretName::new("secret_access_key", "the secret access key that belongs to access_key_id"),
    SecretName::optional("session_token", "the session token of temporary credentials"),
];
/// `AKIA` and sixteen more, as a rule; AWS takes 16 to 128.
const KEY_ID_CHARS_MIN: usize = 16;
const KEY_ID_CHARS_MAX: usize = 128;
/// The longest today is `ap-northeast-1`.
const REGION_CHARS_MAX: usize = 32;

/// What signs requests to a service of AWS.
pub fn signer(
    region: &str,
    service: &'static str,
    access_key_id: &str,
    secrets: &Secrets,
) -> Result<Signer, String> {
    Ok(Signer {
        region: region.to_owned(),
        service,
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secrets.get("secret_access_key")?,
        session_token: secrets.find("session_token"),
    })
}

/// `https://sns.eu-central-1.amazonaws.com`: China's regions have a domain of their own, other partitions want `base_url`.
pub fn endpoint(service: &str, region: &str) -> String {
    format!("https://{service}.{region}.{}", domain(region))
}

/// The domain of a region's services.
pub fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// `POST`, signed.
pub fn post(
    signer: &Signer,
    base_url: &str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
    now: UnixMs,
) -> Call {
    let url = format!("{base_url}/");
    let request = Request { method: "POST", url: &url, headers, body: &body };
    let signed = signer.sign(&request, now);
    let mut call = Call::post(url.as_str(), Auth::Authorization(signed.authorization), Body::Raw(body));
    call.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    call.headers.extend(signed.headers);
    call
}

/// Whether a region and a key can be what they should.
pub fn check(region: &str, access_key_id: &str) -> Result<(), String> {
    check_region("region", region)?;
    let chars = KEY_ID_CHARS_MIN..=KEY_ID_CHARS_MAX;
    let is_key = access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !chars.contains(&access_key_id.len()) || !is_key {
        return Err("access_key_id: must be an access key's id, such as AKIA…".into());
    }
    Ok(())
}

/// It becomes part of a host's name.
fn check_region(key: &str, region: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || region.len() > REGION_CHARS_MAX || !region.bytes().all(is_plain) {
        return Err(format!("{key}: must have a region's name, such as eu-central-1"));
    }
    Ok(())
}
