//! What an answer means.

use serde::Deserialize;
use serde_json::Value;

use super::super::adapter::Answered;
use super::super::call::Answer;
use super::keys::check_pointer;

/// A gateway's name for a message.
const ID_CHARS_MAX: usize = 256;
/// A code is a number or a word.
const CODE_CHARS_MAX: usize = 64;
/// As many digits in a row may be somebody's number, which belongs into no log.
const CODE_DIGITS_MAX: usize = 6;

/// When a message is taken, and under which id.
pub(super) struct Rules {
    pub(super) success: Option<Success>,
    pub(super) id: String,
    pub(super) code: Option<String>,
}

/// What must be in the answer, beside a status of 2xx.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Success {
    pointer: String,
    /// Compared as text: `0` and `"0"` are the same. Where it is left out, anything but null does.
    equals: Option<toml::Value>,
}

impl Success {
    pub(super) fn check(&self) -> Result<(), String> {
        check_pointer("success.pointer", &self.pointer)?;
        if self.equals.as_ref().is_some_and(|value| scalar(value).is_none()) {
            return Err("success.equals: must be a text, a number, true or false".into());
        }
        Ok(())
    }

    fn is_met(&self, said: &Value) -> bool {
        let found = said.pointer(&self.pointer);
        match &self.equals {
            None => found.is_some_and(|value| !value.is_null()),
            Some(wanted) => found.and_then(text).is_some_and(|found| scalar(wanted) == Some(found)),
        }
    }
}

impl Rules {
    pub(super) fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let is_taken = |said: &Value| self.success.as_ref().is_none_or(|success| success.is_met(said));
        match said {
            // Whatever answered, it was not the gateway.
            None if answer.is_success() => Answered::Unknown,
            Some(said) if answer.is_success() && is_taken(&said) => {
                let id = said.pointer(&self.id).and_then(text).filter(|id| is_id(id));
                id.map_or(Answered::Unknown, |provider_id| Answered::Taken { provider_id })
            }
            said => {
                let code = said.zip(self.code.as_deref()).and_then(|(said, code)| text(said.pointer(code)?));
                Answered::Refused(answer.refusal(code.filter(|code| is_code(code))))
            }
        }
    }
}

/// A text, a number, true or false, as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Array(_) | Value::Null | Value::Object(_) => None,
    }
}

pub(super) fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
}

pub(super) fn is_code(code: &str) -> bool {
    let longest_number = code.split(|char: char| !char.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    (1..=CODE_CHARS_MAX).contains(&code.len()) && longest_number <= CODE_DIGITS_MAX
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Boolean(value) => Some(value.to_string()),
        toml::Value::Float(value) => Some(value.to_string()),
        toml::Value::Integer(value) => Some(value.to_string()),
        toml::Value::String(value) => Some(value.clone()),
        toml::Value::Array(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
