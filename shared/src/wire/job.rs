//! A job: what a delivery worker needs to send one code. The clear header routes, the sealed part is private.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::code::Code;
use crate::country::Country;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::phone::Phone;
use crate::risk::Factors;
use crate::risk::Tier;
use crate::seal::Sealed;
use crate::time::UnixMs;
use crate::trace::Trace;
use crate::wire::api::Channel;

/// The version of [`Header`] and [`Private`] that this build writes and reads.
pub const VERSION: u8 = 1;

/// In clear on every hop, signed, and authenticated with the sealed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`VERSION`].
    pub v: u8,
    /// Also the id of the job: one order is delivered once.
    pub order: OrderId,
    /// Whose.
    pub tenant: TenantId,
    /// What for.
    pub service: ServiceId,
    /// How.
    pub channel: Channel,
    /// Further channels it may go by, best first; none where the caller chose one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Channel>,
    /// Acceptance.
    pub created_at: UnixMs,
    /// From here on it must not be sent.
    pub expires_at: UnixMs,
    /// Where the number belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Keyed hash of the number without its last four digits: conversion is counted by it. None where nothing is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Bytes<8>>,
    /// Older orders whose place this one takes: they must not be sent any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<OrderId>,
    /// The id of the request that ordered it: what the caller's own log knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What made it suspicious, where anything did.
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// What it had to put up with for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The caller brought the code, and checks it: nobody here will hear whether it was verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deliver_only: bool,
    /// What the order may cost at most, over all its messages, in millionths of the tenant's currency; none where its caller
    /// set no ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price_micros: Option<u64>,
    /// Segments that it takes as a text message, as the front door counted and quoted them; one where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_segments: Option<u8>,
    /// Number or mailbox, masked as the public API shows it: the tenant's webhooks say it. None once it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_masked: Option<String>,
    /// The caller's own name for it, perhaps of a person: never logged. None once it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    /// The trace it belongs to, with all its resends. None in a job of an edge that knew of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

impl Header {
    /// Every channel the order may go by, best first. A resend puts its own in front.
    pub fn channels(&self, dispatch: Option<&Dispatch>) -> Vec<Channel> {
        let mut channels = vec![dispatch.map_or(self.channel, |dispatch| dispatch.channel)];
        let others = [self.channel].into_iter().filter(|_| !self.then.is_empty()).chain(self.then.clone());
        for channel in others {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        channels
    }
}

/// A further sending of the same job: the sealed part, and so the code, stays the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Counts from 1; the first sending has none.
    pub n: u8,
    /// How, in place of the header's channel.
    pub channel: Channel,
}

/// What only a delivery worker reads. No `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    /// Where to.
    pub phone: Option<Phone>,
    /// Where to.
    pub email: Option<String>,
    /// The code in clear.
    pub code: Code,
    /// Language of the message as BCP 47.
    pub locale: String,
    /// `499.00 INR to Shop`, where the code approves a payment.
    pub approves: Option<String>,
}

/// A sealed job as the outbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The exact bytes of the [`Header`].
    pub header: String,
    /// The sealed [`Private`].
    pub sealed: Sealed,
}
