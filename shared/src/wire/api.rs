//! Bodies of the public API, as JSON has them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::binding::Binding;
use crate::directory::Risk;

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mailbox.
    Email,
    /// A text message.
    Sms,
    /// A call that reads the code.
    Voice,
    /// A WhatsApp message.
    Whatsapp,
}

impl Channel {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Whatsapp => "whatsapp",
        }
    }
}

/// Which channel the caller asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelChoice {
    /// The best one with a live route.
    #[default]
    Auto,
    /// Email only.
    Email,
    /// SMS only.
    Sms,
    /// Voice only.
    Voice,
    /// WhatsApp only.
    Whatsapp,
}

impl ChannelChoice {
    /// Whether `channel` would do.
    pub fn allows(self, channel: Channel) -> bool {
        match self {
            Self::Auto => true,
            Self::Email => channel == Channel::Email,
            Self::Sms => channel == Channel::Sms,
            Self::Voice => channel == Channel::Voice,
            Self::Whatsapp => channel == Channel::Whatsapp,
        }
    }
}

/// `POST /v1/orders`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// Where the code goes: at least one address.
    pub to: Destination,
    /// A service of the tenant.
    pub service: String,
    /// Default `auto`.
    #[serde(default)]
    pub channel: ChannelChoice,
    /// Language of the message as BCP 47; default `en`.
    pub locale: Option<String>,
    /// May raise the service's risk.
    pub risk: Option<Risk>,
    /// Transaction the code approves.
    pub binding: Option<Binding>,
    /// The user's connection, as the caller's server saw it. Secret keys only.
    pub client: Option<Client>,
    /// The caller's own name for this order, echoed: up to 64 characters.
    pub client_ref: Option<String>,
    /// Echoed: up to 10 pairs of at most 40 and 120 characters.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Not accepted yet.
    pub max_price: Option<IgnoredAny>,
    /// Not accepted yet.
    pub code: Option<IgnoredAny>,
    /// Not accepted yet.
    pub challenge: Option<IgnoredAny>,
}

/// Where a code goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// E.164.
    pub phone: Option<String>,
    /// A mailbox.
    pub email: Option<String>,
}

/// The user's connection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Address the user came from.
    pub ip: Option<IpAddr>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// `POST /v1/orders/{id}/verify`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// 4–10 digits.
    pub code: crate::code::Code,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Durable at the edge, not yet with core.
    Accepted,
    /// Called off.
    Cancelled,
    /// The provider says that it arrived.
    Delivered,
    /// Its life ended unverified.
    Expired,
    /// It could not be delivered.
    Failed,
    /// In core's queue.
    Queued,
    /// A gateway is being called.
    Sending,
    /// A gateway took it.
    Sent,
    /// The user proved to have it.
    Verified,
}

/// What a guess came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyResult {
    /// It was right before.
    AlreadyVerified,
    /// The order was called off.
    Cancelled,
    /// Too late, superseded, or never delivered.
    Expired,
    /// No guesses left; it was not evaluated.
    Locked,
    /// All that a publishable key hears when it is not `verified`.
    NotVerified,
    /// Right.
    Verified,
    /// Wrong, and counted.
    WrongCode,
}

/// An order as a reply shows it. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `ord_…`
    pub id: String,
    /// Where it stands.
    pub state: OrderState,
    /// What for.
    pub service: String,
    /// How it goes out.
    pub channel: Channel,
    /// Masked.
    pub to: String,
    /// When it was accepted.
    pub created_at: String,
    /// When the code ends.
    pub expires_at: String,
    /// Guesses that would still be evaluated.
    pub guesses_left: u32,
    /// The channel that proved itself.
    pub verified_channel: Option<Channel>,
    /// True when a newer order of the same phone and service took its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// Why it failed, from the closed list of delivery reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<crate::order::Reason>,
    /// As given.
    pub client_ref: Option<String>,
    /// As given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Attempt>,
}

/// All that a publishable key sees of an order: nothing of earlier orders, guesses or routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicOrder {
    /// `ord_…`
    pub id: String,
    /// Where it stands.
    pub state: OrderState,
    /// What for.
    pub service: String,
    /// How it goes out.
    pub channel: Channel,
    /// Masked.
    pub to: String,
    /// When it was accepted.
    pub created_at: String,
    /// When the code ends.
    pub expires_at: String,
}

impl From<Order> for PublicOrder {
    fn from(order: Order) -> Self {
        let Order { id, state, service, channel, to, created_at, expires_at, .. } = order;
        Self { id, state, service, channel, to, created_at, expires_at }
    }
}

/// A try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub n: u32,
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: String,
    /// How it went.
    pub state: crate::order::AttemptState,
    /// When it reached this state.
    pub at: String,
    /// What differs from the attempt before.
    pub changed: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<crate::order::Reason>,
}

/// Reply of `POST /v1/orders/{id}/verify`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verified {
    /// What the guess came to.
    pub result: VerifyResult,
    /// Guesses that would still be evaluated. Not told to publishable keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guesses_left: Option<u32>,
    /// Not told to publishable keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}
