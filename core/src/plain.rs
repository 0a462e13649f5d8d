//! Text that others wrote, such that whoever looks at it sees all of it: nothing in it moves a cursor, clears a screen or turns
//! the direction of what follows.

/// The character, or a sign in its place. Line ends and tabs stay.
pub fn shown(char: char) -> char {
    match char {
        '\n' | '\t' => char,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        char if char.is_control() => char::REPLACEMENT_CHARACTER,
        char => char,
    }
}

/// A text for a terminal.
pub fn text(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// The same as one line: a text that has more of them must not look like lines of ours.
pub fn line(line: &str) -> String {
    line.chars().map(|char| if char == '\n' { ' ' } else { shown(char) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            text("a\u{1b}[2Jb\u{9b}31m\r\u{7}\u{202e}c"),
            "a\u{fffd}[2Jb\u{fffd}31m\u{fffd}\u{fffd}\u{fffd}c"
        );
        assert_eq!(text("two\nlines\tof \u{0939}\u{093f} ✓"), "two\nlines\tof \u{0939}\u{093f} ✓");
        assert_eq!(line("id\n2026-11-22  delivered"), "id 2026-11-22  delivered");
    }
}
