//! Twilio Voice: `POST /2010-04-01/Accounts/{sid}/Calls.json` with what is said in the request itself, and its callbacks.
//!
//! <https://www.twilio.com/docs/voice/api/call-resource>. A key that repeats the code is not offered: the key would be posted
//! to an address of ours, and by then nobody but the user has the code. It is read twice instead.
//!
//! A call that was answered is no proof: who answered has to be told from a machine. Only `human` counts as delivered. A
//! machine or a fax is nobody who took the call. Where Twilio cannot tell, or was not asked, the call counts as sent: no more
//! is known, so nothing is charged for it, and another way may be tried once its time is over.

mod twiml;
mod voices;

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
use super::login;
use super::login::Login;
use super::lookup;
use super::messaging;
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

pub use self::twiml::TWIML_CHARS_MAX;

/// Rings for less than this are missed by people, for more than this are taken by mailboxes.
const RING_S_MIN: u64 = 5;
const RING_S_MAX: u64 = 120;
/// What two readings take, with room; Twilio ends the call then.
const TALK_S_MAX: u64 = 120;
/// How long Twilio listens for a machine, while the called hears nothing. Three to 59 seconds are taken.
const DETECTION_S_MAX: u64 = 6;

/// Twilio Voice.
pub const KIND: Kind = Kind {
    name: "twilio_voice",
    channel: Channel::Voice,
    codes: "twilio",
    secrets: SECRETS,
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Voice::new(account, secrets)?))),
};

/// What its accounts are configured with. The senders are numbers of the account, or verified ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `AC` and 32 hexadecimal digits.
    account_sid: String,
    /// Seconds that it rings: short of what mailboxes wait, 25.
    #[serde(default = "ring_s")]
    ring_s: u64,
    /// Whether Twilio finds out if a machine answers, for a fee. Without it no call counts as delivered.
    #[serde(default = "yes")]
    machine_detection: bool,
    /// Another host than Twilio's: the sandbox, a proxy or a region.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Voice {
    login: Login,
    ring_s: u64,
    machine_detection: bool,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        Login::check_keys(&self.account_sid, &self.base_url)?;
        let senders = &account.settings.senders;
        if senders.is_empty() || !senders.iter().all(|sender| Phone::parse(sender.id.as_str()).is_ok()) {
            return Err("from: must be a number in international format".into());
        }
        if !(RING_S_MIN..=RING_S_MAX).contains(&self.ring_s) {
            return Err(format!("ring_s: must be {RING_S_MIN} to {RING_S_MAX}"));
        }
        Ok(())
    }
}

impl Voice {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys = account.keys::<Keys>()?;
        let login = Login::new(&keys.account_sid, &keys.base_url, secrets)?;
        Ok(Self { login, ring_s: keys.ring_s, machine_detection: keys.machine_detection })
    }
}

impl HttpAdapter for Voice {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let voice = voices::of(&message.content.locale);
        let twiml = twiml::read_out(message.text(), message.code.expose(), voice).ok_or(Reason::Rejected)?;
        // It does not ring on when the code is no longer good.
        let ring_s = self.ring_s.min(message.valid_s).max(RING_S_MIN);
        let mut form = vec![
            ("To", message.phone()?.e164().to_owned()),
            ("From", message.from().to_owned()),
            ("Twiml", twiml),
            ("Timeout", ring_s.to_string()),
            ("TimeLimit", TALK_S_MAX.to_string()),
            ("StatusCallback", message.callback_url.to_owned()),
            ("StatusCallbackEvent", "initiated".to_owned()),
            ("StatusCallbackEvent", "completed".to_owned()),
        ];
        if self.machine_detection {
            form.push(("MachineDetection", "Enable".to_owned()));
            form.push(("MachineDetectionTimeout", DETECTION_S_MAX.to_string()));
        }
        Ok(self.login.post("/Calls", form))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        login::classify(answer)
    }

    /// Without it nobody says whether a person took the call.
    fn tells_arrival(&self) -> bool {
        self.machine_detection
    }

    fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    fn query(&self, message: &Message<'_>) -> Option<Call> {
        let to = message.phone().ok()?.e164().to_owned();
        Some(self.login.get("/Calls", &messaging::listed(to, Some(message.from().to_owned()))))
    }

    /// Calls are listed without what was said; the newest from this number to that one is ours.
    fn found(&self, answer: &Answer, _message: &Message<'_>, called_at: UnixMs) -> Found {
        lookup::found(answer, called_at, |_| true)
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let params = self.login.hear(callback)?;
        let provider_id = params.sid("CallSid")?.to_owned();
        let fate = fate(params.need("CallStatus")?, params.get("AnsweredBy"), params.get("SipResponseCode"));
        // The signature covers the address, and with it the attempt.
        let attempt = callback.attempt.cloned().ok_or(CallbackError::Malformed)?;
        Ok(Told { attempt: Some(attempt), provider_id, fate, cost: None }.into())
    }

    fn status(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.get(&format!("/Calls/{provider_id}"), &[]))
    }

    fn fares(&self, answer: &Answer) -> Option<(String, Fate)> {
        let (status, answered_by) = resource::call(answer)?;
        let fate = fate(&status, answered_by.as_deref(), None);
        Some((status, fate))
    }

    /// A call that rings is not taken any more.
    fn stop(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.post(&format!("/Calls/{provider_id}"), resource::stop()))
    }

    fn stopped(&self, answer: &Answer) -> Option<Recall> {
        resource::call_stopped(answer)
    }

    /// One that was taken is hung up.
    fn erase(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.post(&format!("/Calls/{provider_id}"), resource::hang_up()))
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(self.login.check())
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        login::checked(answer)
    }
}

/// `CallStatus` and `AnsweredBy` are Twilio's lists; what the network answered to a call that failed goes by `sip-404`.
fn fate(status: &str, answered_by: Option<&str>, sip: Option<&str>) -> Fate {
    let failed = |code: String, fallback| Fate::Failed { code: Some(code), fallback };
    match (status, answered_by) {
        ("completed", Some("human")) => Fate::Delivered,
        ("completed", Some(machine)) if machine.starts_with("machine") || machine == "fax" => {
            failed(machine.to_owned(), Reason::NotAnswered)
        }
        ("initiated" | "completed", _) => Fate::Sent,
        ("busy" | "no-answer", _) => failed(status.to_owned(), Reason::NotAnswered),
        ("failed", _) => {
            failed(sip.map_or_else(|| status.to_owned(), |code| format!("sip-{code}")), Reason::Rejected)
        }
        // Nobody but us calls it off.
        ("canceled", _) => Fate::Failed { code: None, fallback: Reason::CalledOff },
        // queued, ringing, in-progress, and whatever Twilio adds.
        _ => Fate::Underway,
    }
}

fn ring_s() -> u64 {
    25
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
