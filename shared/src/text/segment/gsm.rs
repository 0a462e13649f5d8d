//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 sections 6.2.1 and 6.2.1.1).

/// By septet. The escape stands in its place and is no character of a text.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What the escape makes of the septet behind it.
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
/// Leads over to the extension table.
const ESCAPE: u8 = 0x1b;

/// A character as septets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Septets {
    Basic(u8),
    Extended(u8),
}

/// Nothing where the alphabet lacks the character.
pub(super) fn septets(char: char) -> Option<Septets> {
    if let Some((_, septet)) = EXTENSION.iter().find(|(known, _)| *known == char) {
        return Some(Septets::Extended(*septet));
    }
    let at = BASIC.chars().position(|known| known == char)?;
    u8::try_from(at).ok().filter(|septet| *septet != ESCAPE).map(Septets::Basic)
}

impl Septets {
    pub(super) fn count(self) -> usize {
        match self {
            Self::Basic(_) => 1,
            Self::Extended(_) => 2,
        }
    }
}

impl IntoIterator for Septets {
    type Item = u8;
    type IntoIter = std::iter::Chain<std::option::IntoIter<u8>, std::iter::Once<u8>>;

    /// The escape, where there is one, and the septet.
    fn into_iter(self) -> Self::IntoIter {
        let (escape, septet) = match self {
            Self::Basic(septet) => (None, septet),
            Self::Extended(septet) => (Some(ESCAPE), septet),
        };
        escape.into_iter().chain(std::iter::once(septet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the table in 3GPP TS 23.038, by row and column.
    #[test]
    fn characters_have_their_places() {
        let cases = [
            ('@', Septets::Basic(0x00)),
            ('Ç', Septets::Basic(0x09)),
            ('\n', Septets::Basic(0x0a)),
            ('Δ', Septets::Basic(0x10)),
            ('_', Septets::Basic(0x11)),
            ('Æ', Septets::Basic(0x1c)),
            (' ', Septets::Basic(0x20)),
            ('¤', Septets::Basic(0x24)),
            ('?', Septets::Basic(0x3f)),
            ('¡', Septets::Basic(0x40)),
            ('Z', Septets::Basic(0x5a)),
            ('§', Septets::Basic(0x5f)),
            ('¿', Septets::Basic(0x60)),
            ('à', Septets::Basic(0x7f)),
            ('€', Septets::Extended(0x65)),
        ];
        for (char, expected) in cases {
            assert_eq!(septets(char), Some(expected), "{char}");
        }
        assert_eq!(BASIC.chars().count(), 128);
        for other in ['\u{1b}', 'á', 'ç', 'ê', 'õ', '`', '\t', '\u{a0}', '’', 'α', 'क'] {
            assert_eq!(septets(other), None, "{other}");
        }
    }
}
