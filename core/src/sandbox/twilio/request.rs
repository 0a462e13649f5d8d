//! What a caller sends, made into a message or refused.

use serde::Deserialize;

use super::Error;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;

/// The form of a creation; parameters that the sandbox has no use for are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    to: Option<String>,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    body: Option<String>,
    status_callback: Option<String>,
}

impl Create {
    /// What tells two creations of the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(self.to.as_deref().unwrap_or_default(), self.body.as_deref().unwrap_or_default())
    }

    /// The message, and the URL that wants to hear of it.
    pub(super) fn message(self, account: &Account, now_ms: u64) -> Result<(Message, Option<String>), Error> {
        let to = self.to.filter(|to| is_e164(to)).ok_or(Error::ToInvalid)?;
        let from = self.from.filter(|from| !from.is_empty());
        let messaging_service_sid = self.messaging_service_sid.filter(|sid| !sid.is_empty());
        if from.is_none() && messaging_service_sid.is_none() {
            return Err(Error::FromMissing);
        }
        let text = self.body.filter(|text| !text.is_empty()).ok_or(Error::BodyMissing)?;
        if text.chars().count() > BODY_CHARS_MAX {
            return Err(Error::BodyTooLong);
        }
        let callback_url = self.status_callback.filter(|url| !url.is_empty());
        if callback_url.as_deref().is_some_and(|url| !is_http_url(url)) {
            return Err(Error::CallbackInvalid);
        }
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to, channel, gateway, at: String::new(), text, id: message_sid()? };
        let queued = Message::queued(entry, now_ms);
        Ok((Message { from, messaging_service_sid, ..queued }, callback_url))
    }
}

/// A plus and 7 to 15 digits, of which the first is no zero.
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// Other than ASCII is escaped when it is called, so that the URL seen there would not be the one that is signed.
fn is_http_url(url: &str) -> bool {
    url.is_ascii()
        && reqwest::Url::parse(url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// `SM` and 32 hexadecimal digits.
fn message_sid() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_no_entropy| Error::Internal)?;
    Ok(format!("SM{:032x}", u128::from_be_bytes(bytes)))
}

/// Twilio's own limit.
const BODY_CHARS_MAX: usize = 1_600;
