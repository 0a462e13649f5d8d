//! What an order says of its own progress: what is waited for, whether it can be called off, what to do.

use serde::Deserialize;
use serde::Serialize;

use super::Channel;
use crate::order::advice::Do;

/// Whether an order can be called off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Cancel {
    /// Now.
    pub window: CancelWindow,
    /// The next boundary: when it opens, or when it closes at the latest. Absent once it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub until: Option<String>,
    /// Why, in words.
    pub because: String,
}

/// Whether an order can be called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelWindow {
    /// The code was checked: who checks has a message in hand.
    ClosedChecked,
    /// The message arrived.
    ClosedDelivered,
    /// Nothing has left, or what left is overdue.
    Open,
    /// A message is on its way, and inside its usual time.
    TooEarly,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Waiting {
    /// When it should have arrived.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub expected_by: String,
    /// Whether that has passed.
    pub overdue: bool,
    /// By which channel the code goes next without anybody asking for it; absent where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Channel>,
    /// When, unless something happens before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub next_at: Option<String>,
    /// Through whom. Not told to publishable keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_gateway: Option<String>,
}

/// What to do about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Advice {
    /// What.
    #[serde(rename = "do")]
    pub action: Do,
    /// Why, in words.
    pub because: String,
    /// Until when this holds, unless something happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub until: Option<String>,
    /// For `retry`: the channels that would be another way, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_change: Vec<Channel>,
}

/// What a publishable key hears of it: no reasons and no ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct PublicAdvice {
    /// What.
    #[serde(rename = "do")]
    pub action: Do,
    /// Until when this holds, unless something happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub until: Option<String>,
}

/// A provider's own word for how a message fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ProviderStatus {
    /// As the provider writes it, in lower case: `queued`, `sent`, `enroute`.
    pub status: String,
    /// When it said so.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub at: String,
}

impl From<Advice> for PublicAdvice {
    fn from(Advice { action, until, .. }: Advice) -> Self {
        Self { action, until }
    }
}

impl Waiting {
    /// As publishable keys see it.
    pub(super) fn for_anyone(self) -> Self {
        Self { next_gateway: None, ..self }
    }
}
