//! How many text messages a text takes: what it costs, and what goes out one by one where we part it ourselves.
//!
//! One message holds 140 octets (3GPP TS 23.040 section 9.2.3.24): 160 characters of the GSM alphabet, or 70 UTF-16 units.
//! A longer text goes in parts, each with 6 octets that join them again: 153 characters or 67 units.

mod gsm;

/// Septets of one message.
const GSM_SINGLE: usize = 160;
/// Septets of one part of several.
const GSM_PART: usize = 153;
/// UTF-16 units of one message.
const UCS2_SINGLE: usize = 70;
/// UTF-16 units of one part of several.
const UCS2_PART: usize = 67;

/// In which alphabet a text goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The default alphabet of 3GPP TS 23.038 with its extension table: seven bits, or twice seven.
    Gsm7,
    /// Anything else: sixteen bits, or twice sixteen beyond the basic plane.
    Ucs2,
}

/// What a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// One character outside the GSM alphabet makes all of it UCS-2.
    pub encoding: Encoding,
    /// Septets or UTF-16 units of the whole text.
    pub units: usize,
    /// Messages, each of which is paid for: at least 1.
    pub count: usize,
}

impl Encoding {
    /// The shortest that a text can go out in.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|char| gsm::septets(char).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// What one message holds, and one part of several.
    fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (GSM_SINGLE, GSM_PART),
            Self::Ucs2 => (UCS2_SINGLE, UCS2_PART),
        }
    }

    fn units(self, char: char) -> usize {
        match self {
            Self::Gsm7 => gsm::septets(char).map_or(0, gsm::Septets::count),
            Self::Ucs2 => char.len_utf16(),
        }
    }
}

/// Counts, without parting.
pub fn count(text: &str) -> Segments {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|char| encoding.units(char)).sum();
    Segments { encoding, units, count: pieces(text, encoding).count() }
}

/// The user data of each message, without the header that joins the parts: GSM text with one septet to the octet, as
/// SMPP's data coding 0 has it, and UCS-2 with the high octet first. No character stands across two parts.
pub fn parts(text: &str) -> (Encoding, Vec<Vec<u8>>) {
    let encoding = Encoding::of(text);
    let octets = |piece: &str| match encoding {
        Encoding::Gsm7 => piece.chars().filter_map(gsm::septets).flatten().collect(),
        Encoding::Ucs2 => piece.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    };
    (encoding, pieces(text, encoding).map(octets).collect())
}

/// The text of each message: one at least, each as long as fits.
fn pieces(text: &str, encoding: Encoding) -> impl Iterator<Item = &str> {
    let (single, part) = encoding.room();
    let fits_one = text.chars().map(|char| encoding.units(char)).sum::<usize>() <= single;
    let room = if fits_one { single } else { part };
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut used = 0;
        let end = text.char_indices().find_map(|(at, char)| {
            used += encoding.units(char);
            (used > room).then_some(at)
        });
        let (piece, after) = text.split_at(end.unwrap_or(text.len()));
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests;
