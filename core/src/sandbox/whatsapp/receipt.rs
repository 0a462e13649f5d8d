//! Status webhooks: JSON, signed with the app's secret.

use serde_json::json;

use crate::gateways::whatsapp::SIGNATURE_HEADER;
use crate::gateways::whatsapp::sign;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the one address that the app has.
pub(super) fn teller(account: &Account, reference: Option<String>) -> Teller {
    let (url, secret) = (account.callback_url().to_owned(), account.secret("app_secret"));
    let (number, business) = (account.sender().to_owned(), account.key("business_account_id").to_owned());
    Box::new(move |message, status, failure| {
        let status = event(message, status, failure, reference.as_deref());
        let metadata = json!({ "display_phone_number": super::SHOWN_NUMBER, "phone_number_id": number });
        let value = json!({ "messaging_product": "whatsapp", "metadata": metadata, "statuses": [status] });
        let entry = json!({ "id": business, "changes": [{ "value": value, "field": "messages" }] });
        let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
        let signature = sign(&secret, body.to_string().as_bytes());
        Tell::Post(Callback::json(url.clone(), &body, vec![(SIGNATURE_HEADER, signature)]))
    })
}

fn event(
    message: &Message,
    status: Status,
    failure: Option<&str>,
    reference: Option<&str>,
) -> serde_json::Value {
    let name = match status {
        Status::Queued | Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Undelivered => "failed",
    };
    let mut event = json!({
        "id": message.entry.id,
        "status": name,
        "timestamp": (clock::now_ms() / 1_000).to_string(),
        "recipient_id": message.entry.to.trim_start_matches('+'),
    });
    let Some(fields) = event.as_object_mut() else { return event };
    if let Some(reference) = reference {
        fields.insert("biz_opaque_callback_data".into(), reference.into());
    }
    match failure {
        Some(code) => {
            let code = code.parse::<u32>().unwrap_or(131_000);
            let details = json!({ "details": "The message was not delivered" });
            let error = json!({ "code": code, "title": "Message undeliverable", "error_data": details });
            fields.insert("errors".into(), json!([error]));
        }
        None => {
            let pricing = json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "authentication" });
            fields.insert("pricing".into(), pricing);
        }
    }
    event
}
