//! What a caller sends, made into a message or refused.

use serde::Deserialize;

use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// A request for one message; what the sandbox has no use for is ignored.
#[derive(Deserialize)]
pub(super) struct Envelope {
    messages: [Create; 1],
}

#[derive(Deserialize)]
pub(super) struct Create {
    sender: Option<String>,
    destinations: [Destination; 1],
    content: Content,
    pub(super) webhooks: Option<Webhooks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Destination {
    to: String,
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    text: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhooks {
    pub(super) delivery: Option<Delivery>,
    pub(super) callback_data: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Delivery {
    pub(super) url: Option<String>,
}

/// The name of the status with which a message is refused.
pub(super) struct Refused(pub(super) &'static str);

impl Envelope {
    /// The one message.
    pub(super) fn message(self) -> Create {
        let [create] = self.messages;
        create
    }
}

impl Create {
    fn destination(&self) -> &Destination {
        let [destination] = &self.destinations;
        destination
    }

    /// What tells two calls for the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(&self.destination().to, &self.content.text)
    }

    /// The message, by Infobip's rules.
    pub(super) fn message(
        &self,
        account: &Account,
        is_known: impl Fn(&str) -> bool,
        now_ms: u64,
    ) -> Result<Message, Refused> {
        let to = self.destination().to.trim_start_matches('+');
        if to.is_empty() {
            return Err(Refused("MISSING_TO"));
        }
        if !is_number(to) {
            return Err(Refused("REJECTED_DESTINATION"));
        }
        if self.content.text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refused("REJECTED_MESSAGE_TOO_LONG"));
        }
        let given = self.destination().message_id.clone();
        if given.as_deref().is_some_and(is_known) {
            return Err(Refused("REJECTED_DUPLICATE_MESSAGE_ID"));
        }
        let id = given.or_else(ids::uuid).ok_or(Refused("REJECTED_SYSTEM_ERROR"))?;
        let (channel, gateway, text) =
            (account.channel(), account.gateway().to_owned(), self.content.text.clone());
        let entry = Entry { to: format!("+{to}"), channel, gateway, at: String::new(), text, id };
        Ok(Message { from: self.sender.clone(), ..Message::queued(entry, now_ms) })
    }
}

/// Twenty-five parts.
const TEXT_CHARS_MAX: usize = 4_000;
