//! Delivery reports: a form whose field `data` is JSON text, posted to the one address of the account and signed by nobody.

use serde_json::json;

use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// What failed for a reason that is no status of its own.
const FAILED: &str = "2";

/// MSG91 reports what became of a message, and no step before.
pub(super) fn teller(account: &Account) -> Teller {
    let url = account.callback_url().to_owned();
    Box::new(move |message, status, failure| match (status, failure) {
        (Status::Delivered, _) => Tell::Post(report(&url, message, "1", "DELIVERED", "")),
        (Status::Undelivered, Some(status)) if status.bytes().all(|byte| byte.is_ascii_digit()) => {
            Tell::Post(report(&url, message, status, "FAILED", ""))
        }
        (Status::Undelivered, reason) => {
            Tell::Post(report(&url, message, FAILED, "FAILED", reason.unwrap_or_default()))
        }
        (Status::Queued | Status::Sent, _) => Tell::Nobody,
    })
}

fn report(url: &str, message: &Message, status: &str, words: &str, reason: &str) -> Callback {
    let number = message.entry.to.trim_start_matches('+');
    let report = json!({"date": message.entry.at, "number": number, "status": status, "desc": words,
                        "failedReason": reason, "credit": "1", "CRQID": "0"});
    let data = json!([{"senderId": message.from, "requestId": message.entry.id, "report": [report],
                       "userId": "1", "campaignName": "API"}]);
    Callback::form(url.to_owned(), &[("data".to_owned(), data.to_string())], Vec::new())
}
