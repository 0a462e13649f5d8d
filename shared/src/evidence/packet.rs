//! What a packet says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::shelf::Exchange;
use super::shelf::Media;
use super::shelf::Received;
use super::shelf::Removed;
use crate::bytes::Bytes;
use crate::country::Country;
use crate::id::GatewayId;
use crate::id::KeyId;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::money::Currency;
use crate::order::AttemptState;
use crate::order::Billed;
use crate::order::Charge;
use crate::order::Entry;
use crate::order::Happening;
use crate::order::Reason;
use crate::order::Story;
use crate::order::link;
use crate::price::Money;
use crate::risk::Factors;
use crate::risk::Tier;
use crate::route::Sender;
use crate::time::UnixMs;
use crate::trace::TraceId;
use crate::wire::api::Advice;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// The version of [`Evidence`] that this build writes and checks.
pub const VERSION: u8 = 1;

/// A packet: the evidence, and core's seal of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidencePacket"))]
#[serde(deny_unknown_fields)]
pub struct Packet {
    /// What it says.
    pub evidence: Evidence,
    /// Who says so.
    pub seal: Seal,
}

/// Core's seal. See `docs/OPERATIONS.md` for the bytes that the signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceSeal"))]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// `ed25519`.
    pub algorithm: String,
    /// Which of core's keys.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub key: KeyId,
    /// SHA-256 of each part of the evidence, by JSON pointer, in base64url.
    #[cfg_attr(feature = "openapi", schemars(with = "BTreeMap<String, String>"))]
    pub digests: BTreeMap<String, Bytes<32>>,
    /// 64 bytes in base64url.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub signature: Bytes<64>,
}

/// All that is known of an order. Times are milliseconds since 1970, by core's clock unless said otherwise. No code, no
/// full number or address, no key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// 1.
    pub version: u8,
    /// When it was put together.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub made_at: UnixMs,
    /// Whose order it is.
    pub account: Account,
    /// Which order.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub order: OrderId,
    /// `x-request-id` of the request that ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The trace that it belongs to: `trace-id` of W3C Trace Context.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// What the code was for.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// How it was to be sent at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Where the number belongs.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Number or mailbox, masked; missing where nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<u64>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<UnixMs>,
    /// Until when its code lived.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<u64>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMs>,
    /// Where delivery stands.
    pub state: OrderState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When everything that was sent, and to whom, was erased on the phone's owner's request: attempts, timeline and uploads of
    /// before are gone. State and costs are what they were.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<u64>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<UnixMs>,
    /// Whether nothing more is waited for.
    pub is_closed: bool,
    /// What was to be done about it when the packet was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// What made it suspicious when it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Everything that happened, oldest first, each linked to the one before.
    pub timeline: Vec<Linked>,
    /// The link of the last entry.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub head: Bytes<32>,
    /// Tries to deliver, oldest first.
    pub attempts: Vec<Tried>,
    /// What it costs, where its tenant pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
    /// How far the providers' clocks are from ours.
    pub clocks: Vec<Clock>,
    /// What support added.
    pub uploads: Vec<Uploaded>,
}

/// Whose order it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceAccount"))]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The tenant; missing where the order ended before its job came.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Where it is reached: `support_email` of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What made an order suspicious.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceRisk"))]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What it had to put up with.
    pub tier: Tier,
    /// Why.
    #[cfg_attr(feature = "openapi", schemars(with = "Vec<crate::risk::Factor>"))]
    pub factors: Factors,
}

/// An entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "TimelineEntry"))]
#[serde(deny_unknown_fields)]
pub struct Linked {
    /// Counts from 1.
    pub n: u32,
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub at: UnixMs,
    /// What.
    pub what: Happening,
    /// SHA-256 over the link before and this entry.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub link: Bytes<32>,
}

/// A try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceAttempt"))]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Counts from 1.
    pub n: u32,
    /// How.
    pub channel: Channel,
    /// Through whom.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub gateway: GatewayId,
    /// What it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// As whom.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// What it has come to.
    pub state: AttemptState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What differs from the attempt before.
    pub changed: String,
    /// When the provider was called.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub called_at: UnixMs,
    /// The provider's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What the provider says that it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Requests to the provider and what came back.
    pub exchanges: Vec<Exchange>,
    /// What the provider told later.
    pub receipts: Vec<Received>,
    /// Whether there was more than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
}

/// What an order costs its tenant, in millionths of the currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceCosts"))]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub currency: Currency,
    /// Put on hold.
    pub held_micros: u64,
    /// Charged, out of it.
    pub captured_micros: u64,
    /// Given back out of it.
    pub released_micros: u64,
    /// Given back out of what was charged.
    pub refunded_micros: u64,
    /// By message.
    pub charges: Vec<Charged>,
}

/// What one message costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceCharge"))]
#[serde(deny_unknown_fields)]
pub struct Charged {
    /// Of which attempt.
    pub n: u32,
    /// Its price.
    pub micros: u64,
    /// `captured`, `dropped`, `refunded: …` with the rule, `reserved`.
    pub state: String,
}

impl Costs {
    /// Of a bill as core has it.
    pub fn of(bill: &Billed) -> Self {
        let state = |charge: &Charge| match serde_json::to_value(charge.state) {
            Ok(serde_json::Value::String(state)) => state,
            Ok(serde_json::Value::Object(one)) => {
                let told =
                    one.iter().map(|(state, rule)| format!("{state}: {}", rule.as_str().unwrap_or_default()));
                told.collect()
            }
            _ => String::new(),
        };
        let charged = |charge: &Charge| Charged { n: charge.n, micros: charge.micros, state: state(charge) };
        Self {
            currency: bill.currency,
            held_micros: bill.sums.held_micros,
            captured_micros: bill.sums.captured_micros,
            released_micros: bill.sums.released_micros,
            refunded_micros: bill.sums.refunded_micros,
            charges: bill.charges.iter().map(charged).collect(),
        }
    }
}

/// How far a provider's clock is from ours, by the `Date` of its replies against the time between request and reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceClock"))]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Whose.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    pub gateway: GatewayId,
    /// Theirs minus ours, in milliseconds: positive where theirs is ahead.
    pub offset_ms: i64,
    /// How far off that may be: half of the call's time, and half of the second that `Date` is rounded to.
    pub error_ms: u64,
    /// From how many replies.
    pub samples: u32,
}

/// Something that support added. The content stands in the page, and is known here by its digest. Of what was removed there is
/// neither, only who did it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "EvidenceUpload"))]
#[serde(deny_unknown_fields)]
pub struct Uploaded {
    /// When.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub at: UnixMs,
    /// What it is.
    pub media: Media,
    /// Its length in bytes.
    pub bytes: u32,
    /// Who added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// SHA-256 of the content.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Bytes<32>>,
    /// What support says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The content, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who took the content away, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// The story with each entry's own link.
pub fn linked(story: &Story) -> Vec<Linked> {
    let mut before = Bytes([0; 32]);
    let number = |(n, entry): (u32, &Entry)| {
        before = link(&before, entry);
        Linked { n, at: entry.at, what: entry.what.clone(), link: before }
    };
    (1..).zip(&story.entries).map(number).collect()
}
