//! HTTP Basic: the account SID and the auth token.

use axum::http::HeaderMap;
use axum::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;
use crate::sandbox::Account;

/// The account of the path, when the caller has its token.
pub(super) fn account<'a>(
    accounts: &'a [Account],
    account_sid: &str,
    headers: &HeaderMap,
) -> Result<&'a Account, Error> {
    let (name, password) = credentials(headers).ok_or(Error::Authenticate)?;
    accounts
        .iter()
        .find(|account| account.key("account_sid") == account_sid && account.secret("auth_token") == password)
        .filter(|_account| name == account_sid)
        .ok_or(Error::Authenticate)
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
