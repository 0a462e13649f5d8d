//! What one order has on its tenant's account.

use serde::Deserialize;
use serde::Serialize;

use super::Refused;
use super::Standing;
use crate::country::Country;
use crate::time::UnixMs;

/// An order that may hold something. Its names are short: there are many in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// The latest posting.
    pub(super) n: u32,
    #[serde(rename = "h", default, skip_serializing_if = "is_zero")]
    pub(super) held: u64,
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub(super) captured: u64,
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub(super) released: u64,
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    pub(super) refunded: u64,
    /// Why the latest posting's hold was refused.
    #[serde(rename = "no", default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<Refused>,
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<Country>,
    /// The day against whose caps it counts, and how much.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub(super) day: u64,
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub(super) counted: u64,
    /// When the account lets go by itself.
    #[serde(rename = "u")]
    pub(super) until: UnixMs,
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")
)]
fn is_zero(micros: &u64) -> bool {
    *micros == 0
}

impl Open {
    pub(super) fn new(country: Option<Country>, until: UnixMs) -> Self {
        let (n, held, captured, released, refunded) = (0, 0, 0, 0, 0);
        Self { n, held, captured, released, refunded, refused: None, country, day: 0, counted: 0, until }
    }

    /// What is still on hold.
    pub(super) fn outstanding(&self) -> u64 {
        self.held.saturating_sub(self.captured).saturating_sub(self.released)
    }

    pub(super) fn standing(&self, reach_micros: u64) -> Standing {
        Standing {
            n: self.n,
            held_micros: self.held,
            captured_micros: self.captured,
            released_micros: self.released,
            refunded_micros: self.refunded,
            refused: self.refused,
            reach_micros,
        }
    }
}
