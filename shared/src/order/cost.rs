//! What a provider says that a message cost. It is on record for whoever compares invoices, and where the tenant is charged
//! by it, no more than that is charged.

use serde::Deserialize;
use serde::Serialize;

use super::State;
use crate::price::Currency;
use crate::price::Money;
use crate::price::PRICE_MICROS_MAX;

/// A provider's own price of a message, as its receipt has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// How much.
    pub price: Money,
    /// Of each segment of a text; otherwise of the whole message.
    pub is_per_segment: bool,
}

impl Cost {
    /// Reads a decimal number, such as `0.0333`. Digits beyond millionths are dropped; what is no amount of money is nothing.
    pub fn parse(amount: &str, currency: &str, is_per_segment: bool) -> Option<Self> {
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
        let amount_micros = format!("{whole}{micros}").parse().ok()?;
        let currency = Currency::parse(currency).ok()?;
        (amount_micros <= PRICE_MICROS_MAX)
            .then_some(Self { price: Money { amount_micros, currency }, is_per_segment })
    }
}

impl State {
    /// Whether it is new. The provider's first word counts: later receipts of the same message repeat it, or are of a part.
    pub(super) fn hear_cost(&mut self, n: u32, cost: Option<Cost>) -> bool {
        let segments = self.header.as_ref().and_then(|header| header.sms_segments).unwrap_or(1);
        let Some(Cost { price, is_per_segment }) = cost else { return false };
        let record = self.attempts.iter_mut().find(|record| record.attempt.n == n);
        let Some(record) = record.filter(|record| record.cost.is_none()) else { return false };
        let times = if is_per_segment { u64::from(segments) } else { 1 };
        let price = Money { amount_micros: price.amount_micros.saturating_mul(times), ..price };
        record.cost = Some(price);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_millionth_and_nonsense_is_none() {
        let read = |amount: &str| Cost::parse(amount, "EUR", false).map(|cost| cost.price.amount_micros);
        assert_eq!(read("0.03330000"), Some(33_300));
        assert_eq!(
            (read("1"), read("12.5"), read("0.00000199")),
            (Some(1_000_000), Some(12_500_000), Some(1))
        );
        for amount in ["", ".5", "-0.1", "1e3", "0,1", "1.2.3", "99999999999", "NaN", " 1"] {
            assert_eq!(read(amount), None, "{amount}");
        }
        assert_eq!(Cost::parse("1", "euro", false), None);
    }
}
