//! A gateway, a message, and a certificate of our own.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::smtp::Message;
use tiffin_core::gateways::smtp::Smtp;
use tiffin_core::gateways::smtp::answer::Answered;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::time::UnixMs;

pub const USER: &str = "tiffin";
pub const PASSWORD: &str = "Secret of the server";
pub const SECRET: &str = "secret of the bounces";
pub const TEXT: &str = "482915 ist dein Läden-Code.\n.\nEr gilt 5 Minuten.";
pub const HTML: &str = "<p><b>482915</b> ist dein Läden-Code.</p>";

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
        "host": "127.0.0.1",
        "port": port,
        "user": USER,
        "from": "Läden <codes@shop.example>",
        "bounce_domain": "bounces.example",
        "hello": "tiffin.shop.example",
        "ca_file": ca_file,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        keys[key] = value.clone();
    }
    let keys = serde_json::from_value(keys)?;
    Ok(Smtp::new(&GatewayId::parse("mail")?, keys, Some(password.to_owned()), SECRET)?)
}

pub fn order(number: u8) -> OrderId {
    OrderId::new([number; 16], LedgerId::new([9; 16]))
}

/// Sends the second attempt of order 1 to a mailbox.
pub async fn send(gateway: &Smtp, to: &str) -> Answered {
    send_attempt(gateway, to, 2).await
}

pub async fn send_attempt(gateway: &Smtp, to: &str, n: u32) -> Answered {
    let order = order(1);
    let message = Message {
        to,
        brand: None,
        code: "482915",
        subject: Some("Dein Code für Läden"),
        text: TEXT,
        html: Some(HTML),
        order: &order,
        n,
        now: UnixMs(1_795_168_800_000),
    };
    gateway.send(&message).await
}
