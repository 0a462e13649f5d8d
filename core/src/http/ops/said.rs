//! What operators write of their own: reasons, subjects, notes. It is kept for over a year, and everybody reads it.

use tiffin_shared::problem::Problem;
use tiffin_shared::text::note::CODE_DIGITS_MIN;
use tiffin_shared::text::note::has_digits;
use tiffin_shared::text::note::has_number;
use tiffin_shared::time::UnixMs;

use super::orders::invalid;
use crate::evidence::redact::Known;
use crate::evidence::redact::Redactor;

/// A sentence: some text, no control characters. One that holds what could be a phone's number is refused; what could be a
/// code becomes zeros and a mailbox is masked, as in what support uploads.
pub(super) fn said(name: &str, text: &str, chars_max: usize, now: UnixMs) -> Result<String, Problem> {
    fits(name, text, chars_max)?;
    if has_number(text) {
        return Err(refused(name));
    }
    Ok(Redactor::new(Known::nothing(now)).words(text))
}

/// A person's or a team's name: it is kept as it is, or refused.
pub(super) fn named(name: &str, text: String, chars_max: usize) -> Result<String, Problem> {
    fits(name, &text, chars_max)?;
    if has_digits(&text, CODE_DIGITS_MIN) { Err(refused(name)) } else { Ok(text) }
}

fn fits(name: &str, text: &str, chars_max: usize) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars == 0 || chars > chars_max || text.chars().any(|char| char.is_control() && char != '\n') {
        return Err(invalid(format!("{name}: must be 1 to {chars_max} characters.")));
    }
    Ok(())
}

fn refused(name: &str) -> Problem {
    invalid(format!("{name}: must not hold a phone number or a code; it is kept. Name the order instead."))
}

#[cfg(test)]
mod tests;
