//! Whether Twilio has a message or a call whose request got no answer: its lists of them, by number.

use chrono::DateTime;
use serde::Deserialize;
use tiffin_shared::order::Found;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::is_sid;
use crate::gateways::call::Answer;

/// Entries for one number that are looked through, newest first: more than an order has.
pub const ENTRIES_MAX: usize = 20;
/// Twilio's clock may be this far from ours, and tells whole seconds.
const SKEW_MS: u64 = 10 * SECOND_MS;

#[derive(Deserialize)]
struct Page {
    #[serde(alias = "calls", alias = "messages")]
    entries: Vec<Listed>,
}

/// A message or a call.
#[derive(Deserialize)]
pub struct Listed {
    sid: String,
    /// Of a message.
    #[serde(default)]
    pub body: String,
    /// RFC 2822.
    date_created: String,
}

/// The entry that was made since the call, and is it.
pub fn found(answer: &Answer, called_at: UnixMs, is_it: impl Fn(&Listed) -> bool) -> Found {
    let page = (answer.status == 200).then(|| serde_json::from_slice::<Page>(&answer.body).ok()).flatten();
    let Some(page) = page else { return Found::Unclear };
    let is_since = |listed: &Listed| {
        let created_at = DateTime::parse_from_rfc2822(&listed.date_created).ok();
        let created_at_ms = created_at.and_then(|at| u64::try_from(at.timestamp_millis()).ok());
        created_at_ms.is_some_and(|at| at.saturating_add(SKEW_MS) >= called_at.0)
    };
    match page.entries.iter().find(|listed| is_since(listed) && is_it(listed) && is_sid(&listed.sid)) {
        Some(listed) => Found::Taken { provider_id: listed.sid.clone() },
        // An older one may be hidden behind so many newer ones.
        None if page.entries.len() >= ENTRIES_MAX => Found::Unclear,
        None => Found::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "SM0123456789abcdef0123456789abcdef";

    #[test]
    fn an_entry_is_found_by_its_text_and_time() {
        let called_at = UnixMs(1_795_082_400_000);
        let listed = |body: &str, date: &str| {
            format!(r#"{{"sid":"{SID}","body":"{body}","date_created":"{date}","status":"sent"}}"#)
        };
        let ask = |status, list: &str, entries: &[String]| {
            let body = format!(r#"{{"{list}":[{}]}}"#, entries.join(",")).into_bytes();
            let answer = Answer { status, retry_after_s: None, body };
            found(&answer, called_at, |listed| listed.body == "Your code is 1")
        };
        let (now, before) = ("Thu, 19 Nov 2026 10:00:01 +0000", "Thu, 19 Nov 2026 09:59:40 +0000");
        let taken = Found::Taken { provider_id: SID.into() };
        for list in ["messages", "calls"] {
            assert_eq!(
                ask(200, list, &[listed("Your code is 2", now), listed("Your code is 1", now)]),
                taken
            );
        }
        let ask = |status, entries: &[String]| ask(status, "messages", entries);
        assert_eq!(ask(200, &[listed("Your code is 2", now)]), Found::Missing);
        assert_eq!(ask(200, &[listed("Your code is 1", before)]), Found::Missing, "the one before");
        assert_eq!(ask(200, &[]), Found::Missing);
        assert_eq!(ask(500, &[]), Found::Unclear);
        assert_eq!(ask(200, &vec![listed("another", now); ENTRIES_MAX]), Found::Unclear);
    }
}
