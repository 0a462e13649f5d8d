//! Status callbacks: forms, signed with the auth token.

use super::API_VERSION;
use super::resource::address;
use crate::gateways::twilio::signature;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::POOL_NUMBER;
use crate::sandbox::journey::STOPPED;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named.
pub(super) fn teller(account: &Account, callback_url: Option<String>) -> Teller {
    let (account_sid, token) = (account.key("account_sid").to_owned(), account.secret("auth_token"));
    Box::new(move |message, status, failure| match &callback_url {
        None => Tell::Nobody,
        Some(url) => {
            let params = params(&account_sid, message, status, failure);
            let signature = signature::sign(&token, url, &params);
            Tell::Post(Callback::form(url.clone(), &params, vec![("x-twilio-signature", signature)]))
        }
    })
}

fn params(
    account_sid: &str,
    message: &Message,
    status: Status,
    failure: Option<&str>,
) -> Vec<(String, String)> {
    let from = address(message, message.from.as_deref().unwrap_or(POOL_NUMBER));
    let to = address(message, &message.entry.to);
    let word = if failure == Some(STOPPED) { STOPPED } else { status.name() };
    let mut params = vec![
        ("AccountSid", account_sid),
        ("ApiVersion", API_VERSION),
        ("From", &from),
        ("MessageSid", &message.entry.id),
        ("MessageStatus", word),
        ("SmsSid", &message.entry.id),
        ("SmsStatus", word),
        ("To", &to),
    ];
    if let Some(sid) = &message.messaging_service_sid {
        params.push(("MessagingServiceSid", sid));
    }
    if let Some(code) = failure.filter(|code| *code != STOPPED) {
        params.push(("ErrorCode", code));
    }
    params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
