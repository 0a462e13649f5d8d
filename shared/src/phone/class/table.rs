//! How the table is laid out, and how it is read.
//!
//! The table (`class.bin`, made by `tests/phone-table`) is an automaton over digits and is read where it lies: no start-up, no
//! allocation. It is 16-bit words, little endian, and pointers are word indices:
//!
//! * a header: format, three words of metadata version, the number n of calling codes;
//! * n entries, sorted: calling code, country ([`SHARED`], [`NOWHERE`] or letters), pointer to the first step;
//! * steps. A step's first word holds its form in bits 13–15 and a payload below:
//!
//! | form | payload | what it does |
//! | --- | --- | --- |
//! | 0 runs | bit 12 accepts; bit 11 inline; bits 0–9 a mask | digit d goes where digit d-1 goes, unless bit d is set: then to the next pointer. The first goes nowhere |
//! | 1 sets | the same, bit 10 last | pairs of set and pointer: digit d takes the first pair that has bit d |
//! | 2 country, 3 kind | bit 12 jump; the value | holds for every number from here on |
//! | 4 country, 5 kind | the same | holds for the number that ends here |
//!
//! After forms 2 to 5 the next step follows directly; with `jump`, a pointer to it does. `inline` says that the last pointer is left
//! out, because the step it would name follows directly. A number ends well at a step that accepts, once its kind was said.

use super::Class;
use super::Kind;
use super::SATELLITE_CODES;
use crate::country::Country;

/// The layout that this module reads.
pub const FORMAT: u16 = 1;
/// An entry's country: the calling code is shared by several, and steps tell which.
pub const SHARED: u16 = 0xFFFE;
/// An entry's country: the calling code is no country's.
pub const NOWHERE: u16 = 0xFFFF;
/// Words before the first entry.
pub const HEADER_WORDS: usize = 5;
/// Words of an entry.
pub const ENTRY_WORDS: usize = 3;
/// Form 0 and 1: a number may end here.
pub const ACCEPTS: u16 = 1 << 12;
/// Form 0 and 1: the last pointer is left out.
pub const INLINE: u16 = 1 << 11;
/// Form 1: the last pair.
pub const LAST: u16 = 1 << 10;
/// Form 0 and 1: bits 0 to 9.
pub const DIGITS: u16 = 0x3FF;
/// Forms 2 to 5: a pointer follows.
pub const JUMP: u16 = 1 << 12;
/// ITU-T E.164: a calling code has one to three digits.
const CODE_DIGITS_MAX: usize = 3;
/// Steps that a number may take: 14 digits; before each and at the end at most forms 4 and 5; forms 2 and 3 once; the end:
/// 47. A damaged table may loop.
const STEPS_MAX: usize = 48;

/// The bytes, wherever they lie. Any bytes will do: what makes no sense makes a number invalid.
pub(super) struct Table<'a>(pub(super) &'a [u8]);

/// An entry: a calling code's country and first step.
#[derive(Clone, Copy)]
struct Entry {
    country: u16,
    step: usize,
}

impl Table<'_> {
    pub(super) fn word(&self, at: usize) -> Option<u16> {
        let bytes = self.0.get(at.checked_mul(2)?..)?;
        bytes.first_chunk().map(|word| u16::from_le_bytes(*word))
    }

    pub(super) fn classify(&self, e164: &str) -> Class {
        let digits = e164.trim_start_matches('+').as_bytes();
        let mut code = 0;
        for (at, digit) in digits.iter().enumerate().take(CODE_DIGITS_MAX) {
            code = code * 10 + u16::from(digit.wrapping_sub(b'0') % 10);
            if let Some(entry) = self.entry(code) {
                return self.class(code, entry, digits.get(at + 1..).unwrap_or_default());
            }
        }
        Class { country: None, calling_code: 0, kind: Kind::Invalid }
    }

    /// Binary search.
    fn entry(&self, code: u16) -> Option<Entry> {
        let (mut from, mut to) = (0, usize::from(self.word(HEADER_WORDS - 1)?));
        while from < to {
            let middle = usize::midpoint(from, to);
            let at = HEADER_WORDS + middle * ENTRY_WORDS;
            let found = self.word(at)?;
            if found == code {
                return Some(Entry { country: self.word(at + 1)?, step: usize::from(self.word(at + 2)?) });
            }
            if found < code { from = middle + 1 } else { to = middle }
        }
        None
    }

    fn class(&self, calling_code: u16, entry: Entry, digits: &[u8]) -> Class {
        let of_code = letters(entry.country);
        let (country, kind) = match self.walk(entry.step, digits) {
            Some((said, kind)) => (of_code.or(said.and_then(letters)), kind),
            None => (of_code, Kind::Invalid),
        };
        let satellite = kind != Kind::Invalid && SATELLITE_CODES.contains(&calling_code);
        Class { country, calling_code, kind: if satellite { Kind::Satellite } else { kind } }
    }

    /// Country (where a step says it) and kind of a valid number.
    fn walk(&self, first: usize, digits: &[u8]) -> Option<(Option<u16>, Kind)> {
        let mut at = first;
        let mut country = None;
        let mut kind = None;
        let mut digits = digits.iter();
        for _ in 0..STEPS_MAX {
            let word = self.word(at)?;
            let form = word >> 13;
            if form <= 1 {
                let Some(digit) = digits.next() else {
                    let accepts = word & ACCEPTS != 0;
                    return kind.filter(|_| accepts).map(|kind| (country, kind));
                };
                let digit = u32::from(digit.wrapping_sub(b'0') % 10);
                at = if form == 0 { self.run(at, word, digit)? } else { self.set(at, digit)? };
                continue;
            }
            if form <= 3 || digits.len() == 0 {
                let value = word & VALUE;
                if form % 2 == 0 {
                    country = Some(value);
                } else {
                    kind = Kind::ALL.get(usize::from(value)).copied();
                }
            }
            at = if word & JUMP != 0 { usize::from(self.word(at + 1)?) } else { at + 1 };
        }
        None
    }

    /// Where a digit leads from a step of form 0.
    fn run(&self, at: usize, word: u16, digit: u32) -> Option<usize> {
        let mask = word & DIGITS;
        let nth = (mask & ((2 << digit) - 1)).count_ones() as usize;
        let last = mask.count_ones() as usize;
        match nth {
            0 => None,
            nth if nth == last && word & INLINE != 0 => Some(at + nth),
            nth => self.pointer(at + nth),
        }
    }

    /// Where a digit leads from a step of form 1.
    fn set(&self, at: usize, digit: u32) -> Option<usize> {
        let mut at = at;
        // Ten digits make ten pairs at most.
        for _ in 0..10 {
            let word = self.word(at)?;
            let last = word & LAST != 0;
            if word >> digit & 1 != 0 {
                return if last && word & INLINE != 0 { Some(at + 1) } else { self.pointer(at + 1) };
            }
            if last {
                return None;
            }
            at += 2;
        }
        None
    }

    /// A pointer; 0 leads nowhere.
    fn pointer(&self, at: usize) -> Option<usize> {
        self.word(at).map(usize::from).filter(|to| *to != 0)
    }
}

/// Forms 2 to 5: the value.
const VALUE: u16 = 0x3FF;

/// Five bits a letter.
fn letters(packed: u16) -> Option<Country> {
    if packed > VALUE {
        return None;
    }
    let letter = |bits: u16| u8::try_from(bits & 31).ok()?.checked_add(b'A');
    let text = [letter(packed >> 5)?, letter(packed)?];
    std::str::from_utf8(&text).ok().and_then(|text| Country::parse(text).ok())
}
