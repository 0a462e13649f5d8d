//! Status callbacks: forms, signed with the auth token.

use crate::gateways::plivo::NONCE_HEADER;
use crate::gateways::plivo::SIGNATURE_HEADERS;
use crate::gateways::plivo::signature;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::ids;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::POOL_NUMBER;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells the address that the message named.
pub(super) fn teller(account: &Account, url: Option<String>) -> Teller {
    let token = account.secret("auth_token");
    Box::new(move |message, status, failure| match &url {
        None => Tell::Nobody,
        Some(url) => {
            let params = params(message, status, failure);
            let nonce = ids::hex(20).unwrap_or_default();
            let signature = signature::sign(&token, url, &params, &nonce);
            let [own, main] = SIGNATURE_HEADERS;
            let headers = vec![(own, signature.clone()), (main, signature), (NONCE_HEADER, nonce)];
            Tell::Post(Callback::form(url.clone(), &params, headers))
        }
    })
}

fn params(message: &Message, status: Status, failure: Option<&str>) -> Vec<(String, String)> {
    let params = [
        ("From", message.from.as_deref().unwrap_or(POOL_NUMBER)),
        ("To", message.entry.to.trim_start_matches('+')),
        ("MessageUUID", &message.entry.id),
        ("ParentMessageUUID", &message.entry.id),
        ("PartInfo", "1 of 1"),
        ("Status", status.name()),
        ("ErrorCode", failure.unwrap_or("000")),
        ("Units", "1"),
        ("TotalRate", "0.0035"),
        ("TotalAmount", "0.0035"),
        ("MCC", "404"),
        ("MNC", "10"),
    ];
    params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
