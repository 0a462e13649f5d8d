//! What a caller sends, made into a message or refused by the name of Telegram's error.

use serde::Deserialize;

use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::number::is_number;

/// The parameters of `sendVerificationMessage`; one without a code, which Telegram would make up, is refused.
#[derive(Deserialize)]
pub(super) struct Create {
    phone_number: String,
    #[serde(default)]
    code: String,
    ttl: Option<u64>,
    payload: Option<String>,
    callback_url: Option<String>,
}

/// Who wants to hear of the message, and with which words of his own.
pub(super) struct Told {
    pub(super) url: Option<String>,
    pub(super) payload: Option<String>,
}

impl Create {
    pub(super) fn read(body: &[u8]) -> Result<Self, &'static str> {
        serde_json::from_slice(body).map_err(|_error| "PHONE_NUMBER_INVALID")
    }

    /// What tells two creations of the same message from two messages.
    pub(super) fn pair(&self) -> Pair {
        Pair::new(&self.phone_number, &self.code)
    }

    pub(super) fn told(&self) -> Told {
        Told { url: self.callback_url.clone(), payload: self.payload.clone() }
    }

    pub(super) fn message(self, account: &Account, now_ms: u64) -> Result<Message, &'static str> {
        let digits = self.phone_number.strip_prefix('+').unwrap_or_default();
        if !is_number(digits) {
            return Err("PHONE_NUMBER_INVALID");
        }
        if !(4..=8).contains(&self.code.len()) || !self.code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err("CODE_INVALID");
        }
        if self.ttl.is_some_and(|ttl| !(30..=3_600).contains(&ttl)) {
            return Err("TTL_INVALID");
        }
        if self.payload.is_some_and(|payload| payload.len() > PAYLOAD_BYTES_MAX) {
            return Err("PAYLOAD_INVALID");
        }
        // Telegram itself wants https; here the receiver is a process on this machine.
        if self
            .callback_url
            .is_some_and(|url| url.len() > URL_BYTES_MAX || reqwest::Url::parse(&url).is_err())
        {
            return Err("CALLBACK_URL_INVALID");
        }
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|_no_entropy| "INTERNAL")?;
        let id = u64::from_be_bytes(bytes).to_string();
        let text = format!("{} is your verification code. Do not share it with anyone.", self.code);
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry { to: self.phone_number, channel, gateway, at: String::new(), text, id };
        Ok(Message { from: Some("Telegram".to_owned()), ..Message::queued(entry, now_ms) })
    }
}

/// Telegram's limits.
const PAYLOAD_BYTES_MAX: usize = 128;
const URL_BYTES_MAX: usize = 256;
