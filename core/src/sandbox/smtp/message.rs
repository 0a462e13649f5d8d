//! A message, as the inbox shows it.

use mail_parser::MessageParser;

use super::command::Path;
use super::report;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::clock;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::journey::Teller;

/// What is of interest in a message.
pub(super) struct Mail {
    text: String,
    message_id: String,
}

/// Reads it; nothing where it has no text or no Message-ID.
pub(super) fn read(raw: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(raw)?;
    let text = message.body_text(0)?.replace("\r\n", "\n").trim_end().to_owned();
    Some(Mail { text, message_id: message.message_id()?.to_owned() })
}

impl Mail {
    /// What makes two of them the same message.
    pub(super) fn pair(&self, to: &str) -> Pair {
        Pair::new(to, &self.text)
    }

    /// The message in the inbox, and how its reports are told.
    pub(super) fn taken(self, account: &Account, sender: &Path, recipient: &Path) -> (Message, Teller) {
        let teller = report::teller(account, sender, recipient, self.message_id.clone());
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let to = recipient.address.clone();
        let entry = Entry { to, channel, gateway, at: String::new(), text: self.text, id: self.message_id };
        let queued = Message::queued(entry, clock::now_ms());
        (Message { from: Some(account.sender().to_owned()), ..queued }, teller)
    }
}
