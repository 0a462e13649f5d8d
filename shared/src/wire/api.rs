//! Bodies of the public API, as JSON has them.

mod channel;
mod live;
mod preflight;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

pub use self::channel::Channel;
pub use self::channel::ChannelChoice;
pub use self::live::Advice;
pub use self::live::Cancel;
pub use self::live::CancelWindow;
pub use self::live::ProviderStatus;
pub use self::live::PublicAdvice;
pub use self::live::Waiting;
pub use self::preflight::Check;
pub use self::preflight::CheckName;
pub use self::preflight::CheckResult;
pub use self::preflight::Predicted;
pub use self::preflight::Preflight;
pub use self::preflight::Quote;
pub use self::preflight::QuotedChannel;
use crate::binding::Binding;
use crate::country;
use crate::directory::Risk;
use crate::order::advice::Do;
use crate::price::Money;
use crate::risk::Factors;
use crate::risk::Origin;
use crate::risk::Tier;
use crate::wire::object;

/// `POST /v1/orders`.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// Where the code goes: at least one address.
    #[serde(deserialize_with = "object::required")]
    #[cfg_attr(feature = "openapi", schemars(with = "Destination"))]
    pub to: Destination,
    /// A service of the tenant.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,39}$")))]
    pub service: String,
    /// Default `auto`.
    #[serde(default)]
    pub channel: ChannelChoice,
    /// Language of the message as BCP 47; default `en`.
    #[cfg_attr(feature = "openapi", schemars(length(min = 2, max = crate::http::create::LOCALE_CHARS_MAX), regex(pattern = "^[A-Za-z0-9-]*$")))]
    pub locale: Option<String>,
    /// May raise the service's risk.
    pub risk: Option<Risk>,
    /// Transaction the code approves.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::binding::Unchecked>"))]
    #[serde(default, deserialize_with = "object::optional")]
    pub binding: Option<Binding>,
    /// The user's connection, as the caller's server saw it. Secret keys only.
    #[serde(default, deserialize_with = "object::optional")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Client>"))]
    pub client: Option<Client>,
    /// The caller's own name for this order, echoed: up to 64 characters.
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::http::create::CLIENT_REF_CHARS_MAX), regex(pattern = crate::http::openapi::patterns::PRINTABLE)))]
    pub client_ref: Option<String>,
    /// Echoed: up to 10 pairs of at most 40 and 120 characters.
    #[serde(default, deserialize_with = "object::texts")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<BTreeMap<String, String>>", extend("maxProperties" = crate::http::create::METADATA_PAIRS_MAX), transform = crate::http::openapi::patterns::metadata))]
    pub metadata: Option<BTreeMap<String, String>>,
    /// What it may cost at most, over all its messages, in the tenant's currency. Secret keys only.
    #[serde(default, deserialize_with = "object::optional")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Money>"))]
    pub max_price: Option<Money>,
    /// The id of a preflight's quote: it costs no more than that. Secret keys only.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::http::quote::QUOTE_CHARS_MAX)))]
    pub quote: Option<String>,
    /// The caller's own code, 4–10 digits; one is made where there is none. Secret keys only.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", regex(pattern = r"^[0-9]{4,10}$")))]
    pub code: Option<crate::code::Code>,
    /// The solution of a challenge, as its widget gives it.
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::challenge::ANSWER_CHARS_MAX)))]
    pub challenge: Option<String>,
}

/// Where a code goes.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", schemars(extend("anyOf" = [{"required": ["phone"]}, {"required": ["email"]}])))]
pub struct Destination {
    /// E.164.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = r"^\+[1-9][0-9]{6,14}$")))]
    pub phone: Option<String>,
    /// A mailbox.
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::mailbox::EMAIL_BYTES_MAX), regex(pattern = crate::http::openapi::patterns::EMAIL)))]
    pub email: Option<String>,
}

/// The user's connection.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Address the user came from.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", extend("anyOf" = [{"format": "ipv4"}, {"format": "ipv6"}, {"type": "null"}])))]
    pub ip: Option<IpAddr>,
    /// ISO 3166-1 alpha-2; `T1` for Tor and `XX` for nobody knows, as Cloudflare has them.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>", regex(pattern = "^([A-Z]{2}|T1)$")))]
    #[serde(default)]
    pub country: Option<Whereabouts>,
}

/// Where a connection comes from, by its code.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Whereabouts(pub Origin);

impl TryFrom<String> for Whereabouts {
    type Error = country::Error;

    fn try_from(code: String) -> Result<Self, country::Error> {
        let is_code = code == "T1" || country::Country::parse(&code).is_ok();
        if is_code { Ok(Self(Origin::parse(&code))) } else { Err(country::Error) }
    }
}

/// `POST /v1/orders/{id}/resend`.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Resend {
    /// Another way than before; default `auto`, the best untried one.
    #[serde(default)]
    pub channel: ChannelChoice,
    /// The solution of a challenge, as its widget gives it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::challenge::ANSWER_CHARS_MAX)))]
    pub challenge: Option<String>,
}

/// `POST /v1/orders/{id}/verify`.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// 4–10 digits.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = r"^[0-9]{4,10}$")))]
    pub code: crate::code::Code,
    /// The payment that is about to be carried out, for an order that has one: exactly as it was ordered.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::binding::Unchecked>"))]
    #[serde(default, deserialize_with = "object::optional")]
    pub binding: Option<Binding>,
    /// The solution of a challenge, as its widget gives it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = crate::challenge::ANSWER_CHARS_MAX)))]
    pub challenge: Option<String>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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

impl OrderState {
    /// Whether an order in this state changes no more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Cancelled | Self::Expired | Self::Failed | Self::Verified => true,
            Self::Accepted | Self::Delivered | Self::Queued | Self::Sending | Self::Sent => false,
        }
    }
}

/// What a guess came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Order {
    /// `ord_…`
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = r"^ord_[A-Za-z0-9_-]{43}$")))]
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
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the code ends.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub expires_at: String,
    /// From when on a resend is taken; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub resend_at: Option<String>,
    /// Whether it can be called off; absent for an order that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// While a message is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Box<Waiting>>,
    /// What to do about it now.
    pub advice: Box<Advice>,
    /// Messages that may still be asked for.
    pub sends_left: u8,
    /// Guesses that would still be evaluated.
    pub guesses_left: u32,
    /// The channel that proved itself.
    pub verified_channel: Option<Channel>,
    /// What made it suspicious, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskView>,
    /// True when a newer order of the same phone and service took its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// The payment it approves, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::binding::Unchecked>"))]
    pub binding: Option<Binding>,
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
    /// What it costs, as far as core has told; absent where the tenant pays nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<crate::order::Costs>>,
}

/// What made an order suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RiskView {
    /// What followed.
    pub tier: Tier,
    /// Why, sorted.
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<crate::risk::Factor>"))]
    pub factors: Factors,
}

/// All that a publishable key sees of an order: nothing of earlier orders, guesses or routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(extend("not" = {"required": ["attempts"]})))]
pub struct PublicOrder {
    /// `ord_…`
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = r"^ord_[A-Za-z0-9_-]{43}$")))]
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
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the code ends.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub expires_at: String,
    /// From when on a resend is taken; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub resend_at: Option<String>,
    /// Whether it can be called off; absent for an order that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// While a message is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// What to do about it now.
    pub advice: PublicAdvice,
}

impl From<Order> for PublicOrder {
    fn from(order: Order) -> Self {
        let Order { id, state, service, channel, to, created_at, expires_at, .. } = order;
        let Order { resend_at, cancel, waiting, advice, .. } = order;
        // That the guesses are used up is not told to who may be guessing.
        let is_locked = advice.action == Do::None && !state.is_final();
        let advice = match is_locked {
            true => PublicAdvice { action: Do::Wait, until: Some(expires_at.clone()) },
            false => PublicAdvice::from(*advice),
        };
        let waiting = waiting.map(|it| it.for_anyone());
        Self { id, state, service, channel, to, created_at, expires_at, resend_at, cancel, waiting, advice }
    }
}

/// A try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    pub at: String,
    /// What differs from the attempt before.
    pub changed: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<crate::order::Reason>,
    /// As whom; a number is masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The provider's own word for how it fares, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_status: Option<ProviderStatus>,
    /// Where the order was called off after it had left: what came of stopping it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<crate::order::Recall>,
}

/// Reply of `POST /v1/orders/{id}/verify`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
