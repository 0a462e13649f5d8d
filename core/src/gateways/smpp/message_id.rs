//! An SMSC's names for a message: some write the same one differently in the answer and in the receipt.

use serde::Deserialize;

/// How the ids of receipts relate to those of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageIds {
    /// Alike but for case and leading zeros.
    #[default]
    Normalised,
    /// Letter by letter.
    AsIs,
    /// Answers have hexadecimal numbers, receipts the same ones in decimal.
    HexToDecimal,
    /// Answers have decimal numbers, receipts the same ones in hexadecimal.
    DecimalToHex,
}

impl MessageIds {
    /// The name under which a message is remembered, from the answer to its submission.
    pub fn of_answer(self, id: &str) -> String {
        match self {
            Self::AsIs => id.to_owned(),
            Self::Normalised => normalised(id),
            Self::HexToDecimal => number(id, 16).unwrap_or_else(|| normalised(id)),
            Self::DecimalToHex => number(id, 10).unwrap_or_else(|| normalised(id)),
        }
    }

    /// The same name, from a receipt.
    pub fn of_receipt(self, id: &str) -> String {
        match self {
            Self::AsIs => id.to_owned(),
            Self::Normalised => normalised(id),
            Self::HexToDecimal => number(id, 10).unwrap_or_else(|| normalised(id)),
            Self::DecimalToHex => number(id, 16).unwrap_or_else(|| normalised(id)),
        }
    }
}

fn normalised(id: &str) -> String {
    let id = id.trim().to_ascii_lowercase();
    let short = id.trim_start_matches('0');
    if short.is_empty() { id } else { short.to_owned() }
}

/// One spelling of a number; ids that are none, or longer than 128 bits, stay what they are.
fn number(id: &str, radix: u32) -> Option<String> {
    u128::from_str_radix(id.trim(), radix).ok().map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_and_its_receipt_have_one_name() {
        let cases = [
            (MessageIds::Normalised, "00A1B2", "a1b2", true),
            (MessageIds::Normalised, "a1b2", "0000A1B2", true),
            (MessageIds::Normalised, "000", "000", true),
            (MessageIds::Normalised, "7b", "123", false),
            (MessageIds::AsIs, "00A1", "00A1", true),
            (MessageIds::AsIs, "00A1", "00a1", false),
            (MessageIds::HexToDecimal, "0000007B", "123", true),
            (MessageIds::HexToDecimal, "7b", "0000000123", true),
            (MessageIds::HexToDecimal, "7b", "7b", false),
            (MessageIds::HexToDecimal, "b1f0-4c", "B1F0-4C", true),
            (MessageIds::DecimalToHex, "123", "0000007B", true),
        ];
        for (ids, answer, receipt, same) in cases {
            assert_eq!(
                ids.of_answer(answer) == ids.of_receipt(receipt),
                same,
                "{ids:?}: {answer} and {receipt}"
            );
        }
    }
}
