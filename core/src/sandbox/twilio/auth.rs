//! HTTP Basic: the account SID and the auth token. Gateways of several kinds may have the same account.

use axum::http::HeaderMap;

use super::Error;
use crate::sandbox::Account;
use crate::sandbox::basic;

/// The gateway of this kind with the account of the path, when the caller has its token.
pub(super) fn account<'a>(
    accounts: &'a [Account],
    kind: &str,
    account_sid: &str,
    headers: &HeaderMap,
) -> Result<&'a Account, Error> {
    let mut gateways = gateways(accounts, account_sid, headers)?.into_iter();
    gateways.find(|account| account.kind() == kind).ok_or(Error::Authenticate)
}

/// All gateways with the account of the path, when the caller has its token.
pub(super) fn gateways<'a>(
    accounts: &'a [Account],
    account_sid: &str,
    headers: &HeaderMap,
) -> Result<Vec<&'a Account>, Error> {
    let (name, password) = basic::credentials(headers).ok_or(Error::Authenticate)?;
    let is_it = |account: &&Account| {
        account.key("account_sid") == account_sid && account.secret("auth_token") == password
    };
    let gateways = accounts.iter().filter(is_it).collect::<Vec<_>>();
    if name != account_sid || gateways.is_empty() { Err(Error::Authenticate) } else { Ok(gateways) }
}
