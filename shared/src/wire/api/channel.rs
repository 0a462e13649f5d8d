//! Ways to reach a person.

use serde::Deserialize;
use serde::Serialize;

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mailbox.
    Email,
    /// A text message.
    Sms,
    /// A Telegram message.
    Telegram,
    /// A call that reads the code.
    Voice,
    /// A WhatsApp message.
    Whatsapp,
}

impl Channel {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Telegram => "telegram",
            Self::Voice => "voice",
            Self::Whatsapp => "whatsapp",
        }
    }
}

/// Which channel the caller asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelChoice {
    /// The best one with a live route.
    #[default]
    Auto,
    /// Email only.
    Email,
    /// SMS only.
    Sms,
    /// Telegram only.
    Telegram,
    /// Voice only.
    Voice,
    /// WhatsApp only.
    Whatsapp,
}

impl ChannelChoice {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Email => Channel::Email.as_str(),
            Self::Sms => Channel::Sms.as_str(),
            Self::Telegram => Channel::Telegram.as_str(),
            Self::Voice => Channel::Voice.as_str(),
            Self::Whatsapp => Channel::Whatsapp.as_str(),
        }
    }

    /// Whether `channel` would do.
    pub fn allows(self, channel: Channel) -> bool {
        match self {
            Self::Auto => true,
            Self::Email => channel == Channel::Email,
            Self::Sms => channel == Channel::Sms,
            Self::Telegram => channel == Channel::Telegram,
            Self::Voice => channel == Channel::Voice,
            Self::Whatsapp => channel == Channel::Whatsapp,
        }
    }
}
