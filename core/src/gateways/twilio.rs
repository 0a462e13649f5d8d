//! Twilio: text messages, WhatsApp and calls, all of them with the same kind of account.

mod login;
mod lookup;
pub mod messaging;
mod resource;
pub mod signature;
pub mod voice;
pub mod whatsapp;

use super::kinds::SecretName;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// What every kind of account needs to know.
const SECRETS: &[SecretName] = &[SecretName::new("auth_token", "the account's auth token")];
/// How often Twilio is asked after an unknown outcome.
const LOOKS_MAX: u8 = 2;

/// Whether a sender is a Messaging Service: a pool of numbers at Twilio.
fn is_pool(sender: &str) -> bool {
    sender.starts_with("MG") && is_sid(sender)
}

fn base_url() -> String {
    "https://api.twilio.com".into()
}

fn is_sid(text: &str) -> bool {
    text.len() == 34 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
