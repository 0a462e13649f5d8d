//! What a caller sends, made into a message or refused.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as MethodError;

use crate::gateways::vonage_sms::signature;
use crate::gateways::vonage_sms::signature::Method;
use crate::gateways::vonage_sms::signature::Params;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// A status other than 0, and what Vonage says with it.
pub(super) type Refused = (&'static str, &'static str);

/// How an account signs.
pub(super) fn method(account: &Account) -> Method {
    let named: Result<_, MethodError> =
        Method::deserialize(account.key("signature_method").into_deserializer());
    named.unwrap_or_default()
}

/// Whose account it is, when the secret or the signature fits.
pub(super) fn account<'a>(accounts: &'a [Account], params: &Params) -> Result<&'a Account, Refused> {
    let key = params.get("api_key").ok_or(("2", "Missing api_key"))?;
    let is_it = |account: &&Account| account.kind() == "vonage_sms" && account.key("api_key") == key;
    let account = accounts.iter().find(is_it).ok_or(("4", "Bad Credentials"))?;
    match (params.get("sig"), params.get("api_secret")) {
        (Some(_), Some(_)) => Err(("32", "Signature And API Secret Disallowed")),
        (Some(_), None) => {
            let secret = account.secret("signature_secret");
            let verifies = !secret.is_empty() && signature::verify(method(account), &secret, params);
            verifies.then_some(account).ok_or(("14", "Invalid Signature"))
        }
        (None, Some(secret)) if account.secret("api_secret") == *secret => Ok(account),
        (None, Some(_)) => Err(("4", "Bad Credentials")),
        (None, None) => Err(("2", "Missing api_secret")),
    }
}

/// What tells two calls for the same message from two messages.
pub(super) fn pair(params: &BTreeMap<String, String>) -> Option<Pair> {
    Some(Pair::new(params.get("to")?, params.get("text")?))
}

/// The message, by Vonage's rules.
pub(super) fn message(account: &Account, params: &Params, now_ms: u64) -> Result<Message, Refused> {
    let param = |name: &str| params.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let to = param("to").ok_or(("2", "Missing to param"))?;
    if !is_number(to) {
        return Err(("3", "Invalid to param"));
    }
    let from = param("from").ok_or(("2", "Missing from param"))?;
    let text = param("text").ok_or(("2", "Missing text param"))?;
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(("12", "Message too long"));
    }
    if !matches!(param("type"), None | Some("text" | "unicode")) {
        return Err(("3", "Invalid type param"));
    }
    let is_ttl = |ttl: &str| ttl.parse::<u64>().is_ok_and(|ttl| (20_000..=604_800_000).contains(&ttl));
    if param("ttl").is_some_and(|ttl| !is_ttl(ttl)) {
        return Err(("3", "Invalid ttl param"));
    }
    if param("callback").is_some_and(|url| !url.starts_with("http")) {
        return Err(("23", "Invalid Callback Url"));
    }
    if param("client-ref").is_some_and(|reference| reference.len() > CLIENT_REF_CHARS_MAX) {
        return Err(("3", "Invalid client-ref param"));
    }
    let id = ids::hex(16).ok_or(("5", "Internal Error"))?.to_uppercase();
    let (channel, gateway) = (account.channel(), account.gateway().to_owned());
    let entry =
        Entry { to: format!("+{to}"), channel, gateway, at: String::new(), text: text.to_owned(), id };
    Ok(Message { from: Some(from.to_owned()), ..Message::queued(entry, now_ms) })
}

/// Ten parts of 160 septets.
const TEXT_CHARS_MAX: usize = 1_600;

/// Vonage's own limit.
const CLIENT_REF_CHARS_MAX: usize = 100;
