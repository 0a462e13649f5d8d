//! What a transaction came to, in the router's terms.

use tiffin_shared::order::Reason;

use super::reply::Reply;
use super::session::Step;
use super::session::Unsent;
use crate::gateways::adapter::Answered;
use crate::gateways::adapter::Refusal;

/// What follows from a transaction. `is_out`: the bytes that make the server take the message have left.
pub fn classify(sent: &Result<Reply, Unsent>, is_out: bool, provider_id: String) -> Answered {
    match sent {
        // Taken over, not delivered: that is for a report to say.
        Ok(_) => Answered::Taken { provider_id },
        Err(Unsent::Refused(step, reply)) => Answered::Refused(refusal(*step, reply)),
        Err(_) if is_out => Answered::Unknown,
        Err(Unsent::Broken | Unsent::Protocol) => Answered::Refused(own(None, Reason::ProviderDown)),
        Err(Unsent::NoTls) => Answered::Refused(own(Some("no_tls"), Reason::ProviderDown)),
        Err(Unsent::NoAuth) => Answered::Refused(own(Some("no_auth"), Reason::AuthFailed)),
    }
}

/// A refusal of our own.
pub fn own(code: Option<&str>, fallback: Reason) -> Refusal {
    Refusal { code: code.map(str::to_owned), fallback, retry_after_ms: None }
}

/// Greylisting (RFC 6647) is a mailbox out of reach for now, not a gateway that asks for a pause: that would hold up what goes
/// to everybody else. The order's own backoff brings the message again.
fn refusal(step: Step, reply: &Reply) -> Refusal {
    if let Some(reason) = of_us(step, reply) {
        return own(None, reason);
    }
    let is_transient = (400..500).contains(&reply.code);
    let fallback = match step {
        Step::Auth if !is_transient => Reason::AuthFailed,
        Step::Opening | Step::Auth | Step::Sender if is_transient => Reason::ProviderDown,
        _ => fallback(is_transient),
    };
    Refusal { code: Some(code(step, reply)), fallback, retry_after_ms: None }
}

/// What a refusal for good means that is not about the recipient, whom the same reply code would be about after `RCPT`
/// (RFC 5321, 4.3.2): our host, our sender or our text. Nothing where the code itself says it.
fn of_us(step: Step, reply: &Reply) -> Option<Reason> {
    match (step, reply.code, &reply.enhanced) {
        (Step::Opening, 550 | 554, _) => Some(Reason::AuthFailed),
        (Step::Sender, 550 | 551 | 553 | 554, None) => Some(Reason::SenderUnapproved),
        (Step::Message, 550 | 551 | 553, None) => Some(Reason::ContentFiltered),
        _ => None,
    }
}

/// What a code that is in no table means: RFC 5321, 4.2.1 has a client go by the first digit.
pub fn fallback(is_transient: bool) -> Reason {
    if is_transient { Reason::AbsentTemporary } else { Reason::Rejected }
}

/// The more exact of the two codes, but the reply's where that is about the session: 421, and all of `AUTH`'s, come with
/// enhanced codes that mean something else of a message.
fn code(step: Step, reply: &Reply) -> String {
    let is_of_session = step == Step::Auth || matches!(reply.code, 454 | 530 | 534 | 535 | 538);
    let is_of_policy =
        reply.code == 421 && reply.enhanced.as_ref().is_some_and(|code| code.starts_with("4.7."));
    match &reply.enhanced {
        Some(enhanced) if !is_of_session && !is_of_policy => enhanced.clone(),
        _ => reply.code.to_string(),
    }
}

#[cfg(test)]
mod tests;
