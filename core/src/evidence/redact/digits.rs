//! Codes and numbers in running text, with gaps between their digits or without.

use std::ops::Range;

use tiffin_shared::phone::Phone;
use tiffin_shared::text::note;
use tiffin_shared::text::note::Part;

use super::Known;
use super::Trust;
use crate::evidence::time;

/// Between two digits of one number or code: `+1 (415) 555-0123`, `1, 2, 3, 4`.
const GAP_CHARS_MAX: usize = 2;
/// Codes of fewer digits are found as parts of years, statuses and ids: they count only where they stand alone.
const LONG_CODE_DIGITS: usize = 6;
/// Country codes have up to three digits: without them it is the same number.
const COUNTRY_DIGITS_MAX: usize = 3;
/// Of a short number so many are looked for.
const NATIONAL_DIGITS_MIN: usize = 6;
/// What a number has, by E.164.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// What a code has.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = note::CODE_DIGITS_MIN..=10;
/// What a masked number shows.
const SHOWN: (usize, usize) = (3, 4);

/// With the number masked, in every spelling.
pub(super) fn without_phone(text: &str, phone: &Phone) -> String {
    let digits: Vec<char> = phone.e164().chars().filter(char::is_ascii_digit).collect();
    let national = digits.len().saturating_sub(COUNTRY_DIGITS_MAX).max(NATIONAL_DIGITS_MIN).min(digits.len());
    let (country, national) = digits.split_at(digits.len() - national);
    let chars: Vec<char> = text.chars().collect();
    let mut out = Replacing::new(&chars);
    let mut at = 0;
    while at < chars.len() {
        match spelled(&chars, at, national) {
            Some(end) => {
                let start = before(&chars, at, country);
                out.replace(start..end, &phone.masked());
                at = end;
            }
            None => at += 1,
        }
    }
    out.finish()
}

/// With zeros in place of the code.
pub(super) fn without_code(text: &str, code: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let zeros = "0".repeat(code.len());
    let mut out = Replacing::new(&chars);
    for range in codes(&chars, code) {
        out.replace(range, &zeros);
    }
    out.finish()
}

/// Whether the code is there.
pub(super) fn has_code(text: &str, code: &str) -> bool {
    !codes(&text.chars().collect::<Vec<_>>(), code).is_empty()
}

/// Without what may stand between digits.
pub(super) fn without_gaps(text: &str) -> String {
    text.chars().filter(|char| !is_gap(*char)).map(|char| note::digit(char).unwrap_or(char)).collect()
}

/// With what looks like a number or a mailbox masked, and what looks like a code in a sentence.
pub(super) fn without_shapes(text: &str, trust: Trust, known: &Known<'_>) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_others = trust != Trust::Own;
    let is_sentence = trust == Trust::Person || text.contains(' ') && text.contains(char::is_alphabetic);
    let is_apart = |part: &Part| {
        let is_plain = known.plain.iter().any(|plain| plain.trim_start_matches('+') == part.digits);
        is_plain
            || time::is_time(&part.digits, known.now)
            || !has_plus(&chars, part) && !stands_alone(&chars, part)
    };
    let mut out = Replacing::new(&chars);
    for run in note::runs(&chars, is_apart) {
        let digits = run.digits();
        let has_plus = run.parts.first().is_some_and(|first| has_plus(&chars, first));
        // Longer ones are ids, unless they are several numbers.
        let is_number = NUMBER_DIGITS.contains(&digits.len())
            || run.parts.len() > 1 && digits.len() > *NUMBER_DIGITS.end();
        let may_be_code = CODE_DIGITS.contains(&digits.len());
        // What a mask shows of a number is too much of a code.
        let is_rather_code = trust == Trust::Person && may_be_code && !has_plus;
        if is_number && (has_plus || is_others) && !is_rather_code {
            out.replace(run.range(), &mask(&digits));
        } else if is_others && is_sentence && may_be_code {
            for part in run.parts {
                out.replace(part.range, &"0".repeat(part.digits.len()));
            }
        }
    }
    let text = out.finish();
    if is_others && text.contains('@') { without_mailboxes(&text, known) } else { text }
}

fn has_plus(chars: &[char], part: &Part) -> bool {
    part.range.start.checked_sub(1).is_some_and(|at| chars.get(at) == Some(&'+'))
}

fn without_mailboxes(text: &str, known: &Known<'_>) -> String {
    let is_end = |char: char| char.is_whitespace() || "<>\"'(),;:=".contains(char);
    let mask = |word: &str| {
        let (name, end) = word.split_at(word.trim_end_matches(is_end).len());
        let is_plain = known.plain.iter().any(|plain| plain.trim_matches(is_end) == name);
        match name.split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !is_plain => {
                format!("{}•••@{domain}{end}", local.chars().take(1).collect::<String>())
            }
            _ => word.to_owned(),
        }
    };
    text.split_inclusive(is_end).map(mask).collect()
}

fn codes(chars: &[char], code: &str) -> Vec<Range<usize>> {
    let digits: Vec<char> = code.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let end = spelled(chars, at, &digits).filter(|end| is_code(chars, &(at..*end), digits.len()));
        match end {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// A long code may stand next to letters; no code is part of a longer number.
fn is_code(chars: &[char], range: &Range<usize>, length: usize) -> bool {
    let is_long = length >= LONG_CODE_DIGITS;
    let joins = |char: Option<&char>| {
        char.is_some_and(|char| {
            char.is_ascii_digit() || !is_long && (char.is_ascii_alphanumeric() || *char == '_')
        })
    };
    let before = range.start.checked_sub(1).and_then(|at| chars.get(at));
    !joins(before) && !joins(chars.get(range.end))
}

fn stands_alone(chars: &[char], part: &Part) -> bool {
    let joins = |char: Option<&char>| char.is_some_and(|char| char.is_ascii_alphanumeric() || *char == '_');
    !joins(part.range.start.checked_sub(1).and_then(|at| chars.get(at))) && !joins(chars.get(part.range.end))
}

/// Lists are looked over too: where the digits are known, they are not taken for others.
fn is_gap(char: char) -> bool {
    note::is_gap(char) || char == ','
}

/// Where the digits that begin at `at` end.
fn spelled(chars: &[char], at: usize, digits: &[char]) -> Option<usize> {
    let mut at = at;
    for (n, digit) in digits.iter().enumerate() {
        let gap = |at: usize| chars.get(at).is_some_and(|char| is_gap(*char));
        let skipped = if n == 0 { 0 } else { (0..GAP_CHARS_MAX).take_while(|skip| gap(at + skip)).count() };
        if chars.get(at + skipped).and_then(|char| note::digit(*char)) != Some(*digit) {
            return None;
        }
        at += skipped + 1;
    }
    Some(at)
}

/// Where a number begins whose national part begins at `at`: as much of the country code as stands there, and its plus.
fn before(chars: &[char], at: usize, country: &[char]) -> usize {
    let mut start = at;
    for digit in country.iter().rev() {
        let back = |from: usize| {
            (1..=GAP_CHARS_MAX + 1).find_map(|step| {
                let at = from.checked_sub(step)?;
                let is_gaps = chars.get(at + 1..from)?.iter().all(|char| is_gap(*char));
                (is_gaps && chars.get(at).and_then(|char| note::digit(*char)) == Some(*digit)).then_some(at)
            })
        };
        match back(start) {
            Some(at) => start = at,
            None => break,
        }
    }
    match start.checked_sub(1).filter(|at| chars.get(*at) == Some(&'+')) {
        Some(plus) => plus,
        None => start,
    }
}

fn mask(digits: &str) -> String {
    let (head, tail) = SHOWN;
    let head = if digits.len() > head + tail + 1 { head } else { 0 };
    let tail = if digits.len() > head + tail + 1 { tail } else { 2 };
    let hide = |(at, char)| if at < head || at + tail >= digits.len() { char } else { '•' };
    digits.chars().enumerate().map(hide).collect()
}

/// Text that is put together anew, part by part.
struct Replacing<'a> {
    chars: &'a [char],
    out: String,
    done: usize,
}

impl<'a> Replacing<'a> {
    fn new(chars: &'a [char]) -> Self {
        Self { chars, out: String::new(), done: 0 }
    }

    fn replace(&mut self, range: Range<usize>, by: &str) {
        let start = range.start.max(self.done);
        self.out.extend(self.chars.get(self.done..start).unwrap_or_default());
        self.out.push_str(by);
        self.done = range.end.max(self.done);
    }

    fn finish(mut self) -> String {
        self.out.extend(self.chars.get(self.done..).unwrap_or_default());
        self.out
    }
}
