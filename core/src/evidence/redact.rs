//! Takes out of what goes to and comes from providers what nobody may read there: the code, the full number or address, keys.
//!
//! First by value, where the values are known: in every spelling, with gaps between the digits, percent-encoded, in base64
//! and in hexadecimal. Then by shape: fields that by their name hold keys or texts, whatever looks like a number or a mailbox.
//! What is cut for its length is cut after that, so that no half of a secret is left.

mod digits;
mod encoded;
mod names;

use tiffin_shared::evidence::Field;
use tiffin_shared::evidence::Request;
use tiffin_shared::evidence::Text;
use tiffin_shared::phone::Phone;
use tiffin_shared::time::UnixMs;

use super::time;
use crate::gateways::wire::Content;
use crate::gateways::wire::Outline;

/// Characters kept of a body of our own exchanges: providers' requests and answers are below that.
pub const REQUEST_CHARS_MAX: usize = 4_096;
/// Characters kept of a receipt.
pub const RECEIPT_CHARS_MAX: usize = 2_048;
/// Characters kept of a line: an address with its query, or a header.
const LINE_CHARS_MAX: usize = 512;
/// Levels of JSON that are looked through; what lies deeper is left out.
const DEPTH_MAX: usize = 32;
/// In place of what was taken out.
const REMOVED: &str = "[removed]";
/// Shorter secrets would be found in every other word. The program makes and asks for longer ones.
const SECRET_CHARS_MIN: usize = 6;

/// What is known of the secrets that may be there.
pub struct Known<'a> {
    /// The digits.
    pub code: Option<&'a str>,
    /// The number.
    pub phone: Option<&'a Phone>,
    /// The mailbox.
    pub email: Option<&'a str>,
    /// The account's keys and passwords.
    pub secrets: Vec<String>,
    /// What stays, whatever it looks like: our senders, the provider's names of messages.
    pub plain: Vec<String>,
    /// Times near to it are no numbers.
    pub now: UnixMs,
}

impl Known<'_> {
    /// Where it could be about anybody.
    pub fn nothing(now: UnixMs) -> Self {
        Self { code: None, phone: None, email: None, secrets: Vec::new(), plain: Vec::new(), now }
    }
}

/// Whose words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// About things whose secrets are not known: all texts go, and every number.
    Others,
    /// About this message: what is known goes.
    Own,
    /// A person's, about anything: every number and code goes, even one that stands there alone.
    Person,
}

/// Takes things out.
pub struct Redactor<'a> {
    known: Known<'a>,
}

impl<'a> Redactor<'a> {
    /// For these secrets.
    pub fn new(mut known: Known<'a>) -> Self {
        known.secrets.retain(|secret| secret.len() >= SECRET_CHARS_MIN);
        known.plain.retain(|plain| !plain.is_empty());
        Self { known }
    }

    /// A request of ours, whose code is zeros already.
    pub fn request(&self, outline: Outline) -> Request {
        let body = match outline.body {
            Content::Form(form) => Some(self.form(&form, Trust::Own)),
            Content::Json(json) => Some(self.json(json, Trust::Own)),
            Content::Nothing => None,
            Content::Raw(bytes) => self.shaped(&bytes, Trust::Own),
        };
        let field = |field: Field| Field { value: self.line(&field.value), ..field };
        Request {
            line: cut(&self.address(&outline.line), LINE_CHARS_MAX).text,
            auth: outline.auth,
            headers: outline.headers.into_iter().map(field).collect(),
            body: body.map(|body| cut(&body, REQUEST_CHARS_MAX)),
        }
    }

    /// A header, or a line of another protocol.
    pub fn line(&self, text: &str) -> String {
        cut(&self.leaf(None, text, Trust::Own), LINE_CHARS_MAX).text
    }

    /// A body as it came: JSON, a form, or text.
    pub fn body(&self, bytes: &[u8], trust: Trust, chars_max: usize) -> Option<Text> {
        self.shaped(bytes, trust).map(|text| cut(&text, chars_max))
    }

    /// Text that a person wrote.
    pub fn words(&self, text: &str) -> String {
        self.leaf(None, text, Trust::Person)
    }

    fn shaped(&self, bytes: &[u8], trust: Trust) -> Option<String> {
        if bytes.is_empty() {
            return None;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Some(format!("[{} bytes that are no text]", bytes.len()));
        };
        if let Ok(json) = serde_json::from_str(text) {
            return Some(self.json(json, trust));
        }
        let is_form = text.contains('=') && !text.contains([' ', '<', '\n', '{']);
        if is_form {
            let form: Vec<_> = form_urlencoded::parse(bytes).into_owned().collect();
            return Some(self.form(&form, trust));
        }
        Some(self.leaf(None, text, trust))
    }

    /// Written as it is read, not as it travels: percent-encoding would only hide what is there.
    pub fn form(&self, form: &[(String, String)], trust: Trust) -> String {
        let pair = |(name, value): &(String, String)| {
            let value = match serde_json::from_str::<serde_json::Value>(value) {
                Ok(json) if json.is_object() || json.is_array() => self.json(json, trust),
                _ => self.leaf(Some(name), value, trust),
            };
            format!("{}={value}", self.leaf(None, name, trust))
        };
        form.iter().map(pair).collect::<Vec<_>>().join("\n")
    }

    /// JSON, with its structure as it was.
    pub fn json(&self, mut json: serde_json::Value, trust: Trust) -> String {
        self.walk(None, &mut json, trust, 0);
        json.to_string()
    }

    fn walk(&self, name: Option<&str>, json: &mut serde_json::Value, trust: Trust, depth: usize) {
        use serde_json::Value;
        match json {
            _ if depth >= DEPTH_MAX => *json = REMOVED.into(),
            Value::Array(list) => list.iter_mut().for_each(|one| self.walk(name, one, trust, depth + 1)),
            Value::Object(fields) => {
                let walked = std::mem::take(fields).into_iter().map(|(key, mut value)| {
                    self.walk(Some(&key), &mut value, trust, depth + 1);
                    (self.leaf(None, &key, trust), value)
                });
                *fields = walked.collect();
            }
            Value::Number(number) => {
                let text = number.to_string();
                let told = self.leaf(name, &text, trust);
                if told != text {
                    *json = told.into();
                }
            }
            // JSON within JSON, as SNS has it.
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(mut inner) if inner.is_object() || inner.is_array() => {
                    self.walk(name, &mut inner, trust, depth + 1);
                    *json = inner.to_string().into();
                }
                _ => *json = self.leaf(name, text, trust).into(),
            },
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Method and address: the query by its names.
    fn address(&self, line: &str) -> String {
        let Some((path, query)) = line.split_once('?') else { return self.leaf(None, line, Trust::Own) };
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let pairs =
            pairs.map(|(name, value)| format!("{name}={}", self.leaf(Some(&name), &value, Trust::Own)));
        format!("{}?{}", self.leaf(None, path, Trust::Own), pairs.collect::<Vec<_>>().join("&"))
    }

    /// One value, by the name it has.
    fn leaf(&self, name: Option<&str>, text: &str, trust: Trust) -> String {
        if self.known.plain.iter().any(|plain| plain == text) {
            return text.to_owned();
        }
        if name.is_some_and(|name| names::is_secret(name) || trust != Trust::Own && names::is_text(name)) {
            return REMOVED.to_owned();
        }
        if self.hides(text) {
            return REMOVED.to_owned();
        }
        let text = self.without_values(text);
        if time::is_time(&text, self.known.now) {
            return text;
        }
        let text = match self.known.code {
            Some(code) => digits::without_code(&text, code),
            None => text,
        };
        digits::without_shapes(&text, trust, &self.known)
    }

    fn without_values(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.known.secrets {
            if text.contains(secret) {
                text = text.replace(secret, REMOVED);
            }
        }
        if let Some(email) = self.known.email {
            text = encoded::replaced(&text, email, &tiffin_shared::mailbox::masked(email));
        }
        match self.known.phone {
            Some(phone) => digits::without_phone(&text, phone),
            None => text,
        }
    }

    /// Whether one of the secrets is there in an encoding: then nothing is left of the value.
    fn hides(&self, text: &str) -> bool {
        encoded::readings(text).any(|reading| {
            let holds = |value: &str| encoded::holds(&reading, value);
            let phone = self.known.phone.map(|phone| phone.e164().trim_start_matches('+'));
            self.known.secrets.iter().any(|secret| holds(secret))
                || self.known.email.is_some_and(holds)
                || phone.is_some_and(|phone| digits::without_gaps(&reading).contains(phone))
                || self.known.code.is_some_and(|code| digits::has_code(&reading, code))
        })
    }
}

/// At most so many characters.
fn cut(text: &str, chars_max: usize) -> Text {
    match text.char_indices().nth(chars_max) {
        None => Text { text: text.to_owned(), is_cut: false },
        Some((end, _)) => Text { text: text.get(..end).unwrap_or_default().to_owned(), is_cut: true },
    }
}

#[cfg(test)]
mod tests;
