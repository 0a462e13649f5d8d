//! What an order's record asks of its tenant's account, and what the account says.

use serde::Deserialize;
use serde::Serialize;

use crate::country::Country;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// From handing a posting out until it is taken no more.
pub const POSTING_MS: u64 = 30 * SECOND_MS;

/// What an order has come to, all in all. Amounts are sums since it began, so one that comes twice, or comes instead of
/// one that was lost, moves nothing twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Whose account.
    pub tenant: TenantId,
    /// For which order.
    pub order: OrderId,
    /// Counts from 1. The first one opens the order's hold; the next one comes when this one is answered.
    pub n: u32,
    /// Where its messages go.
    pub country: Option<Country>,
    /// Put on hold: more than before is asked for, and may be refused.
    pub held_micros: u64,
    /// Charged, out of the hold.
    pub captured_micros: u64,
    /// Given back out of the hold.
    pub released_micros: u64,
    /// Given back out of what was charged.
    pub refunded_micros: u64,
    /// Nothing follows: what is left of the hold is released.
    pub closes: bool,
    /// When the account lets go of the hold by itself, having heard no more.
    pub until: UnixMs,
    /// From here on it is not taken: whoever held it was away for long, and the order has gone on.
    pub deadline: UnixMs,
}

/// Why no more is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// There is too little, credit included.
    Balance,
    /// The order has no hold any more, and opens none.
    Closed,
    /// The day's cap for this country is reached.
    CountryCap,
    /// The account is in another currency.
    Currency,
    /// The day's cap is reached.
    DayCap,
}

/// What an account knows of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The latest posting.
    pub n: u32,
    /// Sum put on hold.
    pub held_micros: u64,
    /// Sum charged.
    pub captured_micros: u64,
    /// Sum released.
    pub released_micros: u64,
    /// Sum refunded.
    pub refunded_micros: u64,
    /// Why the latest posting's hold was refused.
    pub refused: Option<Refused>,
    /// What could be held beside it now.
    pub reach_micros: u64,
}

/// The answer to one posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not now: the account waits for its log, or has too many orders open. Ask again.
    Busy,
    /// Its deadline has passed: nothing was done. Whoever has a newer one asks with it.
    Late,
    /// Done, now or before.
    Posted(Standing),
}

impl Standing {
    /// Of an order that has no hold any more: the account has done what it asked, or never will.
    pub(super) fn closed(posting: &Posting) -> Self {
        Self {
            n: posting.n,
            held_micros: 0,
            captured_micros: 0,
            released_micros: 0,
            refunded_micros: 0,
            refused: Some(Refused::Closed),
            reach_micros: 0,
        }
    }
}

impl Refused {
    /// In words, for an order's story.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "the balance is too low",
            Self::Closed => "the account has closed the order",
            Self::CountryCap => "the day's cap for this country is reached",
            Self::Currency => "the account is in another currency",
            Self::DayCap => "the day's cap is reached",
        }
    }
}
