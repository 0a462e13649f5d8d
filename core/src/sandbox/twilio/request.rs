//! What a caller sends, made into a message or refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// The form of a creation; parameters that the sandbox has no use for are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    to: Option<String>,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    body: Option<String>,
    content_sid: Option<String>,
    content_variables: Option<String>,
    status_callback: Option<String>,
}

impl Create {
    /// The kind of gateway that sends to such an address.
    pub(super) fn kind(&self) -> &'static str {
        let is_whatsapp = self.to.as_deref().is_some_and(|to| to.starts_with(WHATSAPP));
        if is_whatsapp { "twilio_whatsapp" } else { "twilio" }
    }

    /// What tells two creations of the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        let said = self.body.as_deref().or(self.content_variables.as_deref());
        Pair::new(number(self.to.as_deref().unwrap_or_default()), said.unwrap_or_default())
    }

    /// The message, and the URL that wants to hear of it.
    pub(super) fn message(self, account: &Account, now_ms: u64) -> Result<(Message, Option<String>), Error> {
        let text = self.text()?;
        let to = self.to.as_deref().map(number).filter(|to| is_e164(to)).ok_or(Error::ToInvalid)?.to_owned();
        let is_whatsapp = account.channel() == "whatsapp";
        let from = self.from.filter(|from| !from.is_empty());
        if from.as_deref().is_some_and(|from| from.starts_with(WHATSAPP) != is_whatsapp) {
            return Err(Error::Scripted(NO_CHANNEL));
        }
        let from = from.map(|from| number(&from).to_owned());
        let messaging_service_sid = self.messaging_service_sid.filter(|sid| !sid.is_empty());
        if from.is_none() && messaging_service_sid.is_none() {
            return Err(Error::FromMissing);
        }
        let callback_url = self.status_callback.filter(|url| !url.is_empty());
        if callback_url.as_deref().is_some_and(|url| !is_http_url(url)) {
            return Err(Error::CallbackInvalid);
        }
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to, channel, gateway, at: String::new(), text, id: sid("SM")? };
        let queued = Message::queued(entry, now_ms);
        Ok((Message { from, messaging_service_sid, ..queued }, callback_url))
    }

    /// Of a content template the variable 1, in the words of WhatsApp's authentication templates.
    fn text(&self) -> Result<String, Error> {
        if let Some(sid) = &self.content_sid {
            let variables = self.content_variables.as_deref().unwrap_or_default();
            let variables = serde_json::from_str::<BTreeMap<String, String>>(variables);
            let is_sid = sid.len() == 34 && sid.starts_with("HX");
            let code = variables.ok().and_then(|mut variables| variables.remove("1")).filter(|_| is_sid);
            let code = code.ok_or(Error::Scripted(NO_CONTENT))?;
            return Ok(format!(
                "{code} is your verification code. For your security, do not share this code."
            ));
        }
        let text = self.body.clone().filter(|text| !text.is_empty()).ok_or(Error::BodyMissing)?;
        if text.chars().count() > BODY_CHARS_MAX { Err(Error::BodyTooLong) } else { Ok(text) }
    }
}

/// A plus and 7 to 15 digits, of which the first is no zero.
pub(super) fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| is_number(digits) && !digits.starts_with('0'))
}

/// Other than ASCII is escaped when it is called, so that the URL seen there would not be the one that is signed.
pub(super) fn is_http_url(url: &str) -> bool {
    url.is_ascii()
        && reqwest::Url::parse(url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The number of an address such as `whatsapp:+919876543210`.
pub(super) fn number(address: &str) -> &str {
    address.strip_prefix(WHATSAPP).unwrap_or(address)
}

/// The prefix, `SM` or `CA`, and 32 hexadecimal digits.
pub(super) fn sid(prefix: &str) -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_no_entropy| Error::Internal)?;
    Ok(format!("{prefix}{:032x}", u128::from_be_bytes(bytes)))
}

/// What addresses on WhatsApp begin with.
pub(super) const WHATSAPP: &str = "whatsapp:";

/// The sender is none of this channel.
const NO_CHANNEL: u32 = 63_007;

/// The variables of a content template are invalid.
const NO_CONTENT: u32 = 21_656;

/// Twilio's own limit.
const BODY_CHARS_MAX: usize = 1_600;
