//! The router: which ways may carry an order, ranked by what the fleet knows of them. Pure: it is given all it uses.

use serde::Deserialize;
use serde::Serialize;

use self::stats::View;
use crate::id::GatewayId;
use crate::id::OrderId;
use crate::phone::Phone;
use crate::price::amount;
use crate::time::UnixMs;
use crate::wire::api::Channel;

pub mod share;
pub mod stats;

/// The longest sender: an E.164 number, a short code, an alphanumeric id, a Messaging Service.
pub const SENDER_CHARS_MAX: usize = 64;
/// Arrival rates that differ by less rank alike, in thousandths: noise must not move traffic about.
const QUALITY_STEP: u32 = 50;
/// Usual times that differ by less rank alike.
const WINDOW_STEP_MS: u64 = 4_000;

/// A sender is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sender must be 1 to {SENDER_CHARS_MAX} visible ASCII characters")]
pub struct InvalidSender;

/// As whom a gateway sends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sender(String);

impl Sender {
    /// Checks the alphabet and the length.
    pub fn parse(text: &str) -> Result<Self, InvalidSender> {
        let is_visible = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        let fits = (1..=SENDER_CHARS_MAX).contains(&text.len());
        if fits && is_visible { Ok(Self(text.to_owned())) } else { Err(InvalidSender) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For whoever need not know all of a number.
    pub fn masked(&self) -> String {
        Phone::parse(&self.0).map_or_else(|_| self.0.clone(), |phone| phone.masked())
    }
}

impl TryFrom<String> for Sender {
    type Error = InvalidSender;
    fn try_from(text: String) -> Result<Self, InvalidSender> {
        Self::parse(&text)
    }
}

impl From<Sender> for String {
    fn from(sender: Sender) -> Self {
        sender.0
    }
}

/// How a message can go out: what **something-changes** compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: GatewayId,
    /// As whom, where the gateway has a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
}

/// What the breaker of a way's gateway says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// In use.
    Closed,
    /// The one call of the fleet that finds out whether the gateway is back.
    Probe,
    /// Not to be used.
    Open {
        /// When it may be probed, or looked at again.
        until: UnixMs,
        /// Next to nothing gets through: not even a last resort.
        is_dark: bool,
    },
}

/// A way with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The way.
    pub way: Way,
    /// Its gateway's breaker.
    pub health: Health,
    /// Before this the gateway takes nothing: its provider asked for a pause, or its pace is spent.
    pub free_at: UnixMs,
    /// The operator's choice; lower goes first.
    pub priority: u16,
    /// Its share of the orders among gateways of one priority, where the operator set one.
    pub weight: Option<u16>,
    /// How messages fared on it of late.
    pub stats: View,
    /// How long a message may take before silence counts, where the receipts have not taught it yet.
    pub window_default_ms: u64,
    /// Of the whole message, in millionths of the tenant's currency, where it is known.
    pub price_micros: Option<u64>,
    /// How often the provider can be asked after an outcome that is unknown; 0 where it has no such query.
    pub looks_max: u8,
    /// How often the provider can be asked how one message fares; 0 where it has no such query.
    pub polls_max: u8,
    /// Nobody tells what arrived: silence says nothing.
    pub is_mute: bool,
}

/// A way as a worker offers it to an order; best first in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The way.
    pub way: Way,
    /// Its gateway's breaker.
    pub health: Health,
    /// Before this it must not be used.
    pub free_at: UnixMs,
    /// How long a message usually takes; after that silence counts.
    pub window_ms: u64,
    /// As in [`Candidate::looks_max`].
    pub looks_max: u8,
    /// As in [`Candidate::polls_max`].
    pub polls_max: u8,
    /// As in [`Candidate::is_mute`].
    pub is_mute: bool,
    /// Of the whole message, in millionths of the tenant's currency, where the tenant pays and it is known.
    pub price_micros: Option<u64>,
    /// Why it stands where it stands, for the order's timeline.
    pub why: String,
}

/// Ranks the candidates of `channels`, best first: by channel as the caller lists them, then by breaker, the operator's
/// priority, the share that the operator gave them, arrival and conversion, usual time and price; what is still equal keeps
/// the operator's order.
pub fn rank(mut candidates: Vec<Candidate>, channels: &[Channel], order: &OrderId) -> Vec<Offer> {
    candidates.retain(|candidate| channels.contains(&candidate.way.channel));
    let places = share::places(&candidates, order);
    candidates.sort_by_key(|candidate| {
        (
            channels.iter().position(|channel| *channel == candidate.way.channel),
            candidate.health.rank(),
            candidate.priority,
            places.get(&candidate.way.gateway).copied(),
            std::cmp::Reverse(candidate.stats.quality() / QUALITY_STEP),
            candidate.window_ms() / WINDOW_STEP_MS,
            candidate.price_micros.unwrap_or(u64::MAX),
        )
    });
    candidates.into_iter().map(Candidate::offer).collect()
}

impl Health {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "up",
            Self::Probe => "probe",
            Self::Open { .. } => "breaker open",
        }
    }

    /// A probe is given to one order at a time, and must be used by it.
    fn rank(self) -> u8 {
        match self {
            Self::Probe => 0,
            Self::Closed => 1,
            Self::Open { .. } => 2,
        }
    }
}

impl Candidate {
    fn window_ms(&self) -> u64 {
        self.stats.window_ms.unwrap_or(self.window_default_ms)
    }

    fn offer(self) -> Offer {
        let why = self.why();
        let window_ms = self.window_ms();
        let Self { way, health, free_at, looks_max, polls_max, is_mute, price_micros, .. } = self;
        Offer { way, health, free_at, window_ms, looks_max, polls_max, is_mute, price_micros, why }
    }

    fn why(&self) -> String {
        let breaker = self.health.as_str();
        let (whole, tenth) = (self.stats.quality() / 10, self.stats.quality() % 10);
        let usual_s = self.window_ms().div_ceil(1_000);
        let sent = self.stats.sent;
        let mut why = format!("{breaker}, {whole}.{tenth} % of {sent}, usual {usual_s} s");
        why.extend(self.price_micros.map(|price| format!(", price {}", amount(price))));
        why.extend(self.weight.map(|weight| format!(", weight {weight}")));
        why
    }
}

#[cfg(test)]
mod tests;
