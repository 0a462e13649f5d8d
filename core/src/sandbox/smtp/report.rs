//! Delivery reports (RFC 3464), posted as an alias that pipes them to the callback address would.

use super::command::Path;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Tells what the sender asked to be told (RFC 3461, 4.1): without `NOTIFY`, of failures alone.
pub(super) fn teller(account: &Account, sender: &Path, recipient: &Path, message_id: String) -> Teller {
    let url = account.callback_url().to_owned();
    let asked = recipient.param("NOTIFY").unwrap_or("FAILURE").to_ascii_uppercase();
    let wants_success = asked.split(',').any(|kind| kind == "SUCCESS");
    let wants_failure = asked.split(',').any(|kind| kind == "FAILURE");
    let envid =
        sender.param("ENVID").map(|envid| format!("Original-Envelope-Id: {envid}\r\n")).unwrap_or_default();
    let return_path = sender.address.clone();
    Box::new(move |message: &Message, status, failure| {
        let (is_wanted, action, code) = match status {
            Status::Sent => (wants_success, "relayed", "2.0.0"),
            Status::Delivered => (wants_success, "delivered", "2.0.0"),
            Status::Undelivered => (wants_failure, "failed", failure.unwrap_or("5.0.0")),
            Status::Queued => (false, "delayed", "4.0.0"),
        };
        if !is_wanted {
            return Tell::Nobody;
        }
        let to = &message.entry.to;
        let body = format!(
            "Return-Path: <>\r\n\
             From: Mail Delivery System <mailer-daemon@sandbox.example>\r\n\
             To: <{return_path}>\r\n\
             Subject: Delivery report\r\n\
             Auto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_report\"\r\n\r\n\
             --=_report\r\nContent-Type: text/plain\r\n\r\nThe message was {action}.\r\n\
             --=_report\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; sandbox.example\r\n{envid}\r\n\
             Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {code}\r\n\r\n\
             --=_report\r\nContent-Type: text/rfc822-headers\r\n\r\n\
             Message-ID: <{message_id}>\r\nTo: {to}\r\n\r\n\
             --=_report--\r\n"
        );
        let headers = Vec::new();
        Tell::Post(Callback {
            url: url.clone(),
            content_type: "message/rfc822",
            headers,
            body: body.into_bytes(),
        })
    })
}
