//! What a caller sends, made into a message or refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Error;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;

/// A template message.
#[derive(Deserialize)]
pub(super) struct Create {
    messaging_product: String,
    to: String,
    #[serde(rename = "type")]
    kind: String,
    template: Template,
    biz_opaque_callback_data: Option<String>,
}

#[derive(Deserialize)]
struct Template {
    name: String,
    language: Language,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Language {
    code: String,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    sub_type: Option<String>,
    index: Option<String>,
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

impl Create {
    pub(super) fn read(body: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(|_error| Error::Parameter("the body is no template message"))
    }

    /// What tells two creations of the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(&address(&self.to), self.code().unwrap_or_default())
    }

    /// The message, and what its receipts repeat.
    pub(super) fn message(self, account: &Account, now_ms: u64) -> Result<(Message, Option<String>), Error> {
        if self.messaging_product != "whatsapp" || self.kind != "template" {
            return Err(Error::Parameter("messaging_product and type"));
        }
        let to = address(&self.to);
        if !(8..=16).contains(&to.len()) || !to.bytes().skip(1).all(|digit| digit.is_ascii_digit()) {
            return Err(Error::Parameter("to"));
        }
        if self.template.name.is_empty() || self.template.language.code.is_empty() {
            return Err(Error::Scripted(NO_TEMPLATE));
        }
        let code = self.code().filter(|code| (1..=CODE_CHARS_MAX).contains(&code.len()));
        let code = code.ok_or(Error::Scripted(PARAMETERS_MISMATCH))?;
        let reference = self.biz_opaque_callback_data.clone();
        if reference.as_ref().is_some_and(|reference| reference.len() > REFERENCE_CHARS_MAX) {
            return Err(Error::Parameter("biz_opaque_callback_data"));
        }
        let text = format!("{code} is your verification code. For your security, do not share this code.");
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to, channel, gateway, at: String::new(), text, id: message_id()? };
        let queued = Message::queued(entry, now_ms);
        Ok((Message { from: Some(super::SHOWN_NUMBER.to_owned()), ..queued }, reference))
    }

    /// The code, where body and button have the same.
    fn code(&self) -> Option<&str> {
        let only = |component: &'_ Component| match component.parameters.as_slice() {
            [parameter] if parameter.kind == "text" => Some(parameter.text.clone()),
            _ => None,
        };
        let find = |is_it: fn(&Component) -> bool| self.template.components.iter().find(|it| is_it(it));
        let body = find(|it| it.kind == "body")?;
        let is_button = |it: &Component| it.kind == "button" && it.sub_type.as_deref() == Some("url");
        let button = find(is_button).filter(|it| it.index.as_deref() == Some("0"))?;
        let is_same = only(body).is_some() && only(body) == only(button);
        body.parameters.first().map(|parameter| parameter.text.as_str()).filter(|_| is_same)
    }
}

/// In international format; Meta takes it without the plus, too.
fn address(to: &str) -> String {
    format!("+{}", to.trim_start_matches('+'))
}

/// `wamid.` and base64.
fn message_id() -> Result<String, Error> {
    let mut bytes = [0; 36];
    getrandom::fill(&mut bytes).map_err(|_no_entropy| Error::Internal)?;
    Ok(format!("wamid.{}", STANDARD.encode(bytes)))
}

/// The template does not exist in the language.
const NO_TEMPLATE: u32 = 132_001;
/// The number of variables is not the template's.
const PARAMETERS_MISMATCH: u32 = 132_000;
/// Meta's limits.
const CODE_CHARS_MAX: usize = 15;
const REFERENCE_CHARS_MAX: usize = 512;
