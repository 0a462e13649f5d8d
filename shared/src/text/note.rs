//! What people write about an order or a matter: kept, so without numbers and codes of users.
//!
//! One rule says which digits belong together: whoever refuses what holds a number, and whoever masks it, goes by it.

use std::ops::Range;

/// From so many digits on they may be a code: the shortest that a service may have.
pub const CODE_DIGITS_MIN: usize = 4;
/// From so many on they may be a phone's.
const NUMBER_DIGITS_MIN: usize = 7;
/// Of a second: nanoseconds.
const FRACTION_DIGITS_MAX: usize = 9;
/// `8-4-4-4-12`, as RFC 9562 writes a UUID.
const UUID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];
/// The zeros of every script's decimal digits (Unicode 17, general category Nd); nine more follow each.
const ZEROS: [u32; 77] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60,
    0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0,
    0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// Digits without anything between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where, in characters.
    pub range: Range<usize>,
    /// In ASCII, whatever the script.
    pub digits: String,
}

/// Digits that belong together: one part, or several with gaps between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// In order.
    pub parts: Vec<Part>,
}

impl Run {
    /// From the first digit to the last, in characters.
    pub fn range(&self) -> Range<usize> {
        let start = self.parts.first().map_or(0, |part| part.range.start);
        start..self.parts.last().map_or(start, |part| part.range.end)
    }

    /// All of them, in ASCII.
    pub fn digits(&self) -> String {
        self.parts.iter().map(|part| part.digits.as_str()).collect()
    }
}

/// Whether it may hold a phone number or a code that is as long: seven digits that belong together.
pub fn has_number(text: &str) -> bool {
    has_digits(text, NUMBER_DIGITS_MIN)
}

/// Whether so many digits belong together in it, or more.
pub fn has_digits(text: &str, min: usize) -> bool {
    let chars: Vec<char> = text.chars().collect();
    runs(&chars, |_| false).iter().any(|run| run.digits().len() >= min)
}

/// Digits that belong together, in every script; gaps between them are looked over. A date is none of them, nor a time, nor a
/// reference by its year, such as `2026-117`, nor what stands in an order's id or a UUID: those are random. Parts that are
/// known to be something else belong to no run.
pub fn runs(chars: &[char], is_known: impl Fn(&Part) -> bool) -> Vec<Run> {
    let plain: Vec<char> = chars.iter().map(|char| plain(*char)).collect();
    let parts = parts(&plain).into_iter().filter(|part| !is_known(part));
    let (mut runs, mut run) = (Vec::new(), Vec::<Part>::new());
    for part in parts {
        let follows = run.last().is_none_or(|last| {
            plain.get(last.range.end..part.range.start).unwrap_or_default().iter().all(|it| is_gap(*it))
        });
        if !follows {
            runs.push(without_dates(&plain, std::mem::take(&mut run)));
        }
        run.push(part);
    }
    runs.push(without_dates(&plain, run));
    runs.retain(|run| !run.parts.is_empty());
    runs
}

/// A decimal digit of any script in ASCII.
pub fn digit(char: char) -> Option<char> {
    let at = u32::from(char);
    let zero = ZEROS.partition_point(|zero| *zero <= at).checked_sub(1).and_then(|n| ZEROS.get(n))?;
    char::from_digit(at.checked_sub(*zero)?, 10)
}

/// What may stand between the digits of one number or code.
pub fn is_gap(char: char) -> bool {
    char.is_whitespace() || is_unseen(char) || matches!(plain(char), '+' | '-' | '(' | ')' | '.' | '/')
}

/// Takes no room, or puts a key's frame around the digit before it.
fn is_unseen(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(char, '\u{20e3}' | '\u{fe0e}' | '\u{fe0f}' | '\u{feff}')
}

/// One way to write digits, dashes, dots, slashes, parentheses and plus signs.
fn plain(char: char) -> char {
    match char {
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{b7}' | '\u{2024}' | '\u{3002}' | '\u{ff0e}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => '/',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        '\u{ff0b}' => '+',
        char => digit(char).unwrap_or(char),
    }
}

/// Every stretch of digits but those of ids and times.
fn parts(plain: &[char]) -> Vec<Part> {
    let (mut parts, mut at) = (Vec::new(), 0);
    let mut id_until = 0;
    while let Some(char) = plain.get(at) {
        if at == 0 || plain.get(at - 1).is_some_and(|it| it.is_whitespace()) {
            let length = plain.iter().skip(at).take_while(|it| !it.is_whitespace()).count();
            let is_id = plain.get(at..at + length).is_some_and(is_id);
            id_until = if is_id { at + length } else { id_until };
        }
        if at < id_until || !char.is_ascii_digit() {
            at += 1;
        } else if let Some(end) = time(plain, at) {
            at = end;
        } else {
            let digits: String = plain.iter().skip(at).take_while(|it| it.is_ascii_digit()).collect();
            let end = at + digits.len();
            parts.push(Part { range: at..end, digits });
            at = end;
        }
    }
    parts
}

fn is_id(word: &[char]) -> bool {
    let word: String = word.iter().collect();
    let uuid = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
    let is_hex = |part: &str| part.chars().all(|char| char.is_ascii_hexdigit());
    // One of digits alone would be a rare one, and a good disguise.
    let is_uuid = uuid.chars().any(char::is_alphabetic)
        && uuid.split('-').map(str::len).eq(UUID_PARTS)
        && uuid.split('-').all(is_hex);
    is_uuid || word.contains("ord_")
}

/// Where a time of day ends that begins here: `10:15`, `10:15:00.123`.
fn time(plain: &[char], at: usize) -> Option<usize> {
    let digits = |at: usize| plain.iter().skip(at).take_while(|it| it.is_ascii_digit()).count();
    let is_within = |at: usize, length: usize, most: u8| {
        let text: String = plain.iter().skip(at).take(length).collect();
        text.parse().is_ok_and(|n: u8| n <= most)
    };
    let sixtieth = |at: usize| {
        let is_one = plain.get(at) == Some(&':') && digits(at + 1) == 2 && is_within(at + 1, 2, 59);
        is_one.then_some(at + 3)
    };
    let hours = digits(at);
    let minute = sixtieth(at + hours).filter(|_| hours <= 2 && is_within(at, hours, 23))?;
    let Some(second) = sixtieth(minute) else { return Some(minute) };
    let fraction = digits(second + 1);
    let has_fraction = plain.get(second) == Some(&'.') && (1..=FRACTION_DIGITS_MAX).contains(&fraction);
    Some(if has_fraction { second + 1 + fraction } else { second })
}

/// Without the dates that it begins with.
fn without_dates(plain: &[char], parts: Vec<Part>) -> Run {
    let between = |from: &Part, to: &Part| plain.get(from.range.end..to.range.start).unwrap_or_default();
    let has_space = |from: &Part, to: &Part| between(from, to).iter().any(|it| it.is_whitespace());
    let words: Vec<&[Part]> = parts.chunk_by(|one, next| !has_space(one, next)).collect();
    let mut dates = 0;
    for (n, word) in words.iter().enumerate() {
        let (Some(first), Some(last)) = (word.first(), word.last()) else { break };
        // Of what goes on in the next word, eight digits are no date but a beginning.
        let goes_on = words.get(n + 1).and_then(|next| next.first()).is_some_and(|next| {
            let gap = plain.get(last.range.end..next.range.start).unwrap_or_default();
            gap.iter().all(|it| it.is_whitespace())
        });
        let has_plus = first.range.start.checked_sub(1).is_some_and(|at| plain.get(at) == Some(&'+'));
        let text: String = plain.get(first.range.start..last.range.end).unwrap_or_default().iter().collect();
        if has_plus || !is_date(&text, goes_on) {
            break;
        }
        dates += word.len();
    }
    Run { parts: parts.into_iter().skip(dates).collect() }
}

/// `2026-11-22`, `22.11.2026`, `20261122` or `2026-117`.
fn is_date(text: &str, goes_on: bool) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => is_day(year, month, day),
        [day, month, year] => is_day(year, month, day) || is_day(year, day, month),
        [year, number] if !goes_on => {
            is_year(year) && (1..=3).contains(&number.len()) && number.chars().all(|it| it.is_ascii_digit())
        }
        [whole] if !goes_on && whole.len() == 8 && whole.is_ascii() => {
            let (year, rest) = whole.split_at(4);
            let (month, day) = rest.split_at(2);
            is_day(year, month, day)
        }
        _ => false,
    }
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    let within = |text: &str, most: u8| {
        text.len() <= 2
            && text.chars().all(|it| it.is_ascii_digit())
            && text.parse().is_ok_and(|n: u8| (1..=most).contains(&n))
    };
    is_year(year) && within(month, 12) && within(day, 31)
}

/// Of this century or the end of the last: nobody writes of other days.
fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse().is_ok_and(|year: u16| (1990..=2099).contains(&year))
}

#[cfg(test)]
mod tests;
