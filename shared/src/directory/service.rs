//! What a code is for.

use serde::Deserialize;
use serde::Serialize;

use super::Refund;
use crate::autofill::Autofill;
use crate::code;
use crate::text::Counted;
use crate::text::Template;
use crate::text::dlt::Dlt;
use crate::text::template;
use crate::time::MINUTE_MS;
use crate::wire::api::Channel;

/// The shortest life of a code.
pub const TTL_MS_MIN: u64 = MINUTE_MS;
/// The longest life of a code: NIST SP 800-63B-4 section 3.1.3.2.
pub const TTL_MS_MAX: u64 = 10 * MINUTE_MS;
/// The longest brand in a message.
pub const BRAND_CHARS_MAX: usize = 30;

/// What a code is for, and how it is made and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Named in the message: 1–30 printable characters.
    pub brand: String,
    /// Digits of a code: 4–10, default 6.
    #[serde(default = "default_digits")]
    pub digits: u8,
    /// Life of a code in milliseconds: one to ten minutes, default five.
    #[serde(default = "default_ttl_ms")]
    pub ttl_ms: u64,
    /// High-risk codes never go by SMS. An order may raise its own risk, never lower it.
    #[serde(default)]
    pub risk: Risk,
    /// Channels with a live route, best first.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// How long a message usually takes, in milliseconds: 1,000 to the life of the code, default 12,000. After that
    /// it is overdue: it can be cancelled, and other ways are worth a try.
    #[serde(default = "default_waiting_ms")]
    pub waiting_ms: u64,
    /// Lets phones and browsers fill in its codes; by SMS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autofill: Option<Autofill>,
    /// Its own words, in place of those that come with Tiffin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
    /// Its registration with India's operators, without which no SMS goes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dlt: Option<Dlt>,
    /// What its text messages take, as core counted it. Not a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Counted>,
    /// Whether a number's SIM is checked before a code goes there by SMS or voice. Without it, where its risk is high and the
    /// installation has whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim_swap: Option<bool>,
    /// When its tenant, where it pays, gets back what was charged; every rule where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunds: Option<Vec<Refund>>,
}

/// How much a stolen code would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Any channel.
    #[default]
    Normal,
    /// No SMS.
    High,
}

impl Risk {
    /// Whether a code of this risk may go by `channel` to who has such addresses. SMS can be rerouted in the
    /// signalling network (SS7), so a high-risk code never goes that way. Telegram and WhatsApp deliver to apps that are
    /// logged in already: a number that is rerouted for a moment does not get them.
    pub fn permits(self, channel: Channel, by_phone: bool, by_email: bool) -> bool {
        match channel {
            Channel::Email => by_email,
            Channel::Sms => by_phone && self < Self::High,
            Channel::Telegram | Channel::Voice | Channel::Whatsapp => by_phone,
        }
    }
}

impl Service {
    /// What a message on this channel carries for machines: they read text messages, and no others.
    pub fn autofill_by(&self, channel: Channel) -> Option<&Autofill> {
        self.autofill.as_ref().filter(|_| channel == Channel::Sms)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let brand_chars = self.brand.chars().count();
        if brand_chars == 0 || brand_chars > BRAND_CHARS_MAX || self.brand.chars().any(char::is_control) {
            return Err("brand: must be 1 to 30 printable characters".to_owned());
        }
        // A line that starts so is one for machines: a template may start with the brand.
        if self.brand.starts_with('@') {
            return Err("brand: must not start with '@'".to_owned());
        }
        if !(code::DIGITS_MIN..=code::DIGITS_MAX).contains(&self.digits) {
            return Err("digits: must be 4 to 10".to_owned());
        }
        if !(TTL_MS_MIN..=TTL_MS_MAX).contains(&self.ttl_ms) {
            return Err("ttl_ms: must be one to ten minutes, 60000 to 600000".to_owned());
        }
        if !(1_000..=self.ttl_ms).contains(&self.waiting_ms) {
            return Err("waiting_ms: must be 1000 to the life of the code".to_owned());
        }
        self.autofill.as_ref().map_or(Ok(()), Autofill::check)?;
        self.dlt.as_ref().map_or(Ok(()), Dlt::check)?;
        template::check_all(&self.templates)
    }
}

fn default_digits() -> u8 {
    6
}

fn default_waiting_ms() -> u64 {
    12_000
}

fn default_ttl_ms() -> u64 {
    5 * MINUTE_MS
}
