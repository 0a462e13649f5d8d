//! The words of a message.

use crate::autofill::Autofill;
use crate::code::Code;
use crate::time::MINUTE_MS;

/// What a message says, apart from the code.
pub struct Words<'a> {
    /// Who sends it, in the user's eyes.
    pub brand: &'a str,
    /// Life of the code in milliseconds.
    pub ttl_ms: u64,
    /// `499.00 INR to Shop`, where the code approves a payment: the payer must see both (PSD2 RTS Art. 5).
    pub approves: Option<&'a str>,
    /// Where the code may be filled in. By SMS only: nothing reads it elsewhere.
    pub autofill: Option<&'a Autofill>,
}

/// One GSM-7 segment for an ordinary brand. The code comes first: lock screens cut the end. The line for machines comes
/// last, after an empty one: its format wants a line of its own, and readers stop before it.
pub fn render(code: &Code, words: &Words<'_>) -> String {
    let minutes = words.ttl_ms.div_ceil(MINUTE_MS);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    let (digits, brand) = (code.expose(), words.brand);
    let mut text = match words.approves {
        None => {
            format!(
                "{digits} is your {brand} code. It expires in {minutes} {unit}. Never share it with anyone."
            )
        }
        Some(payment) => format!(
            "{digits} approves {payment} at {brand}. It expires in {minutes} {unit}. Not you? Do not share it."
        ),
    };
    if let Some(autofill) = words.autofill {
        text.push_str("\n\n");
        text.push_str(&autofill.line(code));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_comes_first_and_a_payment_is_named() {
        let code = Code::parse("012345").unwrap();
        let mut words = Words { brand: "Shop", ttl_ms: 300_000, approves: None, autofill: None };
        let text = render(&code, &words);
        assert_eq!(text, "012345 is your Shop code. It expires in 5 minutes. Never share it with anyone.");
        assert!(text.len() <= 160);
        words = Words { approves: Some("499.00 INR to Tailor"), ttl_ms: 60_000, ..words };
        assert!(
            render(&code, &words)
                .starts_with("012345 approves 499.00 INR to Tailor at Shop. It expires in 1 minute.")
        );
    }
}
