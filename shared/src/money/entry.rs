//! Entries of an account's log, in double entry: what one account gets another one gives.

use serde::Deserialize;
use serde::Serialize;

use crate::id::OrderId;
use crate::time::UnixMs;

/// One thing that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counts from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: UnixMs,
    /// What.
    pub kind: Kind,
    /// For which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The operator's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What moved: none, or two whose sum is zero.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// What is available after it.
    pub available_micros: i64,
    /// What is held after it.
    pub held_micros: u64,
}

impl Entry {
    /// How much moved, in millionths; negative where an operator took money out, zero where nothing moved.
    pub fn amount_micros(&self) -> i64 {
        let to = self.kind.sides().map(|(_, to)| to);
        let gets = self.lines.iter().filter(|line| Some(line.account) == to);
        gets.map(|line| line.micros).fold(0, i64::saturating_add)
    }
}

/// What an account gets, or gives where it is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which.
    pub account: Side,
    /// So much.
    pub micros: i64,
}

/// What money moves between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The tenant's money.
    Available,
    /// What messages cost.
    Charges,
    /// Where money comes from.
    Funding,
    /// The tenant's money that orders hold.
    Held,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A provider took a message.
    Capture,
    /// An operator put money in, or took it out.
    Credit,
    /// From here on amounts are in another currency: what was charged in the old one is closed against what paid for it.
    Currency,
    /// An order may go out.
    Hold,
    /// Less is left than the tenant's mark; nothing moved.
    LowBalance,
    /// An order gave back what it charged.
    Refund,
    /// An order gave back what it did not need.
    Release,
}

impl Kind {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Credit => "credit",
            Self::Currency => "currency",
            Self::Hold => "hold",
            Self::LowBalance => "low_balance",
            Self::Refund => "refund",
            Self::Release => "release",
        }
    }

    /// From where to where.
    pub(super) fn sides(self) -> Option<(Side, Side)> {
        match self {
            Self::Capture => Some((Side::Held, Side::Charges)),
            Self::Credit => Some((Side::Funding, Side::Available)),
            Self::Currency => Some((Side::Charges, Side::Funding)),
            Self::Hold => Some((Side::Available, Side::Held)),
            Self::LowBalance => None,
            Self::Refund => Some((Side::Charges, Side::Available)),
            Self::Release => Some((Side::Held, Side::Available)),
        }
    }
}
