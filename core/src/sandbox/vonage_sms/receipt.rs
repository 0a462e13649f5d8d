//! Delivery receipts: forms, signed where the account has a signature secret.

use super::request;
use crate::gateways::vonage_sms::signature;
use crate::gateways::vonage_sms::signature::Method;
use crate::gateways::vonage_sms::signature::Params;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// What a receipt of the account says of itself.
struct Author {
    api_key: String,
    client_ref: Option<String>,
    method: Method,
    secret: String,
}

/// Tells the address that the message named, or that of the account's settings.
pub(super) fn teller(account: &Account, params: &Params) -> Teller {
    let author = Author {
        api_key: account.key("api_key").to_owned(),
        client_ref: params.get("client-ref").cloned(),
        method: request::method(account),
        secret: account.secret("signature_secret"),
    };
    let url = params.get("callback").map_or(account.callback_url(), String::as_str).to_owned();
    let is_wanted = params.get("status-report-req").is_none_or(|wanted| wanted == "true");
    Box::new(move |message, status, failure| {
        if !is_wanted {
            return Tell::Nobody;
        }
        let params: Vec<_> = author.receipt(message, status, failure).into_iter().collect();
        Tell::Post(Callback::form(url.clone(), &params, Vec::new()))
    })
}

impl Author {
    fn receipt(&self, message: &Message, status: Status, failure: Option<&str>) -> Params {
        let now_ms = clock::now_ms();
        let word = match status {
            Status::Queued => "buffered",
            Status::Sent => "accepted",
            Status::Delivered => "delivered",
            Status::Undelivered => "failed",
        };
        let params = [
            ("msisdn", message.entry.to.trim_start_matches('+')),
            ("to", message.from.as_deref().unwrap_or_default()),
            ("network-code", "23410"),
            ("messageId", &message.entry.id),
            ("price", "0.03330000"),
            ("status", word),
            ("err-code", failure.unwrap_or("0")),
            ("api-key", &self.api_key),
            ("message-timestamp", &clock::rfc3339(now_ms)),
        ];
        let mut params: Params =
            params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(client_ref) = &self.client_ref {
            params.insert("client-ref".to_owned(), client_ref.clone());
        }
        if !self.secret.is_empty() {
            params.insert("timestamp".to_owned(), (now_ms / 1_000).to_string());
            params.insert("nonce".to_owned(), ids::uuid().unwrap_or_default());
            let signature = signature::sign(self.method, &self.secret, &params);
            params.insert("sig".to_owned(), signature.to_uppercase());
        }
        params
    }
}
