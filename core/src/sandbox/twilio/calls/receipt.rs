//! Callbacks about a call's progress: forms, signed with the auth token.

use super::request::Wishes;
use super::resource::is_machine;
use super::resource::status;
use crate::gateways::twilio::SIGNATURE_HEADER;
use crate::gateways::twilio::signature;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;
use crate::sandbox::twilio::API_VERSION;

/// Tells the address that the call named, of the events it asked for; of its end where it named none.
pub(super) fn teller(account: &Account, wishes: Wishes) -> Teller {
    let (account_sid, token) = (account.key("account_sid").to_owned(), account.secret("auth_token"));
    Box::new(move |message, status, failure| {
        let event = if matches!(status, Status::Queued | Status::Sent) { "initiated" } else { "completed" };
        let is_wanted = wishes.events.iter().any(|wanted| wanted == event)
            || (wishes.events.is_empty() && event == "completed");
        let Some(url) = wishes.url.as_ref().filter(|_| is_wanted) else { return Tell::Nobody };
        let mut params = params(&account_sid, message, status, failure);
        if event == "completed" && wishes.detects_machines {
            params.extend(answered_by(status, failure).map(|by| ("AnsweredBy".to_owned(), by)));
        }
        let signature = signature::sign(&token, url, &params);
        Tell::Post(Callback::form(url.clone(), &params, vec![(SIGNATURE_HEADER, signature)]))
    })
}

/// Who took the call, if anybody did.
fn answered_by(status: Status, failure: Option<&str>) -> Option<String> {
    match failure {
        Some("machine") => Some("machine_start".to_owned()),
        Some(failure) => is_machine(failure).then(|| failure.to_owned()),
        None => (status == Status::Delivered).then(|| "human".to_owned()),
    }
}

fn params(account_sid: &str, message: &Message, at: Status, failure: Option<&str>) -> Vec<(String, String)> {
    let call_status = if at == Status::Sent { "initiated" } else { status(at, failure) };
    let mut params = vec![
        ("AccountSid", account_sid),
        ("ApiVersion", API_VERSION),
        ("CallSid", &message.entry.id),
        ("CallStatus", call_status),
        ("CallbackSource", "call-progress-events"),
        ("Direction", "outbound-api"),
        ("From", message.from.as_deref().unwrap_or_default()),
        ("To", &message.entry.to),
    ];
    if let Some(code) = failure.and_then(|failure| failure.strip_prefix("sip-")) {
        params.push(("SipResponseCode", code));
    }
    params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
