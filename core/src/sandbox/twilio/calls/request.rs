//! What a caller sends, made into a call or refused.

use super::said;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::twilio::Error;
use crate::sandbox::twilio::request::is_e164;
use crate::sandbox::twilio::request::is_http_url;
use crate::sandbox::twilio::request::sid;

/// The form of a creation; parameters that the sandbox has no use for are ignored.
pub(super) struct Create(Vec<(String, String)>);

/// Who wants to hear of the call, and of what.
pub(super) struct Wishes {
    pub(super) url: Option<String>,
    pub(super) events: Vec<String>,
    pub(super) detects_machines: bool,
}

impl Create {
    pub(super) fn read(form: Vec<(String, String)>) -> Self {
        Self(form)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| &**value)
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// What tells two creations of the same call from two calls.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(self.one("To").unwrap_or_default(), self.one("Twiml").unwrap_or_default())
    }

    pub(super) fn message(self, account: &Account, now_ms: u64) -> Result<(Message, Wishes), Error> {
        let to = self.one("To").filter(|to| is_e164(to)).ok_or(Error::ToInvalid)?.to_owned();
        let from = self.one("From").filter(|from| is_e164(from)).ok_or(Error::Scripted(FROM_INVALID))?;
        let twiml = self.one("Twiml").ok_or(Error::Scripted(URL_INVALID))?;
        if twiml.chars().count() > crate::gateways::twilio::voice::TWIML_CHARS_MAX {
            return Err(Error::Parameter("Twiml is longer than 4000 characters".to_owned()));
        }
        let text = said::read(twiml).ok_or(Error::TwimlInvalid)?;
        let url = self.one("StatusCallback").map(str::to_owned);
        if url.as_deref().is_some_and(|url| !is_http_url(url)) {
            return Err(Error::CallbackInvalid);
        }
        let events = self.all("StatusCallbackEvent").map(str::to_owned).collect();
        let wishes = Wishes { url, events, detects_machines: self.one("MachineDetection").is_some() };
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to, channel, gateway, at: String::new(), text, id: sid("CA")? };
        Ok((Message { from: Some(from.to_owned()), ..Message::queued(entry, now_ms) }, wishes))
    }
}

/// 'From' is no valid number.
const FROM_INVALID: u32 = 21_212;

/// There is neither an address nor markup.
const URL_INVALID: u32 = 21_205;
