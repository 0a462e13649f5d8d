//! Telegram Gateway: verification messages from Telegram's own account, and signed delivery reports.
//!
//! <https://core.telegram.org/gateway/api>. Telegram writes the words around the code. Whether a number has an account is
//! found out by sending: `checkSendAbility` costs the same fee.

mod report;

use serde::Deserialize;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::account::Account;
use super::account::Secrets;
use super::account::check_url;
use super::adapter::Answered;
use super::adapter::HttpAdapter;
use super::adapter::Message;
use super::adapter::Refusal;
use super::call::Answer;
use super::call::Auth;
use super::call::Body;
use super::call::Call;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Heard;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;

pub use self::report::SIGNATURE_HEADER;
pub use self::report::TIMESTAMP_HEADER;
pub use self::report::sign;

/// Digits of a code that Telegram takes.
const CODE_DIGITS_MIN: usize = 4;
const CODE_DIGITS_MAX: usize = 8;
/// Telegram takes lives of 30 to 3,600 seconds.
const TTL_S_MIN: u64 = 30;
const TTL_S_MAX: u64 = 3_600;
/// The longest address for reports.
const CALLBACK_BYTES_MAX: usize = 256;
/// The longest id of a request that is taken; Telegram's have some 20 characters.
const ID_CHARS_MAX: usize = 256;
/// No request has this id; asking for it tells whether the token is good.
const NO_REQUEST: &str = "0";

/// Telegram Gateway.
pub const KIND: Kind = Kind {
    name: "telegram",
    channel: Channel::Telegram,
    codes: "telegram",
    secrets: &[SecretName::new("api_token", "the access token of the Telegram Gateway account")],
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Hidden,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Telegram::new(account, secrets)?))),
};

/// What its accounts are configured with. The senders, if any, are names of verified channels.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Another host than Telegram's: the sandbox or a proxy.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Telegram {
    keys: Keys,
    api_token: Secret<String>,
}

#[derive(Deserialize)]
struct Reply {
    ok: bool,
    result: Option<Sent>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Sent {
    request_id: String,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !account.settings.senders.iter().all(|sender| is_name(sender.id.as_str())) {
            return Err("from: must be the user name of a verified channel, without the @".into());
        }
        check_url("base_url", &self.base_url)
    }
}

impl Telegram {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self { keys: account.keys()?, api_token: secrets.get("api_token")? })
    }

    fn call(&self, method: &str, body: serde_json::Value) -> Call {
        let auth = Auth::Authorization(Secret::new(format!("Bearer {}", self.api_token.expose())));
        Call::post(format!("{}/{method}", self.keys.base_url), auth, Body::Json(body))
    }
}

impl HttpAdapter for Telegram {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let code = message.code.expose();
        // Telegram's words cannot name a payment, and the payer must see it (PSD2 RTS Art. 5).
        if message.approves.is_some() || !(CODE_DIGITS_MIN..=CODE_DIGITS_MAX).contains(&code.len()) {
            return Err(Reason::Rejected);
        }
        let mut body = json!({
            "phone_number": message.phone()?.e164(),
            "code": code,
            "ttl": message.valid_s.clamp(TTL_S_MIN, TTL_S_MAX),
            "payload": message.reference.text(),
        });
        let Some(fields) = body.as_object_mut() else { return Err(Reason::Rejected) };
        // Without its query: the signature covers the payload, which names the attempt, and no address.
        let address = message.callback_url.split('?').next().unwrap_or_default();
        if address.len() <= CALLBACK_BYTES_MAX {
            fields.insert("callback_url".into(), address.into());
        }
        if let Some(sender) = message.sender {
            fields.insert("sender_username".into(), sender.as_str().into());
        }
        Ok(self.call("sendVerificationMessage", body))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        match serde_json::from_slice::<Reply>(&answer.body).ok() {
            Some(Reply { ok: true, result: Some(sent), .. }) if is_id(&sent.request_id) => {
                Answered::Taken { provider_id: sent.request_id }
            }
            Some(Reply { ok: false, error: Some(error), .. }) => Answered::Refused(refusal(answer, &error)),
            _ if answer.is_success() || answer.is_unclear() => Answered::Unknown,
            _ => Answered::Refused(answer.refusal(None)),
        }
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        report::verify(callback, self.api_token.expose())?;
        report::read(callback.body())
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(self.call("checkVerificationStatus", json!({ "request_id": NO_REQUEST })))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        match serde_json::from_slice::<Reply>(&answer.body).ok().and_then(|reply| reply.error) {
            Some(error) if error.starts_with("REQUEST_ID_") => Ok("the token is accepted".into()),
            Some(error) => Err(refusal(answer, &error)),
            None => Err(answer.refusal(None)),
        }
    }
}

/// An error is a word in capitals; a wait has its seconds at the end.
fn refusal(answer: &Answer, error: &str) -> Refusal {
    let refusal = answer.refusal(None);
    match error.rsplit_once('_').map(|(name, last)| (name, last.parse::<u64>())) {
        Some((name @ "FLOOD_WAIT", Ok(seconds))) => {
            let retry_after_ms = Some(seconds.saturating_mul(SECOND_MS));
            Refusal { code: Some(name.into()), fallback: Reason::Throttled, retry_after_ms }
        }
        _ => Refusal { code: Some(error.to_owned()), ..refusal },
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn base_url() -> String {
    "https://gatewayapi.telegram.org".into()
}

#[cfg(test)]
mod tests;
