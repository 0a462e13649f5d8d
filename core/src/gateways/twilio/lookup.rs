//! Whether Twilio has a message whose request got no answer: its list of messages, by number and text.

use chrono::DateTime;
use serde::Deserialize;
use tiffin_shared::order::Found;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::super::adapter::Message;
use super::super::call::Answer;
use super::is_sid;

/// Messages to one number that are looked through, newest first: more than an order has.
pub const MESSAGES_MAX: usize = 20;
/// Twilio's clock may be this far from ours, and tells whole seconds.
const SKEW_MS: u64 = 10 * SECOND_MS;

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    body: String,
    /// RFC 2822.
    date_created: String,
}

/// The message with the same text that was made since the call.
pub fn found(answer: &Answer, message: &Message<'_>, called_at: UnixMs) -> Found {
    let page = (answer.status == 200).then(|| serde_json::from_slice::<Page>(&answer.body).ok()).flatten();
    let Some(page) = page else { return Found::Unclear };
    let is_it = |listed: &&Listed| {
        let created_at = DateTime::parse_from_rfc2822(&listed.date_created).ok();
        let created_at_ms = created_at.and_then(|at| u64::try_from(at.timestamp_millis()).ok());
        let is_since = created_at_ms.is_some_and(|at| at.saturating_add(SKEW_MS) >= called_at.0);
        is_since && listed.body == message.text() && is_sid(&listed.sid)
    };
    match page.messages.iter().find(is_it) {
        Some(listed) => Found::Taken { provider_id: listed.sid.clone() },
        // An older one may be hidden behind so many newer ones.
        None if page.messages.len() >= MESSAGES_MAX => Found::Unclear,
        None => Found::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::testing::Parts;

    #[test]
    fn a_message_is_found_by_its_text_and_time() {
        let mut parts = Parts::usual();
        parts.content.text = "Your code is 1".into();
        let message = parts.message();
        let called_at = UnixMs(1_795_082_400_000);
        let listed = |body: &str, date: &str| {
            let sid = "SM0123456789abcdef0123456789abcdef";
            format!(r#"{{"sid":"{sid}","body":"{body}","date_created":"{date}","status":"sent"}}"#)
        };
        let ask = |status, messages: &[String]| {
            let body = format!(r#"{{"messages":[{}]}}"#, messages.join(",")).into_bytes();
            found(&Answer { status, retry_after_s: None, body }, &message, called_at)
        };
        let (now, before) = ("Thu, 19 Nov 2026 10:00:01 +0000", "Thu, 19 Nov 2026 09:59:40 +0000");
        let taken = Found::Taken { provider_id: "SM0123456789abcdef0123456789abcdef".into() };
        assert_eq!(ask(200, &[listed("Your code is 2", now), listed("Your code is 1", now)]), taken);
        assert_eq!(ask(200, &[listed("Your code is 2", now)]), Found::Missing);
        assert_eq!(ask(200, &[listed("Your code is 1", before)]), Found::Missing, "the one before");
        assert_eq!(ask(200, &[]), Found::Missing);
        assert_eq!(ask(500, &[]), Found::Unclear);
        assert_eq!(ask(200, &vec![listed("another", now); MESSAGES_MAX]), Found::Unclear);
    }
}
