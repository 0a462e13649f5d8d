//! Plivo Messaging: `POST /v1/Account/{auth_id}/Message/`, the record of each message there, and signed status callbacks.
//! <https://www.plivo.com/docs/messaging/api/message>

pub mod signature;

use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Cost;
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
use super::adapter::Refusal;
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

/// The headers that carry signatures: with the token of the account or subaccount that sent, and of the main account.
pub const SIGNATURE_HEADERS: [&str; 2] = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"];
/// The header that carries what makes them different each time.
pub const NONCE_HEADER: &str = "x-plivo-signature-v3-nonce";
/// Plivo takes 5 seconds to three hours.
const EXPIRY_S_MIN: u64 = 5;
const EXPIRY_S_MAX: u64 = 10_800;
/// `MA` or `SA` and 18 letters and digits.
const AUTH_ID_CHARS: usize = 20;

/// Plivo Messaging.
pub const KIND: Kind = Kind {
    name: "plivo",
    channel: Channel::Sms,
    codes: "plivo",
    secrets: &[SecretName::new("auth_token", "the account's auth token")],
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Plivo::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `MA` and 18 letters and digits; `SA` for a subaccount.
    auth_id: String,
    /// What Plivo keeps of a message in its logs; nothing, by default.
    #[serde(default)]
    log: Log,
    /// Another host than Plivo's: the sandbox or a proxy.
    #[serde(default = "base_url")]
    base_url: String,
}

/// What Plivo keeps of a message in its logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// The text, but not the number.
    ContentOnly,
    /// Neither.
    #[default]
    False,
    /// The number, but not the text.
    NumberOnly,
    /// Both.
    True,
}

/// An account.
pub struct Plivo {
    keys: Keys,
    auth_token: Secret<String>,
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(default)]
    message_uuid: Vec<String>,
    #[serde(default)]
    invalid_number: Vec<String>,
}

/// A message's record. <https://www.plivo.com/docs/messaging/api/message/retrieve-a-message>
#[derive(Deserialize)]
struct Record {
    message_state: String,
    #[serde(default)]
    error_code: Option<String>,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        let is_known = self.auth_id.starts_with("MA") || self.auth_id.starts_with("SA");
        let is_plain = self.auth_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_known || !is_plain || self.auth_id.len() != AUTH_ID_CHARS {
            return Err("auth_id: must be MA or SA and 18 capital letters and digits".into());
        }
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code, a name, or a Powerpack's UUID".into());
        }
        let is_malformed = |number: &str| number.starts_with('+') && Phone::parse(number).is_err();
        if let Some(sender) = account.settings.senders.iter().find(|sender| is_malformed(sender.id.as_str()))
        {
            return Err(format!("from: {} is no number in international format", sender.id.as_str()));
        }
        check_url("base_url", &self.base_url)
    }
}

impl Plivo {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self { keys: account.keys()?, auth_token: secrets.get("auth_token")? })
    }

    fn auth(&self) -> Auth {
        Auth::Basic { user: self.keys.auth_id.clone(), password: self.auth_token.clone() }
    }

    fn url(&self, resource: &str) -> String {
        format!("{}/v1/Account/{}/{resource}", self.keys.base_url, self.keys.auth_id)
    }
}

impl HttpAdapter for Plivo {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let from = if is_pool(message.from()) { "powerpack_uuid" } else { "src" };
        let mut body = json!({
            from: message.from().trim_start_matches('+'),
            "dst": message.digits()?,
            "text": message.text(),
            "type": "sms",
            "url": message.callback_url,
            "method": "POST",
            "log": self.keys.log,
            "message_expiry": message.valid_s.clamp(EXPIRY_S_MIN, EXPIRY_S_MAX),
        });
        if let (Some(registration), Some(body)) = (message.registration, body.as_object_mut()) {
            body.insert("dlt_entity_id".into(), registration.dlt.entity_id.as_str().into());
            body.insert("dlt_template_id".into(), registration.template_id.into());
            body.insert("dlt_template_category".into(), json!(registration.dlt.category));
        }
        Ok(Call::post(self.url("Message/"), self.auth(), Body::Json(body)))
    }

    /// Plivo's refusals have no codes, only words.
    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            let accepted = serde_json::from_slice::<Accepted>(&answer.body).ok();
            return match accepted.map(|accepted| (accepted.message_uuid, accepted.invalid_number)) {
                Some((ids, _)) if ids.first().is_some_and(|id| !id.is_empty()) => {
                    Answered::Taken { provider_id: ids.into_iter().next().unwrap_or_default() }
                }
                Some((_, invalid)) if !invalid.is_empty() => {
                    Answered::Refused(Refusal::of(Reason::InvalidNumber))
                }
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        Answered::Refused(answer.refusal(None))
    }

    /// Reads a status callback whose signature fits.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let params = callback.form();
        let nonce = callback.header(NONCE_HEADER).ok_or(CallbackError::Signature)?;
        let verifies = |header| {
            callback.header(header).is_some_and(|given| {
                signature::verify(self.auth_token.expose(), callback.url, &params, nonce, given)
            })
        };
        if !SIGNATURE_HEADERS.into_iter().any(verifies) {
            return Err(CallbackError::Signature);
        }
        let param =
            |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // Of a text in parts each has an id of its own, beside that of our answer.
        let id = param("ParentMessageUUID").filter(|id| !id.is_empty()).or_else(|| param("MessageUUID"));
        let provider_id = id.filter(|id| !id.is_empty()).ok_or(CallbackError::Malformed)?;
        let fate = fate(param("Status").ok_or(CallbackError::Malformed)?, param("ErrorCode"));
        // The signature covers the address, and with it the attempt.
        let attempt = callback.attempt.cloned().ok_or(CallbackError::Malformed)?;
        // Whether a part of several tells its share or the whole is not documented: then it says nothing.
        let is_whole = param("PartInfo").is_none_or(|part| part.is_empty() || part == "1 of 1");
        let cost =
            param("TotalAmount").filter(|_| is_whole).and_then(|amount| Cost::parse(amount, "USD", false));
        Ok(Told { attempt: Some(attempt), provider_id: provider_id.to_owned(), fate, cost }.into())
    }

    fn status(&self, provider_id: &str) -> Option<Call> {
        Some(Call::get(&self.url(&format!("Message/{provider_id}/")), &[], self.auth()))
    }

    fn fares(&self, answer: &Answer) -> Option<(String, Fate)> {
        let record = serde_json::from_slice::<Record>(&answer.body).ok().filter(|_| answer.is_success())?;
        let fate = fate(&record.message_state, record.error_code.as_deref());
        Some((record.message_state, fate))
    }

    /// The account.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(Call::get(&self.url(""), &[], self.auth()))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        match answer.json().get("cash_credits").and_then(serde_json::Value::as_str) {
            Some(credits) if answer.is_success() => Ok(format!("the balance is {credits} USD")),
            _ if answer.is_success() => Ok("the credentials are accepted".into()),
            _ => Err(answer.refusal(None)),
        }
    }
}

/// One list of words for callbacks and records.
fn fate(status: &str, code: Option<&str>) -> Fate {
    match status {
        "delivered" | "read" => Fate::Delivered,
        "sent" => Fate::Sent,
        "failed" | "undelivered" | "rejected" => {
            // 000 stands for no error.
            let code = code.map(|code| code.trim_start_matches('0'));
            let code = code.filter(|code| !code.is_empty()).map(str::to_owned);
            Fate::Failed { code, fallback: Reason::Rejected }
        }
        // queued, and whatever Plivo adds.
        _ => Fate::Underway,
    }
}

/// Whether a sender is a Powerpack: a pool of numbers at Plivo, named by its UUID.
fn is_pool(sender: &str) -> bool {
    let mut groups = sender.split('-').map(str::len);
    let is_shaped =
        [8, 4, 4, 4, 12].into_iter().all(|chars| groups.next() == Some(chars)) && groups.next().is_none();
    is_shaped && sender.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn base_url() -> String {
    "https://api.plivo.com".into()
}

#[cfg(test)]
mod tests;
