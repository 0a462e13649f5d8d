//! Delivery reports: JSON, to an address that alone proves them.

use serde_json::json;

use super::request::Webhooks;
use super::status;
use super::status::Name;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named, or that of the account's settings.
pub(super) fn teller(account: &Account, webhooks: Option<Webhooks>) -> Teller {
    let (delivery, data) = webhooks.map_or((None, None), |hooks| (hooks.delivery, hooks.callback_data));
    let url = delivery.and_then(|delivery| delivery.url).unwrap_or_else(|| account.callback_url().to_owned());
    Box::new(move |message, step, failure| {
        let report = json!({
            "bulkId": message.entry.id,
            "messageId": message.entry.id,
            "to": message.entry.to.trim_start_matches('+'),
            "sender": message.from,
            "sentAt": clock::rfc3339(message.created_at_ms),
            "doneAt": clock::rfc3339(clock::now_ms()),
            "messageCount": 1,
            "price": { "pricePerMessage": 0.01, "currency": "EUR" },
            "status": Name::of(step).resource(),
            "error": status::error(failure),
            "callbackData": data,
        });
        Tell::Post(Callback::json(url.clone(), &json!({ "results": [report] }), Vec::new()))
    })
}
