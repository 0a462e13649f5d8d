//! What happened to an order, entry by entry, as core saw it. Entries are only ever added, and each is linked to the one
//! before by a hash, so that a story that was changed afterwards no longer adds up.

use serde::Deserialize;
use serde::Serialize;

use super::Attempt;
use super::AttemptState;
use super::Class;
use super::Hint;
use super::Reason;
use super::Recall;
use super::RulesOut;
use super::SimVerdict;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::GatewayId;
use crate::route::Sender;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::ChannelChoice;
use crate::wire::api::OrderState;

/// Entries of one story: more than the attempts, resends and receipts of an order can come to.
pub const ENTRIES_MAX: usize = 256;
/// Entries of them that tell why nothing was sent at some moment.
const NOTES_MAX: usize = 32;
/// In front of what a link covers.
const LABEL: &[u8] = b"tiffin/story/1";

/// Everything that happened, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// The link of the last one: [`head`] of all of them.
    pub head: Bytes<32>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When core learnt of it, in milliseconds since 1970.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub at: UnixMs,
    /// What it was.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Happening {
    /// The provider answered, or did not.
    Answered {
        /// Which attempt.
        n: u32,
        /// What the attempt has come to.
        state: AttemptState,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// The provider's name for the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
    /// A provider is called.
    Attempt {
        /// Counts from 1.
        n: u32,
        /// How.
        channel: Channel,
        /// Through whom.
        #[cfg_attr(feature = "openapi", schemars(with = "String"))]
        gateway: GatewayId,
        /// As whom.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<String>"))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sender: Option<Sender>,
        /// What differs from the attempt before.
        changed: String,
        /// How its gateway stood. The figures of all tenants' messages, by which it came first, are for operators alone.
        why: String,
        /// What it comes after; none for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<After>,
    },
    /// Support called the order off, or was refused.
    CalledOff {
        /// Who.
        by: String,
        /// `cancelled`, or the code of the refusal.
        came_to: String,
    },
    /// The order was called off, and the provider is asked to stop a message that has left.
    CancelAsked {
        /// Which attempt.
        n: u32,
    },
    /// What came of it.
    Cancelled {
        /// Which attempt.
        n: u32,
        /// What the provider said.
        outcome: Recall,
    },
    /// Nothing more happens by itself.
    Ended {
        /// How it ended.
        state: OrderState,
        /// Why.
        why: String,
    },
    /// Somebody who could not prove to be the provider told how a message fares.
    Hint {
        /// Which attempt.
        n: u32,
        /// What they say.
        hint: Hint,
    },
    /// The provider was asked whether it has a message whose fate was unknown.
    Looked {
        /// Which attempt.
        n: u32,
        /// What it said.
        found: String,
    },
    /// Money moved, or was to.
    Money {
        /// How.
        what: Moved,
        /// How much, in millionths of the bill's currency.
        micros: u64,
        /// For which attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        n: Option<u32>,
        /// By which rule, or why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Why nothing was sent at this moment, or nothing more.
    Noted {
        /// In words.
        why: String,
    },
    /// The provider was asked how a message fares, and said something new.
    Polled {
        /// Which attempt.
        n: u32,
        /// In its own word.
        status: String,
    },
    /// The provider told, in a way that proves who it is, how a message fares.
    Receipt {
        /// Which attempt.
        n: u32,
        /// What the attempt has come to.
        state: AttemptState,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// It came after the order's end, and changed nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
    },
    /// The code is to be sent once more.
    Resend {
        /// Counts from 1.
        n: u8,
        /// How.
        channel: Channel,
    },
    /// Support wants the code sent once more.
    RetryAsked {
        /// Who.
        by: String,
        /// Why, in their words.
        reason: String,
        /// How.
        channel: ChannelChoice,
        /// What it comes after; none where nothing was tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<After>,
    },
    /// The ledger took it: a resend follows.
    Retried {
        /// Who.
        by: String,
        /// How it goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// Channels that would have been another way.
        may_change: Vec<Channel>,
        /// Why that one.
        why: String,
    },
    /// It was refused.
    RetryRefused {
        /// Who.
        by: String,
        /// The code of the refusal.
        code: String,
        /// In words.
        why: String,
        /// Channels that would be another way.
        may_change: Vec<Channel>,
    },
    /// The number's network was asked whether its SIM changed lately.
    SimChecked {
        /// What it said.
        verdict: SimVerdict,
    },
}

/// What an attempt, or a wish for one, comes after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The attempt before.
    pub n: u32,
    /// What it had come to.
    pub state: AttemptState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What kind of failure that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// What need not be tried again: everything else may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_out: Option<RulesOut>,
}

impl After {
    /// This attempt.
    pub(super) fn of(attempt: &Attempt) -> Self {
        let Attempt { n, state, reason, .. } = *attempt;
        Self { n, state, reason, class: reason.map(Reason::class), rules_out: reason.map(Reason::rules_out) }
    }
}

/// How money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// A provider took the message: it is charged.
    Capture,
    /// It is on hold for the order.
    Hold,
    /// What was charged went back.
    Refund,
    /// The account would not hold it.
    Refused,
    /// What was on hold went back.
    Release,
}

impl Default for Story {
    fn default() -> Self {
        Self { entries: Vec::new(), head: Bytes([0; 32]) }
    }
}

impl Story {
    /// Whether another entry is taken.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < ENTRIES_MAX
    }

    /// Adds an entry; nothing where the story is full.
    pub(super) fn add(&mut self, at: UnixMs, what: Happening) {
        if self.entries.len() >= ENTRIES_MAX {
            return;
        }
        let entry = Entry { at, what };
        self.head = link(&self.head, &entry);
        self.entries.push(entry);
    }

    /// Adds why nothing was sent; false where it only repeats the last such entry, or there are many.
    pub(super) fn note(&mut self, at: UnixMs, why: String) -> bool {
        let notes = self.entries.iter().filter_map(|entry| match &entry.what {
            Happening::Noted { why } => Some(why),
            _ => None,
        });
        if notes.clone().count() >= NOTES_MAX || notes.clone().next_back().is_some_and(|last| *last == why) {
            return false;
        }
        self.add(at, Happening::Noted { why });
        true
    }
}

/// The link of the last of `entries`, from the first on: what [`Story::head`] is, unless something was changed.
pub fn head(entries: &[Entry]) -> Bytes<32> {
    entries.iter().fold(Bytes([0; 32]), |before, entry| link(&before, entry))
}

/// SHA-256 over a label, the link before and the entry's JSON, each with its length in front.
pub fn link(before: &Bytes<32>, entry: &Entry) -> Bytes<32> {
    let text = serde_json::to_string(entry).unwrap_or_default();
    Bytes(bytes::sha256(&bytes::prefixed(&[LABEL, &before.0, text.as_bytes()])))
}
