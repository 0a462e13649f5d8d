//! Where a search goes on: open orders first, then closed ones, the last closed first.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::time::UnixMs;

/// Of a cursor's text: an order's id, a tenant's name and some numbers.
const CHARS_MAX: usize = 320;

/// How much slices may grow while a search goes on.
const GROWTH_MAX: usize = 4;

/// Where it goes on. It says nothing of what is searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Cursor {
    /// Among open orders.
    #[serde(rename = "o")]
    Open(Open),
    /// Among closed ones.
    #[serde(rename = "c")]
    Closed(Closed),
}

/// Open orders are looked through in slices, where there are more than one call reads; newest first within each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// How many slices there were when the search began.
    #[serde(rename = "s")]
    pub slices: u32,
    /// Which one is next.
    #[serde(rename = "n")]
    pub slice: u32,
    /// The last order of it that was shown.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(UnixMs, OrderId)>,
}

/// Closed orders stand in the order in which they were closed; at the same millisecond by tenant, then by row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Closed then or earlier.
    #[serde(rename = "t")]
    pub at: UnixMs,
    /// And at that time only before this tenant's row of this number.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub before: Option<(TenantId, u64)>,
}

impl Cursor {
    /// As it goes out.
    pub fn text(&self) -> String {
        bytes::encode(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }

    /// As it came back; nothing where it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let json = bytes::decode(text).filter(|_| text.len() <= CHARS_MAX)?;
        let cursor: Self = serde_json::from_slice(&json).ok()?;
        let is_sound = match &cursor {
            Self::Open(open) => open.slice < open.slices,
            Self::Closed(_) => true,
        };
        is_sound.then_some(cursor)
    }
}

impl Open {
    /// Whether no slice of so many orders is much larger than `per_slice`. There may be more of them than when the search
    /// began, and a cursor is what whoever sends it makes of it.
    pub fn is_fine_enough(&self, orders: usize, per_slice: usize) -> bool {
        let slices = usize::try_from(self.slices).unwrap_or(usize::MAX);
        orders <= slices.saturating_mul(per_slice).saturating_mul(GROWTH_MAX)
    }

    /// Of the slices, the one that this order is in.
    pub fn slice_of(&self, order: &OrderId) -> u32 {
        // The first half of an id is random.
        let [a, b, c, d, ..] = bytes::sha256(order.to_string().as_bytes());
        u32::from_be_bytes([a, b, c, d]) % self.slices.max(1)
    }

    /// Whether an order comes after what was shown.
    pub fn is_next(&self, created_at: UnixMs, id: &OrderId) -> bool {
        self.after.as_ref().is_none_or(|(at, after)| (created_at, id.to_string()) < (*at, after.to_string()))
    }
}

impl Closed {
    /// Where closed orders begin.
    pub fn latest() -> Self {
        Self { at: UnixMs(u64::MAX), before: None }
    }

    /// Whether a row comes after what was shown.
    pub fn is_next(&self, at: UnixMs, tenant: &TenantId, n: u64) -> bool {
        match &self.before {
            _ if at != self.at => at < self.at,
            None => true,
            Some((before, number)) => (tenant, n) < (before, *number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cursor_has_more_read_at_once_than_a_few_slices() {
        let cursor = |slices| Open { slices, slice: 0, after: None };
        assert!(cursor(1).is_fine_enough(4 * 2_048, 2_048), "orders that came since");
        assert!(!cursor(1).is_fine_enough(4 * 2_048 + 1, 2_048));
        assert!(!cursor(1).is_fine_enough(262_144, 2_048), "one slice of all");
        assert!(cursor(128).is_fine_enough(262_144, 2_048));
        assert!(cursor(u32::MAX).is_fine_enough(1 << 30, 2_048));
    }
}
