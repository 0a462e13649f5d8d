//! One message or call at Twilio: how it fares, and stopping it.
//!
//! <https://www.twilio.com/docs/messaging/api/message-resource>: `Status=canceled` stops a message that was not sent yet; error
//! 30409 says that it was. An empty `Body` takes the text out of one whose fate is final.
//! <https://www.twilio.com/docs/voice/api/call-resource>: `canceled` ends a call that is queued or rings, `completed` any.

use serde::Deserialize;
use tiffin_shared::order::Recall;

use super::messaging;
use crate::gateways::call::Answer;
use crate::gateways::callback::Fate;

#[derive(Deserialize)]
struct Resource {
    status: String,
    #[serde(default)]
    error_code: Option<u32>,
    #[serde(default)]
    answered_by: Option<String>,
}

/// How a message fares.
pub fn message(answer: &Answer) -> Option<(String, Fate)> {
    let resource = read(answer)?;
    let code = resource.error_code.map(|code| code.to_string());
    let fate = messaging::fate(&resource.status, code.as_deref());
    Some((resource.status, fate))
}

/// A call's status, and who took it.
pub fn call(answer: &Answer) -> Option<(String, Option<String>)> {
    read(answer).map(|resource| (resource.status, resource.answered_by))
}

fn read(answer: &Answer) -> Option<Resource> {
    serde_json::from_slice(&answer.body).ok().filter(|_| answer.is_success())
}

/// Stops a message, or a call that rings.
pub fn stop() -> Vec<(&'static str, String)> {
    vec![("Status", "canceled".into())]
}

/// Takes the text out of a message.
pub fn erase() -> Vec<(&'static str, String)> {
    vec![("Body", String::new())]
}

/// Ends a call that was taken.
pub fn hang_up() -> Vec<(&'static str, String)> {
    vec![("Status", "completed".into())]
}

/// What came of stopping a message.
pub fn stopped(answer: &Answer) -> Option<Recall> {
    match read(answer) {
        Some(_) => Some(Recall::Stopped),
        None => refused(answer),
    }
}

/// What came of stopping a call: Twilio answers with the call as it stands, and ends one that rings a moment later.
pub fn call_stopped(answer: &Answer) -> Option<Recall> {
    match read(answer).as_ref().map(|resource| resource.status.as_str()) {
        Some("canceled" | "queued" | "ringing") => Some(Recall::Stopped),
        Some(_) => Some(Recall::TooLate),
        None => refused(answer),
    }
}

/// Twilio says no by a status of the caller's fault; what it does not know, or cannot answer now, is asked again.
fn refused(answer: &Answer) -> Option<Recall> {
    matches!(answer.status, 400 | 404 | 409).then_some(Recall::TooLate)
}

#[cfg(test)]
mod tests {
    use tiffin_shared::order::Reason;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_message_fares_as_its_resource_says() {
        let failed = |code: Option<&str>, fallback| Fate::Failed { code: code.map(str::to_owned), fallback };
        for (body, word, fate) in [
            (r#"{"status":"queued","error_code":null}"#, "queued", Fate::Underway),
            (r#"{"status":"sent"}"#, "sent", Fate::Sent),
            (r#"{"status":"delivered"}"#, "delivered", Fate::Delivered),
            (
                r#"{"status":"undelivered","error_code":30003}"#,
                "undelivered",
                failed(Some("30003"), Reason::Rejected),
            ),
            (r#"{"status":"canceled"}"#, "canceled", failed(None, Reason::CalledOff)),
        ] {
            assert_eq!(message(&answer(200, body)), Some((word.to_owned(), fate)), "{body}");
        }
        assert_eq!(message(&answer(404, r#"{"status":404}"#)), None);
        assert_eq!(message(&answer(500, "")), None);
    }

    #[test]
    fn what_was_stopped_is_told_from_what_had_left_and_from_no_answer() {
        for (status, body, came_to) in [
            (200, r#"{"status":"canceled"}"#, Some(Recall::Stopped)),
            (400, r#"{"code":30409}"#, Some(Recall::TooLate)),
            (409, r#"{"code":30409}"#, Some(Recall::TooLate)),
            (404, "", Some(Recall::TooLate)),
            (401, "", None),
            (429, "", None),
            (500, "", None),
        ] {
            assert_eq!(stopped(&answer(status, body)), came_to, "{status}");
        }
        for (body, came_to) in
            [("ringing", Recall::Stopped), ("in-progress", Recall::TooLate), ("completed", Recall::TooLate)]
        {
            let body = format!(r#"{{"status":"{body}"}}"#);
            assert_eq!(call_stopped(&answer(200, &body)), Some(came_to), "{body}");
        }
    }
}
