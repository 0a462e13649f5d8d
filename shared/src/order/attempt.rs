//! A try to deliver, and what only core knows of it.

use serde::Deserialize;
use serde::Serialize;

use super::ProviderStatus;
use super::Reason;
use super::Recall;
use super::claim::CLAIM_MS;
use crate::bytes::Bytes;
use crate::id::GatewayId;
use crate::price::Money;
use crate::route::Sender;
use crate::route::Way;
use crate::time::UnixMs;
use crate::wire::api;
use crate::wire::api::Channel;

/// A try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Counts from 1.
    pub n: u32,
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: GatewayId,
    /// How it goes.
    pub state: AttemptState,
    /// When it came into this state.
    pub at: UnixMs,
    /// **something-changes**: what differs from the attempt before.
    pub changed: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Until when a message on this route usually arrives: what its receipts have taught.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_by: Option<UnixMs>,
    /// As whom; a number is masked. Not in the record, which has the sender itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The provider's own word for how it fares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<ProviderStatus>,
    /// Where the order was called off after it had left: what came of stopping it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Recall>,
}

/// How an attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// The provider says that it arrived.
    Delivered,
    /// The provider refused it, or says that it did not arrive.
    Failed,
    /// The provider is being called.
    Sending,
    /// The provider took it.
    Sent,
    /// The provider was called and may have it; a look at the provider, or a receipt, will tell.
    Unknown,
}

/// An attempt and what only core knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) attempt: Attempt,
    /// As whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<Sender>,
    /// Who claimed it.
    pub(super) claim: Bytes<16>,
    /// Until when the worker that claimed it may still be calling.
    pub(super) claimed_until: UnixMs,
    /// How long a message on this route usually takes.
    pub(super) window_ms: u64,
    /// Why the router put this route first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) route: String,
    /// Before this a further attempt the same way would come too soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_at: Option<UnixMs>,
    /// When its worker gave up waiting for the provider's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unknown_at: Option<UnixMs>,
    /// The provider's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provider_id: Option<String>,
    /// What the provider says that it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Money>,
    /// How often the provider has been asked whether it has the message, and the most it will be.
    #[serde(default, skip_serializing_if = "Looks::is_none")]
    pub(super) looks: Looks,
    /// How often the provider has been asked how the message fares, and the most it will be.
    #[serde(default, skip_serializing_if = "Looks::is_none")]
    pub(super) polls: Looks,
    /// How often the provider has been asked to stop the message, and when it is asked next.
    #[serde(default, skip_serializing_if = "is_never")]
    pub(super) recalls: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recall_at: Option<UnixMs>,
    /// Nobody will tell that it arrived, or somebody has hinted so: its silence says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_mute: bool,
    /// Its usual time passed without a word, and the router has learnt so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_silent: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_never(times: &u8) -> bool {
    *times == 0
}

/// Asking a provider about an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looks {
    pub(super) done: u8,
    pub(super) max: u8,
}

impl Looks {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn are_left(self) -> bool {
        self.done < self.max
    }
}

impl Record {
    /// When its worker claimed it, and then called.
    pub(super) fn called_at(&self) -> UnixMs {
        self.claimed_until.minus(CLAIM_MS)
    }

    /// As the edge is told of it.
    pub(super) fn told_of(&self) -> Attempt {
        let sender = self.sender.as_ref().map(Sender::masked);
        Attempt { sender, ..self.attempt.clone() }
    }

    pub(super) fn way(&self) -> Way {
        Way {
            channel: self.attempt.channel,
            gateway: self.attempt.gateway.clone(),
            sender: self.sender.clone(),
        }
    }

    pub(super) fn is_by(&self, way: &Way) -> bool {
        self.attempt.channel == way.channel
            && self.attempt.gateway == way.gateway
            && self.sender == way.sender
    }

    /// When silence means that it will not arrive.
    pub(super) fn window_ends_at(&self) -> UnixMs {
        self.called_at().plus(self.window_ms)
    }

    pub(super) fn fail(&mut self, reason: Reason) {
        self.attempt.state = AttemptState::Failed;
        self.attempt.reason = Some(reason);
        self.attempt.expected_by = None;
    }
}

impl Attempt {
    /// As the public API shows it.
    pub fn view(&self) -> api::Attempt {
        api::Attempt {
            n: self.n,
            channel: self.channel,
            gateway: self.gateway.to_string(),
            state: self.state,
            at: self.at.rfc3339(),
            changed: self.changed.clone(),
            reason: self.reason,
            sender: self.sender.clone(),
            provider_status: self
                .told
                .as_ref()
                .map(|told| api::ProviderStatus { status: told.status.clone(), at: told.at.rfc3339() }),
            recall: self.recall,
        }
    }
}
