//! Every kind of gateway there is. A new adapter is a module, an entry here, a table of codes, and a provider in the sandbox.

use std::fmt;

use tiffin_shared::directory::Payments;
use tiffin_shared::wire::api::Channel;
use toml::Value;

use super::account::Account;
use super::account::Secrets;
use super::adapter::HttpAdapter;
use super::aws_sms;
use super::aws_sns;
use super::http;
use super::infobip;
use super::msg91;
use super::plivo;
use super::smpp;
use super::smpp::Smpp;
use super::smtp;
use super::telegram;
use super::twilio;
use super::vonage_messages;
use super::vonage_sms;
use super::whatsapp;
use crate::config::Sandbox;

/// A kind of gateway.
pub struct Kind {
    /// As it stands in `tiffin.toml`.
    pub name: &'static str,
    /// What it delivers.
    pub channel: Channel,
    /// Whose table its codes are in.
    pub codes: &'static str,
    /// What it needs to know in secret.
    pub secrets: &'static [SecretName],
    /// How its callbacks prove where they come from.
    pub door: Door,
    /// Whether receipts name the message by the provider's id alone.
    pub is_indexed: bool,
    /// Whether its messages show what a code approves.
    pub payments: fn(&Account) -> Payments,
    /// Whether an account's keys and senders can be used.
    pub check: fn(&Account) -> Result<(), String>,
    /// Makes the adapter.
    pub make: fn(&Account, &Secrets) -> Result<Adapter, String>,
}

/// A secret of an account.
pub struct SecretName {
    /// In lower case; the environment has it in upper case behind the gateway's name.
    pub name: &'static str,
    /// In plain words.
    pub what: &'static str,
    /// Whether an account may do without it.
    pub is_optional: bool,
    /// Whether most accounts have it all the same.
    pub is_usual: bool,
    /// The longest that the protocol has room for.
    pub chars_max: usize,
}

/// How a provider's callbacks prove where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// They are signed.
    Signed,
    /// They are not: they come to an address with a secret in it, and count as hints.
    Secret,
    /// Each bears a check of ours, and they come to an address with a secret in it: whoever has seen a message has seen its
    /// check.
    Tagged,
    /// They are signed where the account has this secret, and not where it has not.
    SignedWith(&'static str),
}

impl Door {
    /// Which of the others it is for an account.
    pub fn of(self, secrets: &Secrets) -> Self {
        match self {
            Self::Secret | Self::Signed | Self::Tagged => self,
            Self::SignedWith(secret) if secrets.find(secret).is_some() => Self::Signed,
            Self::SignedWith(_) => Self::Secret,
        }
    }
}

/// An adapter, by how it reaches its provider.
pub enum Adapter {
    /// Over HTTP.
    Http(Box<dyn HttpAdapter>),
    /// Over sessions with an SMSC.
    Smpp(Box<Smpp>),
    /// By mail.
    Smtp(Box<smtp::Smtp>),
}

/// Every kind.
pub const ALL: &[Kind] = &[
    aws_sms::KIND,
    aws_sns::KIND,
    http::KIND,
    infobip::KIND,
    msg91::KIND,
    plivo::KIND,
    smpp::KIND,
    smtp::KIND,
    telegram::KIND,
    twilio::messaging::KIND,
    twilio::voice::KIND,
    twilio::whatsapp::KIND,
    vonage_messages::KIND,
    vonage_sms::KIND,
    whatsapp::KIND,
];

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}

/// Whether a key belongs to no file: it is a secret of some kind, or names the file with one.
pub fn is_secret(key: &str) -> bool {
    let name = key.strip_suffix("_file").unwrap_or(key);
    name == CALLBACK_SECRET || ALL.iter().flat_map(|kind| kind.secrets).any(|secret| secret.name == name)
}

/// The secret in the callback address of a provider that signs nothing.
pub const CALLBACK_SECRET: &str = "callback_secret";

impl Kind {
    /// Where the sandbox plays this kind's provider: keys of an account, with their values.
    pub fn sandboxed(&self, sandbox: &Sandbox) -> Vec<(&'static str, Value)> {
        let text = |value: String| Value::String(value);
        let http = |path: &str| text(format!("http://{}{path}", sandbox.listen));
        match self.name {
            "aws_sms" | "aws_sns" => vec![("base_url", http("/aws"))],
            "http" => vec![("url", http("/http/messages"))],
            "smpp" => vec![
                ("host", text(sandbox.smpp_listen.ip().to_string())),
                ("port", Value::Integer(sandbox.smpp_listen.port().into())),
            ],
            "smtp" => smtp::settings::sandboxed(sandbox.smtp_listen),
            "vonage_messages" => vec![("base_url", http("")), ("balance_url", http(""))],
            _ => vec![("base_url", http(""))],
        }
    }
}

impl SecretName {
    /// One that every account of the kind has.
    pub const fn new(name: &'static str, what: &'static str) -> Self {
        Self { name, what, is_optional: false, is_usual: true, chars_max: usize::MAX }
    }

    /// One with room for so many characters.
    pub const fn at_most(self, chars_max: usize) -> Self {
        Self { chars_max, ..self }
    }

    /// One that an account may do without.
    pub const fn optional(name: &'static str, what: &'static str) -> Self {
        Self { name, what, is_optional: true, is_usual: false, chars_max: usize::MAX }
    }

    /// One that an account may do without, and that most have: `tiffin keys make` makes it.
    pub const fn usual(name: &'static str, what: &'static str) -> Self {
        Self { name, what, is_optional: true, is_usual: true, chars_max: usize::MAX }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
