//! What an order would come to.

use serde::Deserialize;
use serde::Serialize;

use super::Channel;
use crate::price::Currency;

/// Reply of `POST /v1/preflight`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Preflight {
    /// Whether an order like this would be accepted now.
    pub ok: bool,
    /// What was looked at, in this order; after one that fails, what depends on it is left out.
    pub checks: Vec<Check>,
    /// What it would cost at most. Null where no price list says, and for publishable keys.
    pub quote: Option<Quote>,
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
    /// The tenant can pay. Not told to publishable keys.
    Balance,
    /// The routes' circuit breakers are closed. Not told to publishable keys.
    Breaker,
    /// The country is open, and the number is not blocked.
    Country,
    /// The key is unused.
    IdempotencyKey,
    /// Routes lead there, more than one of them live.
    Inventory,
    /// The address may be sent another message. Not told to publishable keys.
    Limits,
    /// The number is one that can be sent to, and of which kind it is.
    Number,
    /// It costs no more than `max_price` and `quote` allow. Not told to publishable keys.
    Price,
    /// The tenant may order more today. Only where it has a quota; not told to publishable keys.
    Quota,
    /// What the country's networks want registered is: DLT in India, 10DLC or toll-free in the United States. Not told to
    /// publishable keys.
    Registration,
    /// A sender of each route reaches the country. Not told to publishable keys.
    Sender,
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

/// What an order would cost at most, by the price lists of this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Quote {
    /// To be sent as `quote` with an order like this one: then it costs no more.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = crate::http::quote::PATTERN)))]
    pub id: String,
    /// ISO 4217: the tenant's.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = "^[A-Z]{3}$")))]
    pub currency: Currency,
    /// Until when an order may come with it: a minute.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub valid_until: String,
    /// Each channel that the order may go by, best first.
    pub channels: Vec<QuotedChannel>,
    /// All of it: one message by each of the channels, or less where `max_price` is less.
    pub most_micros: u64,
}

/// What one message costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct QuotedChannel {
    /// By which channel.
    pub channel: Channel,
    /// Of a message or a segment, by the dearest route, in millionths.
    pub unit_micros: u64,
    /// Segments of a text message, at most; 1 elsewhere.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    pub units: u8,
    /// Both together.
    pub total_micros: u64,
}

/// How an order would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Predicted {
    /// The way it would take first.
    pub channel: Channel,
    /// How long a message usually takes, in milliseconds: the time in which 95 % of the receipts from there came, rounded up,
    /// and the service's `waiting_ms` where too few came to tell.
    pub waiting_ms: u64,
    /// The share of messages that arrived there of late, rounded down. Null where too few were sent to tell, and for
    /// publishable keys.
    pub delivered_percent: Option<u8>,
}
