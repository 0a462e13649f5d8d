//! Signature Version 4: a request is signed again with the account's key, and must come out the same.

use axum::http::HeaderMap;
use axum::http::Uri;
use chrono::NaiveDateTime;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;

use crate::gateways::aws::sigv4::DATE_HEADER;
use crate::gateways::aws::sigv4::Request;
use crate::gateways::aws::sigv4::Signer;
use crate::gateways::aws::sigv4::TOKEN_HEADER;
use crate::gateways::aws_sms;
use crate::gateways::aws_sns;
use crate::sandbox::Account;

/// The account whose key a request is signed with; or AWS's name for what is wrong.
pub(super) fn account<'a>(
    accounts: &'a [Account],
    kind: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<&'a Account, &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = header("authorization").ok_or("MissingAuthenticationTokenException")?;
    let (_, rest) = given.split_once("Credential=").ok_or("IncompleteSignature")?;
    let (key_id, rest) = rest.split_once('/').ok_or("IncompleteSignature")?;
    let (_, rest) = rest.split_once("SignedHeaders=").ok_or("IncompleteSignature")?;
    let (names, _) = rest.split_once(',').ok_or("IncompleteSignature")?;
    let is_it = |account: &&Account| account.kind() == kind && account.key("access_key_id") == key_id;
    let account = accounts.iter().find(is_it).ok_or("UnrecognizedClientException")?;
    let at = NaiveDateTime::parse_from_str(header(DATE_HEADER).unwrap_or_default(), "%Y%m%dT%H%M%SZ");
    let at = at.ok().and_then(|at| u64::try_from(at.and_utc().timestamp_millis()).ok());
    let own = ["host", DATE_HEADER, TOKEN_HEADER];
    let signed: Vec<_> = names.split(';').filter(|name| !own.contains(name)).collect();
    let signed: Vec<_> = signed.iter().filter_map(|name| Some((*name, header(name)?))).collect();
    let token = account.secret("session_token");
    let signer = Signer {
        region: account.key("region").to_owned(),
        service: if kind == aws_sms::KIND.name { aws_sms::SERVICE } else { aws_sns::SERVICE },
        access_key_id: key_id.to_owned(),
        secret_access_key: Secret::new(account.secret("secret_access_key")),
        session_token: Some(token).filter(|token| !token.is_empty()).map(Secret::new),
    };
    let url = format!("http://{}{uri}", header("host").unwrap_or_default());
    let request = Request { method: "POST", url: &url, headers: &signed, body };
    let expected = signer.sign(&request, UnixMs(at.ok_or("IncompleteSignature")?));
    if expected.authorization.expose() == given { Ok(account) } else { Err("InvalidSignatureException") }
}
