//! The message itself: MIME, made of the content alone; the same content and time make the same bytes.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::message::MultiPart;
use lettre::message::SinglePart;
use lettre::message::header::Header;
use lettre::message::header::HeaderName;
use lettre::message::header::HeaderValue;
use tiffin_shared::time::UnixMs;

/// In place of a subject that is missing or holds the code: subjects stand in the logs of every server on the way.
const PLAIN_SUBJECT: &str = "Your code";
/// Longer ones are cut: 998 bytes is the longest line there is (RFC 5322, 2.1.1), and no reader shows a tenth of it.
const SUBJECT_CHARS_MAX: usize = 150;

/// What a message is made of. No `Debug`: it holds the code.
pub struct Letter<'a> {
    /// Address that it comes from, in the reader's eyes.
    pub from: &'a Address,
    /// The name that the reader sees with it.
    pub from_name: Option<&'a str>,
    /// Mailbox.
    pub to: &'a Address,
    /// The code, which the subject may not hold.
    pub code: &'a str,
    /// Without the code.
    pub subject: Option<&'a str>,
    /// For readers that show no HTML.
    pub text: &'a str,
    /// The same, set.
    pub html: Option<&'a str>,
    /// What both are in, as a language tag (RFC 5646).
    pub language: &'a str,
    /// With a domain, the Message-ID.
    pub tag: &'a str,
    /// Right of the `@` in the Message-ID.
    pub domain: &'a str,
    /// `Date`.
    pub now: UnixMs,
}

/// RFC 3834, 5: keeps out-of-office replies from answering a machine.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// RFC 3282, 2.
#[derive(Clone)]
struct ContentLanguage(String);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// The Message-ID, without its angle brackets.
pub fn message_id(tag: &str, domain: &str) -> String {
    format!("{tag}@{domain}")
}

/// The bytes for `DATA`, in 7-bit lines. Fails only on what lettre does not take for a message.
pub fn compose(letter: &Letter<'_>) -> Result<Vec<u8>, lettre::error::Error> {
    let from_name = letter.from_name.map(one_line).filter(|name| !name.is_empty());
    let has_code = |subject: &String| subject.contains(letter.code);
    let subject = letter.subject.map(one_line).filter(|subject| !subject.is_empty() && !has_code(subject));
    let builder = lettre::Message::builder()
        .from(Mailbox::new(from_name, letter.from.clone()))
        .to(Mailbox::new(None, letter.to.clone()))
        .subject(subject.unwrap_or_else(|| PLAIN_SUBJECT.to_owned()))
        .date(UNIX_EPOCH + Duration::from_millis(letter.now.0))
        .message_id(Some(format!("<{}>", message_id(letter.tag, letter.domain))))
        .header(AutoSubmitted)
        .header(ContentLanguage(one_line(letter.language)));
    let text = SinglePart::plain(letter.text.to_owned());
    let message = match letter.html {
        None => builder.singlepart(text)?,
        // "=_" is in no text that is encoded as quoted-printable or base64 (RFC 2045, 6.7).
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .boundary(format!("=_{}", letter.tag))
                .singlepart(text)
                .singlepart(SinglePart::html(html.to_owned())),
        )?,
    };
    Ok(message.formatted())
}

/// A header is one line; a brand with a line break in it must not make it two.
fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    spaced.take(SUBJECT_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
