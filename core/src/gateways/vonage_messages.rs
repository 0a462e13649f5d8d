//! Vonage's Messages API, by SMS: `POST /v1/messages`, and its signed status webhooks.
//! <https://developer.vonage.com/en/api/messages>

pub mod receipt;
pub mod token;

use serde::Deserialize;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
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
use super::callback::Heard;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;
use super::vonage_sms;

/// Vonage takes 20 seconds to seven days.
const TTL_S_MIN: u64 = 20;
const TTL_S_MAX: u64 = 604_800;

/// Vonage's Messages API, by SMS.
pub const KIND: Kind = Kind {
    name: "vonage_messages",
    channel: Channel::Sms,
    codes: "vonage_messages",
    secrets: &[
        SecretName::new("api_secret", "the account's API secret"),
        SecretName::new("signature_secret", "the account's signature secret"),
    ],
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(VonageMessages::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Eight letters and digits.
    api_key: String,
    /// Another host than Vonage's: the sandbox, a proxy or a region.
    #[serde(default = "base_url")]
    base_url: String,
    /// Another host for the balance, where the credentials are tried.
    #[serde(default = "balance_url")]
    balance_url: String,
}

/// An account.
pub struct VonageMessages {
    keys: Keys,
    api_secret: Secret<String>,
    signature_secret: Secret<String>,
}

#[derive(Deserialize)]
struct Accepted {
    message_uuid: String,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        if !vonage_sms::is_api_key(&self.api_key) {
            return Err("api_key: must be 8 letters and digits".into());
        }
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code or a name".into());
        }
        check_url("balance_url", &self.balance_url)?;
        check_url("base_url", &self.base_url)
    }
}

impl VonageMessages {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self {
            keys: account.keys()?,
            api_secret: secrets.get("api_secret")?,
            signature_secret: secrets.get("signature_secret")?,
        })
    }

    fn auth(&self) -> Auth {
        Auth::Basic { user: self.keys.api_key.clone(), password: self.api_secret.clone() }
    }
}

impl HttpAdapter for VonageMessages {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let mut sms = json!({ "encoding_type": "auto" });
        if let Some(registration) = message.registration {
            sms = json!({
                "encoding_type": "auto",
                "entity_id": registration.dlt.entity_id,
                "content_id": registration.template_id,
            });
        }
        let body = json!({
            "channel": "sms",
            "message_type": "text",
            "from": message.from().trim_start_matches('+'),
            "to": message.digits()?,
            "text": message.text(),
            "client_ref": message.reference.text(),
            "ttl": message.valid_s.clamp(TTL_S_MIN, TTL_S_MAX),
            "webhook_url": message.plain_callback_url(),
            "webhook_version": "v1",
            "sms": sms,
        });
        Ok(Call::post(format!("{}/v1/messages", self.keys.base_url), self.auth(), Body::Json(body)))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            return match serde_json::from_slice::<Accepted>(&answer.body) {
                Ok(accepted) if !accepted.message_uuid.is_empty() => {
                    Answered::Taken { provider_id: accepted.message_uuid }
                }
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        // Of its own failures Vonage gives no code that would say more.
        let code = receipt::code(&answer.json()).filter(|_| answer.status < 500);
        Answered::Refused(answer.refusal(code))
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let header = callback.header("authorization").ok_or(CallbackError::Signature)?;
        let (scheme, given) = header.split_once(' ').ok_or(CallbackError::Signature)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(CallbackError::Signature);
        }
        let claims = token::verify(self.signature_secret.expose(), given.trim());
        let claims =
            claims.filter(|claims| claims.covers(callback.body())).ok_or(CallbackError::Signature)?;
        if claims.api_key != self.keys.api_key {
            return Err(CallbackError::OtherAccount);
        }
        receipt::check_time(&claims, callback.now)?;
        receipt::told(callback.body()).map(Heard::from)
    }

    /// The balance, which another of Vonage's hosts tells.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(vonage_sms::balance_call(&self.keys.balance_url, self.auth()))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        vonage_sms::balance(answer)
    }
}

fn base_url() -> String {
    "https://api.nexmo.com".into()
}

fn balance_url() -> String {
    vonage_sms::base_url()
}

#[cfg(test)]
mod tests;
