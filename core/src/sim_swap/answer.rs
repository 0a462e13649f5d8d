//! What the answers of CAMARA's SIM Swap API mean.

use serde::Deserialize;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;

use crate::gateways::call::Answer;

/// The longest code that is worth a line in the log: `UNNECESSARY_IDENTIFIER` has 22 characters.
const CODE_CHARS_MAX: usize = 40;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing of use: it failed, and may do better.
    Nothing,
    /// It does not take the question.
    Refused {
        /// Of HTTP.
        status: u16,
        /// Of CAMARA; empty where there is none.
        code: String,
    },
    /// It does not know the token.
    Stranger,
    /// An answer.
    Verdict(SimVerdict),
}

#[derive(Deserialize)]
struct Checked {
    swapped: bool,
}

#[derive(Deserialize)]
struct ErrorInfo {
    code: String,
}

/// Reads an answer to `POST /check`.
pub(super) fn read(answer: &Answer) -> Said {
    let doubt = |doubt| Said::Verdict(SimVerdict::Unknown(doubt));
    let code = code(answer);
    match (answer.status, code.as_str()) {
        (200, _) => match serde_json::from_slice(&answer.body) {
            Ok(Checked { swapped: true }) => Said::Verdict(SimVerdict::Swapped),
            Ok(Checked { swapped: false }) => Said::Verdict(SimVerdict::Unchanged),
            Err(_) => Said::Nothing,
        },
        (401, _) => Said::Stranger,
        (429, _) => doubt(SimDoubt::Busy),
        (500.., _) => Said::Nothing,
        // A 404 without CAMARA's body is an address that does not speak its API.
        (404 | 422, "" | "MISSING_IDENTIFIER" | "UNNECESSARY_IDENTIFIER") => {
            Said::Refused { status: answer.status, code }
        }
        (404 | 422, _) => doubt(SimDoubt::NotServed),
        (_, _) => Said::Refused { status: answer.status, code },
    }
}

/// The code of a refusal, where it is one: nothing else of an answer is told to a log.
fn code(answer: &Answer) -> String {
    let is_code = |code: &String| {
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte == b'.';
        code.len() <= CODE_CHARS_MAX && code.bytes().all(is_letter)
    };
    let info = serde_json::from_slice::<ErrorInfo>(&answer.body).ok();
    info.map(|info| info.code).filter(is_code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Said {
        read(&Answer { status, retry_after_s: None, body: body.into() })
    }

    fn refusal(status: u16, code: &str) -> Said {
        said(status, &format!(r#"{{"status":{status},"code":"{code}","message":"about +919876543210"}}"#))
    }

    #[test]
    fn answers_are_taken_as_they_are_meant() {
        assert_eq!(said(200, r#"{"swapped":true}"#), Said::Verdict(SimVerdict::Swapped));
        assert_eq!(said(200, r#"{"swapped":false,"more":1}"#), Said::Verdict(SimVerdict::Unchanged));
        for body in ["", "{}", "true", r#"{"swapped":"false"}"#, r#"{"swapped":null}"#] {
            assert_eq!(said(200, body), Said::Nothing, "{body}");
        }
    }

    #[test]
    fn refusals_are_told_apart_by_whose_they_are() {
        let unknown = |doubt| Said::Verdict(SimVerdict::Unknown(doubt));
        for (status, code) in [
            (404, "NOT_FOUND"),
            (404, "IDENTIFIER_NOT_FOUND"),
            (422, "SERVICE_NOT_APPLICABLE"),
            (422, "NOT_SUPPORTED"),
        ] {
            assert_eq!(refusal(status, code), unknown(SimDoubt::NotServed), "{code}");
        }
        for (status, code) in [
            (400, "INVALID_ARGUMENT"),
            (400, "OUT_OF_RANGE"),
            (403, "PERMISSION_DENIED"),
            (422, "MISSING_IDENTIFIER"),
            (422, "UNNECESSARY_IDENTIFIER"),
        ] {
            assert_eq!(refusal(status, code), Said::Refused { status, code: code.into() });
        }
        assert_eq!(refusal(401, "UNAUTHENTICATED"), Said::Stranger);
        assert_eq!(refusal(429, "QUOTA_EXCEEDED"), unknown(SimDoubt::Busy));
        for status in [500, 501, 502, 503, 504] {
            assert_eq!(refusal(status, "INTERNAL"), Said::Nothing);
        }
    }

    #[test]
    fn what_is_no_code_is_not_repeated() {
        for body in ["<html>", r#"{"code":"+919876543210"}"#, r#"{"code":"no such number"}"#] {
            assert_eq!(said(404, body), Said::Refused { status: 404, code: String::new() }, "{body}");
        }
    }
}
