//! Twilio Messaging: `POST /2010-04-01/Accounts/{sid}/Messages.json`, and its signed status callbacks.

pub mod lookup;
pub mod signature;

use serde::Deserialize;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::phone::Phone;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::account::Account;
use super::account::Secrets;
use super::account::check_url;
use super::adapter::Answered;
use super::adapter::HttpAdapter;
use super::adapter::Message;
use super::call::Answer;
use super::call::Auth;
use super::call::Body;
use super::call::Call;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Fate;
use super::callback::Heard;
use super::callback::Told;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// Twilio takes 1 to 36,000 seconds; its guide advises more than 5.
const VALIDITY_S_MIN: u64 = 6;
const VALIDITY_S_MAX: u64 = 36_000;
/// How often Twilio is asked after an unknown outcome.
const LOOKS_MAX: u8 = 2;

/// Twilio Messaging.
pub const KIND: Kind = Kind {
    name: "twilio",
    channel: Channel::Sms,
    codes: "twilio",
    secrets: &[SecretName::new("auth_token", "the account's auth token")],
    door: Door::Signed,
    is_indexed: false,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Twilio::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `AC` and 32 hexadecimal digits.
    account_sid: String,
    /// Another host than Twilio's: the sandbox, a proxy or a region.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Twilio {
    keys: Keys,
    auth_token: Secret<String>,
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        let digits = self.account_sid.strip_prefix("AC").unwrap_or_default();
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("account_sid: must be AC and 32 hexadecimal digits".into());
        }
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code, a name, or a Messaging Service (MG…)".into());
        }
        let is_malformed = |number: &str| number.starts_with('+') && Phone::parse(number).is_err();
        if let Some(sender) = account.settings.senders.iter().find(|sender| is_malformed(sender.id.as_str()))
        {
            return Err(format!("from: {} is no number in international format", sender.id.as_str()));
        }
        check_url("base_url", &self.base_url)
    }
}

impl Twilio {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self { keys: account.keys()?, auth_token: secrets.get("auth_token")? })
    }

    fn auth(&self) -> Auth {
        Auth::Basic { user: self.keys.account_sid.clone(), password: self.auth_token.clone() }
    }

    fn url(&self, resource: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{resource}.json", self.keys.base_url, self.keys.account_sid)
    }
}

impl HttpAdapter for Twilio {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let valid_s = message.valid_s.clamp(VALIDITY_S_MIN, VALIDITY_S_MAX);
        let from = if is_pool(message.from()) { "MessagingServiceSid" } else { "From" };
        let form = vec![
            ("To", message.phone()?.e164().to_owned()),
            (from, message.from().to_owned()),
            ("Body", message.text().to_owned()),
            ("StatusCallback", message.callback_url.to_owned()),
            ("ValidityPeriod", valid_s.to_string()),
        ];
        Ok(Call::post(self.url("/Messages"), self.auth(), Body::Form(form)))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            return match serde_json::from_slice::<Created>(&answer.body) {
                Ok(created) if is_sid(&created.sid) => Answered::Taken { provider_id: created.sid },
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        let code = serde_json::from_slice::<Refused>(&answer.body).ok().and_then(|refused| refused.code);
        // Of its own failures Twilio gives no code that would say more.
        let code = code.filter(|_| answer.status < 500).map(|code| code.to_string());
        Answered::Refused(answer.refusal(code))
    }

    fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    /// Its list of messages; a Messaging Service sends from numbers that we do not know.
    fn query(&self, message: &Message<'_>) -> Option<Call> {
        let mut query = vec![("To", message.phone().ok()?.e164().to_owned())];
        if !is_pool(message.from()) {
            query.push(("From", message.from().to_owned()));
        }
        query.push(("PageSize", lookup::MESSAGES_MAX.to_string()));
        Some(Call::get(&self.url("/Messages"), &query, self.auth()))
    }

    fn found(&self, answer: &Answer, message: &Message<'_>, called_at: UnixMs) -> Found {
        lookup::found(answer, message, called_at)
    }

    /// Reads a status callback whose signature fits.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let params = callback.form();
        let given = callback.header(SIGNATURE_HEADER).ok_or(CallbackError::Signature)?;
        if !signature::verify(self.auth_token.expose(), callback.url, &params, given) {
            return Err(CallbackError::Signature);
        }
        let param =
            |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if param("AccountSid").is_some_and(|sid| sid != self.keys.account_sid) {
            return Err(CallbackError::OtherAccount);
        }
        let provider_id = param("MessageSid").filter(|sid| is_sid(sid)).ok_or(CallbackError::Malformed)?;
        let fate = match param("MessageStatus").ok_or(CallbackError::Malformed)? {
            "delivered" | "read" => Fate::Delivered,
            "sent" => Fate::Sent,
            "failed" | "undelivered" | "canceled" => {
                Fate::Failed { code: param("ErrorCode").map(str::to_owned), fallback: Reason::Rejected }
            }
            // accepted, scheduled, queued, sending, and whatever Twilio adds.
            _ => Fate::Underway,
        };
        // The signature covers the address, and with it the attempt.
        let attempt = callback.attempt.cloned().ok_or(CallbackError::Malformed)?;
        Ok(Told { attempt: Some(attempt), provider_id: provider_id.to_owned(), fate }.into())
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(Call::get(&self.url(""), &[], self.auth()))
    }

    fn checked(&self, answer: &Answer) -> Result<String, super::adapter::Refusal> {
        let account = answer.json();
        match account.get("status").and_then(serde_json::Value::as_str) {
            Some("active") if answer.is_success() => Ok("the account is active".into()),
            Some(status) if answer.is_success() => Ok(format!("the account is {status}")),
            _ => Err(answer.refusal(account.get("code").map(ToString::to_string))),
        }
    }
}

/// Whether a sender is a Messaging Service: a pool of numbers at Twilio.
fn is_pool(sender: &str) -> bool {
    sender.starts_with("MG") && is_sid(sender)
}

fn base_url() -> String {
    "https://api.twilio.com".into()
}

fn is_sid(text: &str) -> bool {
    text.len() == 34 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;
