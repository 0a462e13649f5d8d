//! What an order's tenant is told of its cost.

use serde::Deserialize;
use serde::Serialize;

use super::Bill;
use super::Billed;
use super::Currency;
use super::Sums;
use crate::order::State;

/// What an order costs its tenant. Amounts are millionths of the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = "^[A-Z]{3}$")))]
    pub currency: Currency,
    /// On hold for it now.
    pub held_micros: u64,
    /// Charged for its messages, what was refunded of it included.
    pub charged_micros: u64,
    /// Of that, given back.
    pub refunded_micros: u64,
}

impl Costs {
    fn of(currency: Currency, sums: &Sums) -> Self {
        Self {
            currency,
            held_micros: sums.outstanding_micros(),
            charged_micros: sums.captured_micros,
            refunded_micros: sums.refunded_micros,
        }
    }
}

impl Billed {
    /// As the public API shows it.
    pub fn cost(&self) -> Costs {
        Costs::of(self.currency, &self.sums)
    }
}

impl Bill {
    /// The account does not know yet what went back.
    pub(in crate::order) fn is_refunding(&self) -> bool {
        !self.is_gone && self.posted.refunded_micros < self.sums.refunded_micros
    }
}

impl State {
    /// Nothing where its tenant does not pay.
    pub(in crate::order) fn cost(&self) -> Option<Costs> {
        self.bill.as_ref().map(|bill| Costs::of(bill.currency, &bill.sums))
    }

    /// Whether it costs something else than when this was asked last.
    pub(in crate::order) fn costs_anew(&mut self) -> bool {
        let Some(bill) = &mut self.bill else { return false };
        let cost = Costs::of(bill.currency, &bill.sums);
        // What nothing was ever held for is told with the first change.
        let was =
            bill.told.unwrap_or(Costs { held_micros: 0, charged_micros: 0, refunded_micros: 0, ..cost });
        let is_new = was != cost;
        if is_new {
            bill.told = Some(cost);
        }
        is_new
    }
}
