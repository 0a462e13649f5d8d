//! What a caller sends, made into a message or refused.

use serde_json::Map;
use serde_json::Value;

use crate::sandbox::Account;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// What MSG91 calls a request.
const ID_DIGITS: usize = 24;

/// A request for one message.
pub(super) struct Flow {
    /// In international format.
    pub(super) to: String,
    /// The variables with their values.
    pub(super) text: String,
    sender: Option<String>,
}

impl Flow {
    /// From the body; or MSG91's words for what is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let flow: Map<String, Value> = serde_json::from_slice(body).map_err(|_| "Invalid JSON")?;
        let template = ["template_id", "flow_id"].into_iter().find_map(|name| flow.get(name)?.as_str());
        let template = template.filter(|id| !id.is_empty()).ok_or("template id missing")?;
        let recipients = flow.get("recipients").and_then(Value::as_array).ok_or("recipients missing")?;
        let [Value::Object(recipient)] = recipients.as_slice() else { return Err("one recipient at a time") };
        let number = recipient.get("mobiles").and_then(Value::as_str).unwrap_or_default();
        if !is_number(number) {
            return Err("Invalid mobile number");
        }
        let mut text = format!("Flow {template}:");
        for (name, value) in recipient.iter().filter(|(name, _)| *name != "mobiles") {
            text.push_str(&format!(" {name} {}", value.as_str().ok_or("values are text")?));
        }
        let sender = flow.get("sender").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { to: format!("+{number}"), text, sender })
    }

    /// The message, under an id of its own.
    pub(super) fn message(self, account: &Account) -> Result<Message, &'static str> {
        let id = ids::hex(ID_DIGITS).ok_or("Internal error")?;
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to: self.to, channel, gateway, at: String::new(), text: self.text, id };
        Ok(Message { from: self.sender, ..Message::queued(entry, clock::now_ms()) })
    }
}
