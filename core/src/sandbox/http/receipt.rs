//! Callbacks, signed where the account says how.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;

use crate::gateways::hex;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named, or the account's.
pub(super) fn teller(account: &Account, callback_url: Option<String>, reference: Option<String>) -> Teller {
    let url = callback_url.unwrap_or_else(|| account.callback_url().to_owned());
    let header = account.key("signature_header").to_ascii_lowercase();
    let (prefix, is_hex) =
        (account.key("signature_prefix").to_owned(), account.key("signature") == "hmac-sha256-hex");
    let secret = account.secret("signature_secret");
    Box::new(move |message, status, failure| {
        let status = match status {
            Status::Queued => return Tell::Nobody,
            Status::Sent => "ENROUTE",
            Status::Delivered => "DELIVRD",
            Status::Undelivered => "UNDELIV",
        };
        let body = json!({"id": message.entry.id, "status": status, "code": failure, "reference": reference});
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, body.to_string().as_bytes());
        let signature = if is_hex { hex::encode(tag.as_ref()) } else { STANDARD.encode(tag) };
        let header = (!header.is_empty()).then(|| (header.clone().into(), format!("{prefix}{signature}")));
        let callback = Callback::json(url.clone(), &body, Vec::new());
        Tell::Post(Callback { headers: header.into_iter().collect(), ..callback })
    })
}
