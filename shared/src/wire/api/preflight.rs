//! What an order would come to.

use serde::Deserialize;
use serde::Serialize;

use super::Channel;

/// Reply of `POST /v1/preflight`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Preflight {
    /// Whether an order like this would be accepted now.
    pub ok: bool,
    /// What was looked at, in this order; after one that fails, what depends on it is left out.
    pub checks: Vec<Check>,
    /// What it would cost. Null: this version has no price lists.
    pub quote: Option<()>,
    /// How it would go.
    pub predicted: Option<Predicted>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Check {
    /// What.
    pub name: CheckName,
    /// How it looks.
    pub result: CheckResult,
    /// Why, and what to do about it.
    pub detail: String,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The tenant can pay.
    Balance,
    /// The country is open, and the number is not blocked.
    Country,
    /// The key is unused.
    IdempotencyKey,
    /// The address may be sent another message.
    Limits,
    /// The number is one that can be sent to.
    Number,
    /// The tenant may order more today. Only where it has a quota.
    Quota,
    /// A live route leads there.
    Route,
    /// The service is open to the key.
    Service,
}

/// How it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// The order would be refused.
    Fail,
    /// Nothing in the way.
    Pass,
    /// It would be accepted; read the detail.
    Warn,
}

/// How an order would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Predicted {
    /// The way it would take first.
    pub channel: Channel,
    /// How long a message usually takes, in milliseconds.
    pub waiting_ms: u64,
}
