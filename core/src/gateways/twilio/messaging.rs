//! Twilio Messaging: `POST /2010-04-01/Accounts/{sid}/Messages.json`, and its signed status callbacks.

use serde::Deserialize;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::phone::Phone;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::LOOKS_MAX;
use super::SECRETS;
use super::base_url;
use super::is_pool;
use super::login;
use super::login::Login;
use super::login::Params;
use super::lookup;
use super::resource;
use crate::gateways::account::Account;
use crate::gateways::account::Secrets;
use crate::gateways::adapter::Answered;
use crate::gateways::adapter::HttpAdapter;
use crate::gateways::adapter::Message;
use crate::gateways::adapter::Refusal;
use crate::gateways::call::Answer;
use crate::gateways::call::Call;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Heard;
use crate::gateways::callback::Told;
use crate::gateways::kinds::Adapter;
use crate::gateways::kinds::Door;
use crate::gateways::kinds::Kind;

/// Twilio takes 1 to 36,000 seconds; its guide advises more than 5.
const VALIDITY_S_MIN: u64 = 6;
const VALIDITY_S_MAX: u64 = 36_000;

/// Twilio Messaging.
pub const KIND: Kind = Kind {
    name: "twilio",
    channel: Channel::Sms,
    codes: "twilio",
    secrets: SECRETS,
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
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
pub struct Twilio(Login);

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        Login::check_keys(&self.account_sid, &self.base_url)?;
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code, a name, or a Messaging Service (MG…)".into());
        }
        let is_malformed = |number: &str| number.starts_with('+') && Phone::parse(number).is_err();
        match account.settings.senders.iter().find(|sender| is_malformed(sender.id.as_str())) {
            Some(sender) => Err(format!("from: {} is no number in international format", sender.id.as_str())),
            None => Ok(()),
        }
    }
}

impl Twilio {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys = account.keys::<Keys>()?;
        Ok(Self(Login::new(&keys.account_sid, &keys.base_url, secrets)?))
    }
}

impl HttpAdapter for Twilio {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let mut form = vec![
            ("To", message.phone()?.e164().to_owned()),
            (sender_name(message), message.from().to_owned()),
            ("Body", message.text().to_owned()),
        ];
        form.extend(terms(message));
        Ok(self.0.post("/Messages", form))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        login::classify(answer)
    }

    fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    /// Its list of messages; a Messaging Service sends from numbers that we do not know.
    fn query(&self, message: &Message<'_>) -> Option<Call> {
        let to = message.phone().ok()?.e164().to_owned();
        let from = Some(message.from()).filter(|from| !is_pool(from));
        Some(self.0.get("/Messages", &listed(to, from.map(str::to_owned))))
    }

    fn found(&self, answer: &Answer, message: &Message<'_>, called_at: UnixMs) -> Found {
        lookup::found(answer, called_at, |listed| listed.body == message.text())
    }

    /// Reads a status callback whose signature fits.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        told(callback, &self.0.hear(callback)?)
    }

    fn status(&self, provider_id: &str) -> Option<Call> {
        Some(self.0.get(&format!("/Messages/{provider_id}"), &[]))
    }

    fn fares(&self, answer: &Answer) -> Option<(String, Fate)> {
        resource::message(answer)
    }

    fn stop(&self, provider_id: &str) -> Option<Call> {
        Some(self.0.post(&format!("/Messages/{provider_id}"), resource::stop()))
    }

    fn stopped(&self, answer: &Answer) -> Option<Recall> {
        resource::stopped(answer)
    }

    /// Twilio takes the text out of a message whose fate is final, and refuses for others.
    fn erase(&self, provider_id: &str) -> Option<Call> {
        Some(self.0.post(&format!("/Messages/{provider_id}"), resource::erase()))
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(self.0.check())
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        login::checked(answer)
    }
}

/// A pool is named as what it is.
pub(super) fn sender_name(message: &Message<'_>) -> &'static str {
    if is_pool(message.from()) { "MessagingServiceSid" } else { "From" }
}

/// How long the message is worth sending, and where its callbacks go.
pub(super) fn terms(message: &Message<'_>) -> [(&'static str, String); 2] {
    let valid_s = message.valid_s.clamp(VALIDITY_S_MIN, VALIDITY_S_MAX);
    [("StatusCallback", message.callback_url.to_owned()), ("ValidityPeriod", valid_s.to_string())]
}

/// The query of a list.
pub(super) fn listed(to: String, from: Option<String>) -> Vec<(&'static str, String)> {
    let from = from.map(|from| ("From", from));
    let size = ("PageSize", lookup::ENTRIES_MAX.to_string());
    [("To", to)].into_iter().chain(from).chain([size]).collect()
}

/// `MessageStatus` is Twilio's list.
pub(super) fn fate(status: &str, code: Option<&str>) -> Fate {
    match status {
        "delivered" | "read" => Fate::Delivered,
        "sent" => Fate::Sent,
        "failed" | "undelivered" => {
            Fate::Failed { code: code.map(str::to_owned), fallback: Reason::Rejected }
        }
        // Nobody but us calls a message off.
        "canceled" => Fate::Failed { code: None, fallback: Reason::CalledOff },
        // accepted, scheduled, queued, sending, and whatever Twilio adds.
        _ => Fate::Underway,
    }
}

/// What a genuine callback tells of a message.
pub(super) fn told(callback: &Callback<'_>, params: &Params) -> Result<Heard, CallbackError> {
    let provider_id = params.sid("MessageSid")?.to_owned();
    let fate = fate(params.need("MessageStatus")?, params.get("ErrorCode"));
    // The signature covers the address, and with it the attempt.
    let attempt = callback.attempt.cloned().ok_or(CallbackError::Malformed)?;
    Ok(Told { attempt: Some(attempt), provider_id, fate, cost: None }.into())
}

#[cfg(test)]
mod tests;
