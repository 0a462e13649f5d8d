//! The keys of an SMPP account in `tiffin.toml`.

use std::path::PathBuf;

use serde::Deserialize;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;

use super::message_id::MessageIds;
use super::session::Role;
use crate::gateways::call::CALL_TIMEOUT;

/// More binds than this are no operator's.
const BINDS_MAX: u8 = 16;
/// Beyond this a window holds back nothing.
const WINDOW_MAX: u16 = 1_000;
/// SMPP 3.4, 5.2.1 to 5.2.3, without the closing octet.
const SYSTEM_ID_CHARS_MAX: usize = 15;
pub(super) const PASSWORD_CHARS_MAX: usize = 8;
const SYSTEM_TYPE_CHARS_MAX: usize = 12;

/// What one account needs beside what every gateway has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The SMSC.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// TLS from the first octet; the certificate must be for `host`.
    #[serde(default)]
    pub tls: bool,
    /// A PEM file with the authorities that are trusted in place of the system's.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
    /// Who we are: up to 15 characters.
    pub system_id: String,
    /// What kind of system we are, where the SMSC asks for it: up to 12 characters.
    #[serde(default)]
    pub system_type: String,
    /// One session for both directions, or one for each.
    #[serde(default)]
    pub bind: Bind,
    /// Sessions at once; with `bind = "separate"` pairs of them.
    #[serde(default = "binds")]
    pub binds: u8,
    /// Messages without an answer at once, on each session.
    #[serde(default = "window")]
    pub window: u16,
    /// The SMSC is asked for a sign of life after this much silence.
    #[serde(default = "enquire_link_ms")]
    pub enquire_link_ms: u64,
    /// How long an answer may take; after that the outcome is unknown.
    #[serde(default = "response_timeout_ms")]
    pub response_timeout_ms: u64,
    /// How the ids of receipts relate to those of answers.
    #[serde(default)]
    pub message_id: MessageIds,
    /// How a text that does not fit one message goes.
    #[serde(default)]
    pub long_messages: LongMessages,
    /// Whether messages carry `user_message_reference`: where the SMSC gives it back, a receipt tells of its message even when
    /// the answer was lost.
    #[serde(default = "reference_tlv")]
    pub reference_tlv: bool,
    /// Where India's DLT ids go; without it they are left out.
    #[serde(default)]
    pub dlt_tags: Option<DltTags>,
}

/// Sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bind {
    /// `bind_transceiver`.
    #[default]
    Transceiver,
    /// `bind_transmitter` and `bind_receiver`, for an SMSC without the other.
    Separate,
}

/// Long messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongMessages {
    /// Parts with a user data header.
    #[default]
    Udh,
    /// Parts with the `sar_…` TLVs.
    Sar,
    /// In one piece, as `message_payload`.
    Payload,
}

/// TLV tags for India's DLT ids. Operators differ; 0x1400 and 0x1401 are common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DltTags {
    /// Of the entity's id.
    pub entity: u16,
    /// Of the template's id.
    pub template: u16,
}

impl Keys {
    /// What is wrong with them, with the key in front.
    pub fn check(&self) -> Result<(), String> {
        let response_ms_max = u64::try_from(CALL_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        let numbers = [
            ("binds", u64::from(self.binds), 1, u64::from(BINDS_MAX)),
            ("window", u64::from(self.window), 1, u64::from(WINDOW_MAX)),
            ("enquire_link_ms", self.enquire_link_ms, 100, 10 * MINUTE_MS),
            ("response_timeout_ms", self.response_timeout_ms, 100, response_ms_max),
        ];
        for (key, number, least, most) in numbers {
            if !(least..=most).contains(&number) {
                return Err(format!("{key}: must be {least} to {most}"));
            }
        }
        let texts = [
            ("system_id", &self.system_id, 1, SYSTEM_ID_CHARS_MAX),
            ("system_type", &self.system_type, 0, SYSTEM_TYPE_CHARS_MAX),
        ];
        for (key, text, least, most) in texts {
            if !(least..=most).contains(&text.len()) || !is_visible(text) {
                return Err(format!("{key}: must be {least} to {most} visible ASCII characters"));
            }
        }
        if self.host.is_empty() {
            return Err("host: must not be empty".into());
        }
        Ok(())
    }

    /// Whether a password can be sent at all.
    pub fn check_password(password: &str) -> Result<(), String> {
        if password.len() > PASSWORD_CHARS_MAX || !is_visible(password) {
            return Err(format!("must be at most {PASSWORD_CHARS_MAX} visible ASCII characters"));
        }
        Ok(())
    }

    /// The sessions to keep.
    pub fn roles(&self) -> Vec<Role> {
        let roles: &[Role] = match self.bind {
            Bind::Transceiver => &[Role::Transceiver],
            Bind::Separate => &[Role::Transmitter, Role::Receiver],
        };
        (0..self.binds).flat_map(|_| roles.iter().copied()).collect()
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// The port that is registered for SMPP.
fn port() -> u16 {
    2775
}

fn binds() -> u8 {
    1
}

/// What most operators allow.
fn window() -> u16 {
    10
}

fn enquire_link_ms() -> u64 {
    30 * SECOND_MS
}

/// Within the time of a call, with room to be written.
fn response_timeout_ms() -> u64 {
    8 * SECOND_MS
}

fn reference_tlv() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(more: &str) -> Result<Keys, String> {
        let text = format!("host = \"127.0.0.1\"\nsystem_id = \"tiffin\"\n{more}");
        let keys: Keys = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        keys.check().map(|()| keys)
    }

    #[test]
    fn a_host_and_an_id_are_enough() {
        let keys = keys("").unwrap();
        assert_eq!((keys.port, keys.window, keys.binds, keys.tls), (2775, 10, 1, false));
        assert_eq!(keys.roles(), [Role::Transceiver]);
    }

    #[test]
    fn keys_say_what_they_take() {
        let all = "tls = true\nbind = \"separate\"\nbinds = 2\nlong_messages = \"sar\"\nmessage_id = \"hex_to_decimal\"\n\
                   dlt_tags = { entity = 0x1400, template = 0x1401 }";
        let read = keys(all).unwrap();
        assert_eq!(read.roles().len(), 4);
        assert_eq!(read.dlt_tags, Some(DltTags { entity: 0x1400, template: 0x1401 }));
        for wrong in [
            "window = 0",
            "binds = 17",
            "response_timeout_ms = 10001",
            "enquire_link_ms = 0",
            "system_type = \"thirteen char\"",
            "unknown = 1",
        ] {
            assert!(keys(wrong).is_err(), "{wrong}");
        }
        assert!(Keys::check_password("secret08").is_ok());
        assert!(Keys::check_password("secret-09").is_err());
    }
}
