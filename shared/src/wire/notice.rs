//! What the edge tells core of an order besides its jobs.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::country::Country;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::time::UnixMs;

/// The largest notice on the wire, in bytes.
pub const NOTICE_BYTES_MAX: usize = 2 * 1024;

/// Told once, and taken as often as it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub tenant: TenantId,
    /// What happened.
    pub what: What,
    /// When.
    pub at: UnixMs,
    /// As in the job's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// As in the job's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Bytes<8>>,
}

/// What happened to an order at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Called off: nothing of it may be sent from here on.
    Cancelled,
    /// A newer order took its place and was called off before its job said so: nothing of it may be sent from here on.
    Superseded,
    /// The user proved to have the code: nothing more need be sent.
    Verified,
    /// The first wrong guess at its code.
    WrongCode,
}
