//! What a caller sends, made into a message or refused.

use serde::Deserialize;

use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// A text message; what the sandbox has no use for is ignored.
#[derive(Deserialize)]
pub(super) struct Send {
    channel: String,
    message_type: String,
    to: String,
    from: String,
    text: String,
    ttl: Option<u64>,
    pub(super) client_ref: Option<String>,
    pub(super) webhook_url: Option<String>,
}

/// The code of a refusal.
pub(super) struct Refused(pub(super) &'static str);

impl Send {
    /// What tells two calls for the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(&self.to, &self.text)
    }

    /// The message, by Vonage's rules.
    pub(super) fn message(&self, account: &Account, now_ms: u64) -> Result<Message, Refused> {
        if self.channel != "sms" || self.message_type != "text" || self.text.is_empty() {
            return Err(Refused("1020"));
        }
        if !is_number(&self.to) || self.to.starts_with('0') {
            return Err(Refused("1430"));
        }
        if self.from.is_empty() || self.from.starts_with('+') {
            return Err(Refused("1120"));
        }
        if self.text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refused("1090"));
        }
        if self.ttl.is_some_and(|ttl| !(20..=604_800).contains(&ttl)) {
            return Err(Refused("1130"));
        }
        if self.client_ref.as_deref().is_some_and(|reference| reference.len() > CLIENT_REF_CHARS_MAX) {
            return Err(Refused("1020"));
        }
        let id = ids::uuid().ok_or(Refused("1030"))?;
        let (channel, gateway, text) = (account.channel(), account.gateway().to_owned(), self.text.clone());
        let entry = Entry { to: format!("+{}", self.to), channel, gateway, at: String::new(), text, id };
        Ok(Message { from: Some(self.from.clone()), ..Message::queued(entry, now_ms) })
    }
}

/// What Vonage's own library takes.
const TEXT_CHARS_MAX: usize = 3_200;

/// Vonage's own limit.
const CLIENT_REF_CHARS_MAX: usize = 100;
