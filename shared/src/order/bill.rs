//! What an order costs its tenant: what is held for it, charged, released and refunded.
//!
//! The record decides what moves, and keeps the sums; the tenant's [account](crate::money) says what can be held. One
//! posting is under way at a time, and is given out again until it is answered.

mod costs;
mod flow;
mod rules;

use serde::Deserialize;
use serde::Serialize;

pub use self::costs::Costs;
pub(super) use self::flow::posted;
use super::Reason;
use super::State;
use crate::directory::ChargedBy;
use crate::directory::Refund;
use crate::money::Currency;
use crate::money::Refused;
use crate::money::Standing;
use crate::price::Money;
use crate::route::Offer;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// After a hold was refused, how long what is beyond reach is not asked for again.
const SHORT_MS: u64 = 10 * SECOND_MS;

/// How an order's tenant pays for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillTerms {
    /// In this currency.
    pub currency: Currency,
    /// The most that the order's messages may cost in all, in millionths.
    pub max_price_micros: Option<u64>,
    /// When charges go back.
    pub refunds: Vec<Refund>,
    /// By whose price.
    pub charged_by: ChargedBy,
}

/// What an order has come to. Amounts are millionths of the currency, and sums since it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    pub(super) currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_price: Option<u64>,
    pub(super) refunds: Vec<Refund>,
    /// Nothing is charged beyond the provider's own price, where it tells one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) by_provider: bool,
    /// As the account knows them, or soon will.
    pub(super) sums: Sums,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) charges: Vec<Charge>,
    /// The latest posting.
    pub(super) n: u32,
    /// What it says, until it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Sums>,
    /// What the account has confirmed.
    #[serde(default, skip_serializing_if = "Sums::is_none")]
    pub(super) posted: Sums,
    /// Until when whoever has the posting has time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) post_at: Option<UnixMs>,
    #[serde(default, skip_serializing_if = "super::is_none")]
    pub(super) post_tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shortage: Option<Shortage>,
    /// What the edge has been told, or soon is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<Costs>,
    /// What is on hold is for an attempt that is about to begin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_wanted: bool,
    /// The account has let go of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_gone: bool,
}

/// Sums of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Put on hold.
    pub held_micros: u64,
    /// Charged, out of it.
    pub captured_micros: u64,
    /// Given back out of it.
    pub released_micros: u64,
    /// Given back out of what was charged.
    pub refunded_micros: u64,
    /// Nothing follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
}

/// What one message costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Of which attempt.
    pub n: u32,
    /// Of which sending: 0, or the number of the resend.
    #[serde(default, skip_serializing_if = "super::is_first")]
    pub dispatch: u8,
    /// Its price.
    pub micros: u64,
    /// What became of it.
    pub state: ChargeState,
}

/// What became of a message's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// The provider took the message.
    Captured,
    /// No provider is known to have taken it.
    Dropped,
    /// Given back, by this rule.
    Refunded(Refund),
    /// Out of the hold, while the provider is called or its answer is unknown.
    Reserved,
}

/// A hold was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shortage {
    at: UnixMs,
    /// What could be held.
    reach: u64,
    why: Refused,
}

/// A bill as operators read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Billed {
    /// In this currency.
    pub currency: Currency,
    /// The most that it may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price_micros: Option<u64>,
    /// What it came to.
    #[serde(flatten)]
    pub sums: Sums,
    /// By message.
    pub charges: Vec<Charge>,
    /// The account has confirmed all of it.
    pub is_posted: bool,
}

/// Offers that money reaches, and what it does not reach.
pub(super) struct Reach {
    pub(super) offers: Vec<Offer>,
    /// In words; nothing where every offer is within reach.
    pub(super) short: Option<(Reason, String)>,
}

impl Sums {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What is still on hold.
    pub fn outstanding_micros(&self) -> u64 {
        self.held_micros.saturating_sub(self.captured_micros).saturating_sub(self.released_micros)
    }
}

impl Bill {
    fn new(terms: &BillTerms) -> Self {
        Self {
            currency: terms.currency,
            max_price: terms.max_price_micros,
            refunds: terms.refunds.clone(),
            by_provider: terms.charged_by == ChargedBy::Provider,
            sums: Sums::default(),
            charges: Vec::new(),
            n: 0,
            pending: None,
            posted: Sums::default(),
            post_at: None,
            post_tries: 0,
            shortage: None,
            told: None,
            is_wanted: false,
            is_gone: false,
        }
    }

    /// The account does not know of everything. What never held anything has nothing to tell it.
    fn has_more(&self) -> bool {
        self.n > 0 && !self.is_gone && self.posted != self.sums
    }

    fn reserved(&self) -> u64 {
        let reserved = self.charges.iter().filter(|charge| charge.state == ChargeState::Reserved);
        reserved.map(|charge| charge.micros).fold(0, u64::saturating_add)
    }

    /// On hold, and for no message yet.
    pub(super) fn free(&self) -> u64 {
        self.sums.outstanding_micros().saturating_sub(self.reserved())
    }

    /// The most that one more message may cost: by its order's `max_price`, and by what the account lets it hold.
    fn limits(&self, now: UnixMs) -> (u64, Option<(u64, Refused)>) {
        let spent = self.sums.captured_micros.saturating_add(self.reserved());
        let by_price = self.max_price.map_or(u64::MAX, |max| max.saturating_sub(spent));
        if self.is_gone {
            return (by_price, Some((self.free(), Refused::Closed)));
        }
        let short = self.shortage.filter(|shortage| now < shortage.at.plus(SHORT_MS));
        (by_price, short.map(|it| (self.free().saturating_add(it.reach), it.why)))
    }

    /// Leaves out what money does not reach.
    pub(super) fn within_reach(&self, offers: &[Offer], now: UnixMs) -> Reach {
        let (by_price, by_money) = self.limits(now);
        let most = by_money.map_or(by_price, |(reach, _)| by_price.min(reach));
        let (within, beyond): (Vec<&Offer>, Vec<&Offer>) =
            offers.iter().partition(|offer| offer.price_micros.unwrap_or(0) <= most);
        let cheapest = beyond.iter().min_by_key(|offer| offer.price_micros);
        let short = cheapest.map(|offer| {
            let price = offer.price_micros.unwrap_or(0);
            let (reason, limit) = match by_money {
                Some((_, why)) if price <= by_price => (why.reason(), why.as_str()),
                _ => (Reason::PriceTooHigh, "max_price leaves less"),
            };
            let price = Money { amount_micros: price, currency: self.currency };
            (reason, format!("{} costs {price}, and {limit}", offer.way.gateway))
        });
        Reach { offers: within.into_iter().cloned().collect(), short }
    }

    pub(super) fn billed(&self) -> Billed {
        Billed {
            currency: self.currency,
            max_price_micros: self.max_price,
            sums: self.sums,
            charges: self.charges.clone(),
            is_posted: self.pending.is_none() && !self.has_more(),
        }
    }
}

impl Refused {
    fn reason(self) -> Reason {
        match self {
            Self::Balance | Self::Closed | Self::Currency => Reason::BalanceTooLow,
            Self::CountryCap | Self::DayCap => Reason::SpendCapReached,
        }
    }
}

impl State {
    /// An order that has not begun is paid for from here on, where its tenant pays.
    pub(super) fn begin_bill(&mut self) {
        if let Some(terms) = self.terms.billing.take()
            && self.bill.is_none()
            && self.attempts.is_empty()
        {
            self.bill = Some(Box::new(Bill::new(&terms)));
        }
    }
}
