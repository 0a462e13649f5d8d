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
pub(super) struct Create {
    src: Option<String>,
    powerpack_uuid: Option<String>,
    dst: String,
    text: String,
    pub(super) url: Option<String>,
    message_expiry: Option<u64>,
}

impl Create {
    /// What tells two calls for the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(&self.dst, &self.text)
    }

    /// The message, by Plivo's rules; otherwise its words.
    pub(super) fn message(&self, account: &Account, now_ms: u64) -> Result<Message, String> {
        if self.src.is_some() == self.powerpack_uuid.is_some() {
            return Err("Specify either powerpack_uuid or src".to_owned());
        }
        let to = self.dst.trim_start_matches('+');
        if !is_number(to) {
            return Err(format!("{} is not a valid phone number.", self.dst));
        }
        if self.text.is_empty() || self.text.chars().count() > TEXT_CHARS_MAX {
            return Err("text must be 1 to 1600 characters".to_owned());
        }
        if self.message_expiry.is_some_and(|seconds| !(5..=10_800).contains(&seconds)) {
            return Err("message_expiry must be 5 to 10800".to_owned());
        }
        let id = ids::uuid().ok_or("internal error")?;
        let (channel, gateway, text) = (account.channel(), account.gateway().to_owned(), self.text.clone());
        let entry = Entry { to: format!("+{to}"), channel, gateway, at: String::new(), text, id };
        Ok(Message { from: self.src.clone(), ..Message::queued(entry, now_ms) })
    }
}

/// Plivo's own limit.
const TEXT_CHARS_MAX: usize = 1_600;
