//! The words of a message: the service's own template where it has one, else the sentences that come with Tiffin.

mod counted;
pub mod dlt;
mod email;
pub mod locale;
pub mod note;
pub mod segment;
pub mod template;
mod translation;

use crate::autofill::Autofill;
use crate::code::Code;
use crate::time::MINUTE_MS;
use crate::wire::api::Channel;

pub use self::counted::Count;
pub use self::counted::Counted;
pub use self::counted::Wanted;
pub use self::locale::Locale;
pub use self::template::Template;
use self::translation::Translation;

/// What a message says, apart from the code.
pub struct Words<'a> {
    /// Who sends it, in the user's eyes.
    pub brand: &'a str,
    /// Life of the code in milliseconds.
    pub ttl_ms: u64,
    /// `499.00 INR to Shop`, where the code approves a payment: the payer must see both (PSD2 RTS Art. 5).
    pub approves: Option<&'a str>,
    /// Where the code may be filled in. By SMS only: nothing reads it elsewhere.
    pub autofill: Option<&'a Autofill>,
}

/// A message as it goes out. No `Debug`: it holds the code.
pub struct Content {
    /// The language that it is in.
    pub locale: Locale,
    /// Of an email alone. Never holds the code: lock screens show it.
    pub subject: Option<String>,
    /// All of it, as text. One by voice holds the code once, as its digits, so that an adapter can part it there and spell
    /// them.
    pub text: String,
    /// The same for an email, as a page of its own that loads nothing.
    pub html: Option<String>,
}

/// Writes a message, in the language of the best template, else in that of `locale`, else in English. The line for
/// machines comes last, after an empty one: its format wants a line of its own, and readers stop before it.
pub fn render(
    code: &Code,
    channel: Channel,
    locale: &Locale,
    words: &Words<'_>,
    templates: &[Template],
) -> Content {
    let is_payment = words.approves.is_some();
    let own = template::pick(templates, channel, locale, is_payment);
    let own = own.and_then(|template| template.text.as_deref().map(|text| (template, text)));
    let locale = own.map_or(locale, |(template, _)| &template.locale);
    let known = Translation::of(locale);
    let shipped = known.unwrap_or(Translation::english());
    let sentences = shipped.sentences(is_payment);
    let pattern = own.map_or(sentences.by(channel), |(_, text)| text);
    let values = Values::new(code, channel, words, shipped);
    let mut text = values.fill(pattern);
    if let Some(autofill) = words.autofill {
        text.push_str("\n\n");
        text.push_str(&autofill.line(code));
    }
    let locale = if own.is_some() || known.is_some() { locale.clone() } else { shipped.locale() };
    let mut content = Content { locale, subject: None, text, html: None };
    if channel == Channel::Email {
        let subject = own.and_then(|(template, _)| template.subject.as_deref()).unwrap_or(sentences.subject);
        content.subject = Some(values.fill(subject));
        let is_rtl = shipped.is_rtl && known.is_some();
        content.html = Some(email::html(pattern, &values, &content.locale, is_rtl));
    }
    content
}

/// What stands for each variable.
struct Values<'a> {
    code: &'a str,
    brand: String,
    minutes: String,
    time: String,
    payment: String,
}

impl<'a> Values<'a> {
    fn new(code: &'a Code, channel: Channel, words: &Words<'_>, shipped: &Translation) -> Self {
        let code = code.expose();
        let minutes = words.ttl_ms.div_ceil(MINUTE_MS);
        let payment = words.approves.map(|phrase| shipped.payment(phrase)).unwrap_or_default();
        let value = |text: &str| match channel {
            Channel::Voice => apart(&plain(text), code),
            Channel::Email | Channel::Sms | Channel::Telegram | Channel::Whatsapp => plain(text),
        };
        Self {
            code,
            brand: value(words.brand),
            minutes: minutes.to_string(),
            time: shipped.time(minutes),
            payment: value(&payment),
        }
    }

    /// Once over the pattern: a value that looks like a variable stays as it is.
    fn fill(&self, pattern: &str) -> String {
        let mut filled = String::with_capacity(pattern.len() + self.brand.len() + self.payment.len());
        let mut rest = pattern;
        while let Some((before, name, after)) = template::next_variable(rest) {
            filled.push_str(before);
            filled.push_str(match name {
                "code" => self.code,
                "brand" => &self.brand,
                "minutes" => &self.minutes,
                "time" => &self.time,
                "payment" => &self.payment,
                _ => "",
            });
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// A value on one line, and without the marks that turn the order of what follows it.
fn plain(value: &str) -> String {
    let is_mark = |char: char| matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    value.chars().map(|char| if char.is_control() || is_mark(char) { ' ' } else { char }).collect()
}

/// A value in which the code cannot be found: where it is part of an amount, say, its digits are spoken one by one.
fn apart(value: &str, code: &str) -> String {
    if !value.contains(code) {
        return value.to_owned();
    }
    let mut parted = String::with_capacity(value.len() * 2);
    for char in value.chars() {
        if char.is_ascii_digit() && parted.ends_with(|last: char| last.is_ascii_digit()) {
            parted.push(' ');
        }
        parted.push(char);
    }
    parted
}

#[cfg(test)]
mod tests;
