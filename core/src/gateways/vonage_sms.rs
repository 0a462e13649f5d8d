//! Vonage's SMS API: `POST /sms/json`, and its delivery receipts, signed where the account has it so.
//! <https://developer.vonage.com/en/api/sms>

pub mod receipt;
pub mod signature;

use serde::Deserialize;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::text::segment::Encoding;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use self::signature::Method;
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

/// Vonage takes 20 seconds to seven days.
const TTL_MS_MIN: u64 = 20 * SECOND_MS;
const TTL_MS_MAX: u64 = 604_800 * SECOND_MS;
/// The longest `callback` that Vonage's own library takes; a longer one would be refused with status 23.
const CALLBACK_CHARS_MAX: usize = 100;

/// Vonage's SMS API.
pub const KIND: Kind = Kind {
    name: "vonage_sms",
    channel: Channel::Sms,
    codes: "vonage_sms",
    secrets: &[
        SecretName::new("api_secret", "the account's API secret"),
        SecretName::usual("signature_secret", "the account's signature secret"),
    ],
    door: Door::SignedWith("signature_secret"),
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(VonageSms::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Eight letters and digits.
    api_key: String,
    /// How requests and receipts are signed where there is a signature secret: as the account's settings say.
    #[serde(default)]
    signature_method: Method,
    /// Another host than Vonage's: the sandbox or a proxy.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct VonageSms {
    keys: Keys,
    api_secret: Secret<String>,
    signature_secret: Option<Secret<String>>,
}

#[derive(Deserialize)]
struct Reply {
    messages: Vec<Part>,
}

/// Of a text in parts each is told by itself.
#[derive(Deserialize)]
struct Part {
    status: String,
    #[serde(rename = "message-id")]
    message_id: Option<String>,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        if !is_api_key(&self.api_key) {
            return Err("api_key: must be 8 letters and digits".into());
        }
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code or a name".into());
        }
        check_url("base_url", &self.base_url)
    }
}

impl VonageSms {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self {
            keys: account.keys()?,
            api_secret: secrets.get("api_secret")?,
            signature_secret: secrets.find("signature_secret"),
        })
    }

    /// A request proves itself by a signature or by the secret: both at once are refused with status 32.
    fn authenticate(&self, form: &mut Vec<(&'static str, String)>, now: UnixMs) {
        form.push(("api_key", self.keys.api_key.clone()));
        let Some(secret) = &self.signature_secret else {
            form.push(("api_secret", self.api_secret.expose().clone()));
            return;
        };
        form.push(("timestamp", (now.0 / SECOND_MS).to_string()));
        let params = form.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        form.push(("sig", signature::sign(self.keys.signature_method, secret.expose(), &params)));
    }
}

impl HttpAdapter for VonageSms {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let ttl_ms = message.valid_s.saturating_mul(SECOND_MS).clamp(TTL_MS_MIN, TTL_MS_MAX);
        let encoding = match Encoding::of(message.text()) {
            Encoding::Gsm7 => "text",
            Encoding::Ucs2 => "unicode",
        };
        let mut form = vec![
            ("from", message.from().trim_start_matches('+').to_owned()),
            ("to", message.digits()?.to_owned()),
            ("text", message.text().to_owned()),
            ("type", encoding.to_owned()),
            ("ttl", ttl_ms.to_string()),
            ("status-report-req", "true".to_owned()),
            ("client-ref", message.reference.text()),
        ];
        // Without it the receipts go where the account's settings say.
        let callback = message.plain_callback_url();
        if callback.len() <= CALLBACK_CHARS_MAX {
            form.push(("callback", callback.to_owned()));
        }
        if let Some(registration) = message.registration {
            form.push(("entity-id", registration.dlt.entity_id.clone()));
            form.push(("content-id", registration.template_id.to_owned()));
        }
        self.authenticate(&mut form, message.now);
        Ok(Call::post(format!("{}/sms/json", self.keys.base_url), Auth::None, Body::Form(form)))
    }

    /// Vonage answers 200 whatever it thinks of a message, and says so within.
    fn classify(&self, answer: &Answer) -> Answered {
        let reply = serde_json::from_slice::<Reply>(&answer.body).ok().filter(|_| answer.status < 500);
        let parts = reply.map(|reply| reply.messages).unwrap_or_default();
        // Of a text in parts some may be on their way.
        if let Some(taken) = parts.iter().find(|part| part.status == "0") {
            return match &taken.message_id {
                Some(id) if !id.is_empty() => Answered::Taken { provider_id: id.clone() },
                _ => Answered::Unknown,
            };
        }
        match parts.first() {
            Some(refused) => Answered::Refused(answer.refusal(Some(format!("status-{}", refused.status)))),
            None if answer.is_success() || answer.is_unclear() => Answered::Unknown,
            None => Answered::Refused(answer.refusal(None)),
        }
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let params = receipt::params(callback)?;
        if let Some(secret) = &self.signature_secret {
            if !signature::verify(self.keys.signature_method, secret.expose(), &params) {
                return Err(CallbackError::Signature);
            }
            receipt::check_time(&params, callback.now)?;
        }
        if params.get("api-key").is_some_and(|key| *key != self.keys.api_key) {
            return Err(CallbackError::OtherAccount);
        }
        receipt::told(&params).map(Heard::from)
    }

    /// The balance.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        let auth = Auth::Basic { user: self.keys.api_key.clone(), password: self.api_secret.clone() };
        Some(balance_call(&self.keys.base_url, auth))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        balance(answer)
    }
}

/// The request for the balance, by either API's accounts.
pub(super) fn balance_call(base_url: &str, auth: Auth) -> Call {
    Call::get(&format!("{base_url}/account/get-balance"), &[], auth)
}

/// What the answer to it tells.
pub(super) fn balance(answer: &Answer) -> Result<String, Refusal> {
    match answer.json().get("value").and_then(serde_json::Value::as_f64) {
        Some(balance) if answer.is_success() => Ok(format!("the balance is {balance:.2} EUR")),
        _ => Err(answer.refusal(None)),
    }
}

/// Whether a text looks like the key of an account.
pub(super) fn is_api_key(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Vonage's own host.
pub(super) fn base_url() -> String {
    "https://rest.nexmo.com".into()
}

#[cfg(test)]
mod tests;
