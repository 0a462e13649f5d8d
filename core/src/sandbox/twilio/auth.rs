//! HTTP Basic: the account SID and the auth token.

use axum::http::HeaderMap;

use super::Error;
use crate::sandbox::Account;
use crate::sandbox::basic;

/// The account of the path, when the caller has its token.
pub(super) fn account<'a>(
    accounts: &'a [Account],
    account_sid: &str,
    headers: &HeaderMap,
) -> Result<&'a Account, Error> {
    let (name, password) = basic::credentials(headers).ok_or(Error::Authenticate)?;
    accounts
        .iter()
        .find(|account| account.key("account_sid") == account_sid && account.secret("auth_token") == password)
        .filter(|_account| name == account_sid)
        .ok_or(Error::Authenticate)
}
