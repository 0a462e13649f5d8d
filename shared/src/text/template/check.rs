//! What a template may hold. Operators write them, users trust them: no link, and nothing that is filled in by chance.

use super::CODE;
use super::Template;
use super::next_variable;
use crate::wire::api::Channel;

/// The longest text: four text messages.
pub const TEXT_CHARS_MAX: usize = 600;
/// The longest subject: what mailboxes show of one is less.
pub const SUBJECT_CHARS_MAX: usize = 120;
/// The longest name or id at a provider: WhatsApp's template names have up to 512 characters.
pub const ID_CHARS_MAX: usize = 512;
/// The most templates of one service: eight languages by four channels, twice over and with room. All of them stand in the
/// directory, which every front door holds.
pub const TEMPLATES_MAX: usize = 80;
/// The longest run of digits in a text that is spoken: a code has more, and is found by its digits.
const SPOKEN_DIGITS_MAX: usize = 3;
/// Digits of India's ids: 19, and some operators' are shorter.
const DLT_ID_DIGITS_MAX: usize = 25;

/// Refuses what must not be sent; the text names the key and the reason.
pub(crate) fn check_all(templates: &[Template]) -> Result<(), String> {
    if templates.len() > TEMPLATES_MAX {
        return Err(format!("templates: at most {TEMPLATES_MAX}"));
    }
    for (at, template) in templates.iter().enumerate() {
        template.check().map_err(|reason| format!("templates[{at}].{reason}"))?;
        let is_same = |other: &Template| {
            (other.channel, &other.locale, other.is_for_payments())
                == (template.channel, &template.locale, template.is_for_payments())
        };
        if let Some(other) = templates.iter().take(at).position(is_same) {
            return Err(format!(
                "templates[{at}]: templates[{other}] has its channel and locale already, and is for payments or not as it is"
            ));
        }
    }
    Ok(())
}

impl Template {
    fn check(&self) -> Result<(), String> {
        if self.text.is_none() && self.ids.is_empty() {
            return Err("text: without it there must be an id of a gateway under ids".to_owned());
        }
        if let Some(text) = &self.text {
            check_text(text, self.channel).map_err(|reason| format!("text: {reason}"))?;
        }
        if let Some(subject) = &self.subject {
            if self.channel != Channel::Email || self.text.is_none() {
                return Err("subject: only an email with a text of its own has one".to_owned());
            }
            check_subject(subject).map_err(|reason| format!("subject: {reason}"))?;
        }
        if let Some(id) = &self.dlt_template_id {
            if self.channel != Channel::Sms || self.text.is_none() {
                return Err("dlt_template_id: only an SMS with its registered text has one".to_owned());
            }
            check_dlt_id(id).map_err(|reason| format!("dlt_template_id: {reason}"))?;
        }
        let is_id = |id: &str| {
            (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match self.ids.iter().find(|(_, id)| !is_id(id)) {
            Some((gateway, _)) => {
                Err(format!("ids.{gateway}: must be 1 to {ID_CHARS_MAX} visible ASCII characters"))
            }
            None => Ok(()),
        }
    }
}

/// A number that India's operators gave out.
pub(crate) fn check_dlt_id(id: &str) -> Result<(), &'static str> {
    let is_number =
        (1..=DLT_ID_DIGITS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(()) } else { Err("must be digits, usually 19") }
}

fn check_text(text: &str, channel: Channel) -> Result<(), String> {
    check_line(text, TEXT_CHARS_MAX)?;
    if text.matches(CODE).count() != 1 {
        return Err("must hold {code} exactly once".to_owned());
    }
    let (before, after) = text.split_once(CODE).unwrap_or_default();
    // A reader, and an adapter that spells the code, must see where it ends.
    let joins = |char: char| char.is_ascii_alphanumeric() || matches!(char, '{' | '}');
    if before.ends_with(joins) || after.starts_with(joins) {
        return Err("{code} must stand apart from letters, digits and other variables".to_owned());
    }
    let longest_number = text.split(|char: char| !char.is_numeric()).map(|run| run.chars().count()).max();
    if channel == Channel::Voice && longest_number.unwrap_or(0) > SPOKEN_DIGITS_MAX {
        return Err(format!("a spoken text may hold numbers of at most {SPOKEN_DIGITS_MAX} digits"));
    }
    Ok(())
}

fn check_subject(subject: &str) -> Result<(), String> {
    check_line(subject, SUBJECT_CHARS_MAX)?;
    if subject.contains(CODE) {
        return Err("must not hold {code}: lock screens show it".to_owned());
    }
    Ok(())
}

fn check_line(text: &str, chars_max: usize) -> Result<(), String> {
    if text.trim() != text || !(1..=chars_max).contains(&text.chars().count()) {
        return Err(format!("must be 1 to {chars_max} characters, without spaces around them"));
    }
    if text
        .chars()
        .any(|char| char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    {
        return Err("must be one line without control characters".to_owned());
    }
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        if !matches!(name, "code" | "brand" | "minutes" | "payment") || before.contains('}') {
            break;
        }
        rest = after;
    }
    if rest.contains(['{', '}']) {
        return Err("braces may hold code, brand, minutes and payment only, as {code}".to_owned());
    }
    match text.split_whitespace().find(|token| is_address(token)) {
        Some(token) => {
            Err(format!("{token:?} looks like an address, which a message with a code must not hold"))
        }
        None => Ok(()),
    }
}

/// What phones make a link of: a scheme, `www.`, a mailbox, or two letters and more behind a dot that stands in a word.
fn is_address(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    let schemes = ["://", "www.", "mailto:", "tel:", "sms:", "@"];
    // Look-alikes of the dot that browsers take for one (UTS 46 section 2.3) or that pass for one.
    let parts: Vec<_> = lower.split(['.', '\u{ff0e}', '\u{ff61}', '\u{2024}']).collect();
    let is_domain = parts.windows(2).any(|pair| {
        let [name, rest] = pair else { return false };
        let ending = rest.chars().take_while(|char| char.is_alphanumeric()).collect::<Vec<_>>();
        name.ends_with(char::is_alphanumeric)
            && ending.len() >= 2
            && ending.first().is_some_and(|char| char.is_alphabetic())
    });
    schemes.iter().any(|scheme| lower.contains(scheme)) || is_domain
}

#[cfg(test)]
mod tests;
