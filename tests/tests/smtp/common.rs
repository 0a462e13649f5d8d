//! A gateway, a message, and a certificate of our own.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::account::Account;
use tiffin_core::gateways::account::Secrets;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::To;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Told;
use tiffin_core::gateways::smtp::Smtp;
use tiffin_shared::http::Request;
use tiffin_shared::route::Sender;
use tiffin_shared::text::Locale;
use tiffin_shared::time::UnixMs;
use tiffin_tests::message::PHONE;
use tiffin_tests::message::Parts;

pub const USER: &str = "tiffin";
pub const PASSWORD: &str = "Secret of the server";
pub const SECRET: &str = "secret of the bounces";
pub const HTML: &str = "<p><b>482915</b> ist dein Läden-Code.</p>";
pub const TEXT: &str = "482915 ist dein Läden-Code.\n.\nEr gilt 5 Minuten.";

/// A certificate for 127.0.0.1 and its key, in files.
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    pub fn make(dir: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { certificate, key })
    }
}

/// A gateway called `mail`, with `changes` to the usual keys; a null takes one away.
pub fn gateway(port: u16, ca_file: &Path, password: &str, changes: &Value) -> anyhow::Result<Smtp> {
    let mut keys = json!({
        "name": "mail",
        "kind": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "user": USER,
        "from": "Shop <codes@shop.example>",
        "bounce_domain": "bounces.example",
        "hello": "tiffin.shop.example",
        "ca_file": ca_file,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        keys[key] = value.clone();
    }
    keys.as_object_mut().into_iter().for_each(|keys| keys.retain(|_, value| !value.is_null()));
    let account: Account = serde_json::from_value(keys)?;
    let variable = |name: &str| match name {
        "TIFFIN_GATEWAY_MAIL_PASSWORD" => Some(password.to_owned()),
        "TIFFIN_GATEWAY_MAIL_BOUNCE_KEY" => Some(SECRET.to_owned()),
        _ => None,
    };
    let secrets = Secrets::read(&account, variable).map_err(anyhow::Error::msg)?;
    Smtp::new(&account, &secrets).map_err(anyhow::Error::msg)
}

/// What the gateway makes of a message that was piped to its callback address.
pub fn hear(gateway: &Smtp, raw: &[u8]) -> Result<Vec<Told>, CallbackError> {
    let request = Request { body: raw.to_vec(), ..Request::default() };
    let now = UnixMs(1_795_168_900_000);
    let callback = Callback { url: "", request: &request, attempt: None, certificate: None, now };
    gateway.hear(&callback).map(|heard| heard.told)
}

/// Sends the second attempt of order 1 to a mailbox.
pub async fn send(gateway: &Smtp, to: &str) -> Answered {
    send_attempt(gateway, to, 2).await
}

pub async fn send_attempt(gateway: &Smtp, to: &str, n: u32) -> Answered {
    let sender = Sender::parse("Shop <codes@shop.example>").ok();
    let mut parts = Parts::new(PHONE, n, TEXT);
    parts.content.locale = Locale::read("de");
    parts.content.subject = Some("Dein Code für Läden".into());
    parts.content.html = Some(HTML.into());
    let message = Message {
        to: To::Email(to),
        brand: "Läden",
        sender: sender.as_ref(),
        now: UnixMs(1_795_168_800_000),
        ..parts.message()
    };
    gateway.send(&message).await
}
