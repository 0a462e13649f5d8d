//! Texts as octets: the GSM default alphabet, one septet an octet, where it has every character; UCS-2 otherwise (3GPP TS 23.038).

/// The default alphabet: the position is the septet. `\x1b` stands for the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What follows an escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];
const ESCAPE: u8 = 0x1b;

/// In which alphabet a text goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The default alphabet, with its extension table.
    Gsm7,
    /// UTF-16, big endian.
    Ucs2,
}

impl Encoding {
    /// Octets of a message of one part, and of each part of several.
    fn sizes(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (140, 134),
        }
    }
}

/// The user data of each message, without headers; at least one, and never parted within a character.
pub fn parts(text: &str) -> (Encoding, Vec<Vec<u8>>) {
    let septets: Option<Vec<_>> = text.chars().map(gsm).collect();
    let (encoding, chars) = match septets {
        Some(chars) => (Encoding::Gsm7, chars),
        None => (Encoding::Ucs2, text.chars().map(utf16).collect()),
    };
    let (alone, joined) = encoding.sizes();
    let size = if chars.iter().map(Vec::len).sum::<usize>() <= alone { alone } else { joined };
    let mut parts = Vec::new();
    let mut part = Vec::new();
    for char in chars {
        if part.len() + char.len() > size {
            parts.push(std::mem::take(&mut part));
        }
        part.extend(char);
    }
    parts.push(part);
    (encoding, parts)
}

/// Reads octets of the default alphabet; what it does not have is `?`.
pub fn read_gsm(octets: &[u8]) -> String {
    let mut text = String::new();
    let mut octets = octets.iter();
    while let Some(octet) = octets.next() {
        if *octet == ESCAPE {
            let next = octets.next();
            let found = EXTENSION.iter().find(|(_, septet)| Some(septet) == next);
            text.push(found.map_or('?', |(char, _)| *char));
        } else {
            text.push(BASIC.chars().nth(usize::from(*octet)).unwrap_or('?'));
        }
    }
    text
}

/// Reads UTF-16, big endian.
pub fn read_ucs2(octets: &[u8]) -> String {
    let units = octets.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn gsm(char: char) -> Option<Vec<u8>> {
    if let Some((_, septet)) = EXTENSION.iter().find(|(known, _)| *known == char) {
        return Some(vec![ESCAPE, *septet]);
    }
    let at = BASIC.chars().position(|known| known == char && known != '\u{1b}')?;
    u8::try_from(at).ok().map(|septet| vec![septet])
}

fn utf16(char: char) -> Vec<u8> {
    char.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;

    #[test]
    fn the_alphabet_has_its_128_places() {
        assert_eq!(BASIC.chars().count(), 128);
        for (char, octets) in
            [("@", &[0u8][..]), ("A", b"A"), ("à", &[0x7f]), ("€", &[0x1b, 0x65]), ("§", &[0x5f])]
        {
            assert_eq!(parts(char), (Encoding::Gsm7, vec![octets.to_vec()]));
        }
    }

    #[test]
    fn parts_are_as_long_as_the_networks_have_it() {
        let count = |text: String| parts(&text).1.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(count("a".repeat(160)), [160]);
        assert_eq!(count("a".repeat(161)), [153, 8]);
        assert_eq!(count("क".repeat(70)), [140]);
        assert_eq!(count("क".repeat(71)), [134, 8]);
        // An escape and what it escapes stay together, and so do the halves of a surrogate pair.
        assert_eq!(count(format!("{}€{}", "a".repeat(152), "a".repeat(10))), [152, 12]);
        assert_eq!(count(format!("{}😀{}", "क".repeat(66), "क".repeat(10))), [132, 24]);
    }

    proptest! {
        #[test]
        fn what_was_split_reads_as_it_was(text in any::<String>()) {
            let (encoding, parts) = parts(&text);
            let read: String = match encoding {
                Encoding::Gsm7 => parts.iter().map(|part| read_gsm(part)).collect(),
                Encoding::Ucs2 => parts.iter().map(|part| read_ucs2(part)).collect(),
            };
            assert_eq!(read, text);
        }
    }
}
