//! What people write about an order or a matter: kept, so without numbers and codes of users.

/// From so many digits on they may be a phone's, or a code's.
const DIGITS: usize = 7;

/// Digits that belong together, as a phone number has them at least; what stands between them is looked over. A date is none,
/// nor is a reference by its year, such as `2026-117`.
pub fn has_number(text: &str) -> bool {
    let mut run = 0_usize;
    // An order's id is random text, and may hold such digits.
    let words = text.split_whitespace().filter(|word| !word.contains("ord_"));
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut chunks = word.split_inclusive(is_other).peekable();
        while let Some(chunk) = chunks.next() {
            let digits = chunk.trim_end_matches(is_other);
            let is_last = chunks.peek().is_none() && digits.len() == chunk.len();
            // Of what goes on in the next word, eight digits are no date but a beginning.
            let goes_on = is_last && words.peek().is_some_and(|next| next.starts_with(|it| is_digit(&it)));
            if run == 0 && is_date(digits, goes_on) {
                continue;
            }
            run += digits.chars().filter(is_digit).count();
            if run >= DIGITS {
                return true;
            }
            if digits.len() < chunk.len() {
                run = 0;
            }
        }
    }
    false
}

/// Ends a run of digits.
fn is_other(char: char) -> bool {
    !is_digit(&char) && !matches!(char, '+' | '-' | '(' | ')' | '.' | '/')
}

fn is_digit(char: &char) -> bool {
    char.is_ascii_digit()
}

/// `2026-11-22`, `22.11.2026`, `20261122` or `2026-117`.
fn is_date(text: &str, goes_on: bool) -> bool {
    let text = text.trim_matches(['-', '.', '/', '(', ')']);
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => is_day(year, month, day),
        [day, month, year] => is_day(year, month, day) || is_day(year, day, month),
        [year, number] if !goes_on => {
            is_year(year) && (1..=3).contains(&number.len()) && number.chars().all(|it| is_digit(&it))
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
            && text.chars().all(|it| is_digit(&it))
            && text.parse().is_ok_and(|n: u8| (1..=most).contains(&n))
    };
    is_year(year) && within(month, 12) && within(day, 31)
}

/// Of this century or the end of the last: nobody writes of other days.
fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse().is_ok_and(|year: u16| (1990..=2099).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_references_by_year_are_said_and_numbers_and_codes_are_not() {
        for text in [
            "twilio down 2026-11-22",
            "twilio down since 2026-11-22T10:15:00Z, until 2026-11-23 10:15",
            "invoice 20261122",
            "invoice INV-20261122, of 22.11.2026 or 11/22/2026",
            "(2026-11-22)",
            "invoice 2026-117",
            "2026/11/22: status 503",
            "ord_AgICAgICAgICAgICAgICAgcHBwcHBwcH12345678",
            "called 3 times, 120 s each",
        ] {
            assert!(!has_number(text), "{text}");
        }
        for text in [
            "called +919876543210",
            "called +20261122",
            "98765 43210",
            "(415) 555-0123",
            "0151.234.5678",
            "code 1234567",
            "20261122 98765",
            "20261122-98765",
            "2026-11-22-98765",
            "20269922",
            "18261122",
            "2026-1174",
            "12 20261122",
            "2026-13-22",
        ] {
            assert!(has_number(text), "{text}");
        }
    }
}
