//! A provider that notes when it was called, and sends the signed receipt.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use tiffin_core::gateways::call::install_tls;
use tiffin_core::gateways::twilio::SIGNATURE_HEADER;
use tiffin_core::gateways::twilio::signature;

use super::door;

/// When each order's message came.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<HashMap<String, Instant>>>);

impl Calls {
    fn note(&self, order: &str) {
        let at = Instant::now();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(order.to_owned()).or_insert(at);
    }

    /// Takes everything out.
    pub fn take(&self) -> HashMap<String, Instant> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens it. Its secret is that of whichever account calls.
pub async fn open(tokens: Vec<(String, String)>) -> anyhow::Result<(u16, Calls)> {
    let calls = Calls::default();
    let noted = calls.clone();
    install_tls();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let port = door::open(move |head, body| {
        let params = params(body);
        let param =
            |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let url = param("StatusCallback").unwrap_or_default();
        let order = url.split("order=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        noted.note(order);
        let sid = format!(
            "SM{:0>32}",
            order.chars().filter(char::is_ascii_alphanumeric).take(32).collect::<String>()
        );
        let token =
            tokens.iter().find(|(account, _)| head.contains(account)).map(|(_, token)| token.as_str());
        let receipt =
            vec![("MessageSid".to_owned(), sid.clone()), ("MessageStatus".into(), "delivered".into())];
        let signed = signature::sign(token.unwrap_or_default(), &url, &receipt);
        let request = client.post(url).header(SIGNATURE_HEADER, signed).form(&receipt);
        tokio::spawn(async move { request.send().await.map(drop) });
        door::reply("201 Created", &format!(r#"{{"sid":"{sid}","status":"queued"}}"#))
    })
    .await?;
    Ok((port, calls))
}

fn params(form: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), decoded(value)));
    form.split('&').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        out.push(u8::from_str_radix(hex, 16).map_or('?', char::from));
        out.push_str(rest);
    }
    out
}
