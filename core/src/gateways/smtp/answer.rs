//! What a transaction came to, in the router's terms.

use tiffin_shared::order::Reason;
use tiffin_shared::time::MINUTE_MS;

use super::reply::Reply;
use super::session::Step;
use super::session::Unsent;

/// Greylisting servers take a message on its second try, a minute after the first or some minutes (RFC 6647, 5).
const GREYLIST_PAUSE_MS: u64 = MINUTE_MS;

/// What a server made of a message, in its own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It has it.
    Taken {
        /// Its name for the message.
        provider_id: String,
    },
    /// It does not have it.
    Refused(Refusal),
    /// It may have it.
    Unknown,
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As the provider writes it.
    pub code: Option<String>,
    /// What it means where no table has the code.
    pub fallback: Reason,
    /// Milliseconds that this message should wait.
    pub retry_after_ms: Option<u64>,
}

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

/// The pause is the message's own: the gateway is well, and other messages need not wait for it.
fn refusal(step: Step, reply: &Reply) -> Refusal {
    let is_transient = (400..500).contains(&reply.code);
    let is_greylist = is_transient && step == Step::Message && reply.code != 421;
    let fallback = match step {
        Step::Auth if !is_transient => Reason::AuthFailed,
        Step::Opening | Step::Auth | Step::Sender if is_transient => Reason::ProviderDown,
        _ => fallback(is_transient),
    };
    let retry_after_ms = is_greylist.then_some(GREYLIST_PAUSE_MS);
    Refusal { code: Some(code(step, reply)), fallback, retry_after_ms }
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
