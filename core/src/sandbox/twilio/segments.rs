//! How many short messages a text takes.

/// Segments in GSM 03.38 when every character is in it, in UCS-2 otherwise.
pub(super) fn count(text: &str) -> usize {
    let septets = text.chars().map(septets).sum::<Option<usize>>();
    let (units, alone, joined) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if units <= alone { 1 } else { units.div_ceil(joined) }
}

fn septets(character: char) -> Option<usize> {
    if BASIC.contains(character) || character.is_ascii_alphanumeric() {
        Some(1)
    } else if EXTENSION.contains(character) {
        Some(2)
    } else {
        None
    }
}

/// The default alphabet but for the letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";

/// What takes an escape and a second septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_the_networks_do() {
        assert_eq!(count("482915 is your code."), 1);
        assert_eq!(count(&"a".repeat(160)), 1);
        assert_eq!(count(&"a".repeat(161)), 2);
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&"€".repeat(81)), 2);
        assert_eq!(count(&"क".repeat(70)), 1);
        assert_eq!(count(&"क".repeat(71)), 2);
    }
}
