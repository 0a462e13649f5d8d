//! What to do about an order now: the triage of whoever is asked "where is my code", as one pure function.
//!
//! First come those that are over, then what still goes by itself, then what somebody can do: send it another way, call it
//! off, or ask a person. `because` says the same at any moment of one situation, so that an order that stands still looks so.

use serde::Deserialize;
use serde::Serialize;

use super::Class;
use super::Reason;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// An order that is overdue for longer, and for which nothing can change, is a person's business.
pub const LONG_MS: u64 = 2 * MINUTE_MS;
/// What is to happen by itself may take this much longer: a worker looks every two seconds, and calls take theirs.
pub const NEXT_GRACE_MS: u64 = 10 * SECOND_MS;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Do {
    /// Call it off, and order anew or not at all.
    Cancel,
    /// Hand it to a person.
    Escalate,
    /// Nothing: it is over.
    None,
    /// Have it sent another way.
    Retry,
    /// Wait.
    Wait,
}

/// What to do about an order, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What.
    pub action: Do,
    /// Why, in words.
    pub because: String,
    /// Until when this holds, unless something happens.
    pub until: Option<UnixMs>,
    /// For [`Do::Retry`]: the channels that would be another way, best first.
    pub may_change: Vec<Channel>,
}

/// All that the advice depends on.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// Where it stands now.
    pub state: OrderState,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// When the message on its way should have arrived; nothing where none is on its way.
    pub expected_by: Option<UnixMs>,
    /// How long a message on its route usually takes, in milliseconds.
    pub window_ms: u64,
    /// While none is on its way: until when one should be.
    pub begun_by: UnixMs,
    /// What comes by itself, and when.
    pub next_at: Option<UnixMs>,
    /// Every provider that was called may have the message, and none of them says.
    pub is_all_unknown: bool,
    /// Somebody entered a code.
    pub is_checked: bool,
    /// No guess is left.
    pub is_locked: bool,
    /// Channels that would be another way, best first.
    pub may_change: &'a [Channel],
    /// From when on a resend is taken; nothing where none is.
    pub resend_at: Option<UnixMs>,
    /// Whether it can be called off now.
    pub can_cancel: bool,
    /// The end of the code's life.
    pub expires_at: UnixMs,
}

/// The advice.
pub fn advise(order: &Situation<'_>, now: UnixMs) -> Advice {
    match order.state {
        OrderState::Cancelled => none("it was called off"),
        OrderState::Expired => none("the life of its code is over"),
        OrderState::Verified => none("the user proved to have the code"),
        OrderState::Failed => failed(order.reason),
        OrderState::Accepted
        | OrderState::Delivered
        | OrderState::Queued
        | OrderState::Sending
        | OrderState::Sent => open(order, now),
    }
}

fn failed(reason: Option<Reason>) -> Advice {
    let name = reason.map_or("no way was left", Reason::as_str);
    match reason.map(Reason::class) {
        // Nobody but the user can mend it.
        Some(Class::Permanent) => {
            none(&format!("this address cannot be reached ({name}): another one is needed"))
        }
        _ => plain(Do::Escalate, format!("it could not be delivered ({name})"), None),
    }
}

fn open(order: &Situation<'_>, now: UnixMs) -> Advice {
    let expires_at = order.expires_at;
    if order.is_locked {
        return none("no guess is left: order anew");
    }
    if order.is_checked {
        return wait("somebody entered a code, so a message is in hand".into(), expires_at);
    }
    if order.state == OrderState::Delivered {
        return wait("it arrived; the code can be entered until then".into(), expires_at);
    }
    let overdue_at = order.expected_by.unwrap_or(order.begun_by).min(expires_at);
    if now < overdue_at {
        let because = match order.expected_by {
            Some(_) => format!("inside the usual window of {} s", order.window_ms.div_ceil(SECOND_MS)),
            None => "a gateway is about to be called".into(),
        };
        return wait(because, overdue_at);
    }
    let next = order.next_at.filter(|at| now < at.plus(NEXT_GRACE_MS));
    if let Some(at) = next {
        let until = if now < at { at } else { at.plus(NEXT_GRACE_MS) };
        return wait("another way is tried by itself".into(), until.min(expires_at));
    }
    overdue(order, overdue_at, now)
}

fn overdue(order: &Situation<'_>, overdue_at: UnixMs, now: UnixMs) -> Advice {
    let resend_at = order.resend_at.filter(|at| !order.may_change.is_empty() && *at < order.expires_at);
    if let Some(at) = resend_at {
        if now < at {
            return wait("overdue; from then on it can be sent another way".into(), at);
        }
        let names: Vec<_> = order.may_change.iter().map(|channel| channel.as_str()).collect();
        let because = format!("overdue, and another way is left: {}", names.join(", "));
        let may_change = order.may_change.to_vec();
        return Advice { may_change, ..plain(Do::Retry, because, Some(order.expires_at)) };
    }
    let long_at = overdue_at.plus(LONG_MS);
    if order.is_all_unknown {
        return plain(Do::Escalate, "overdue, and no provider says what became of it".into(), None);
    }
    if now >= long_at {
        return plain(Do::Escalate, "overdue for long, and nothing is left to change".into(), None);
    }
    if order.can_cancel {
        let until = long_at.min(order.expires_at);
        return plain(Do::Cancel, "overdue, and nothing is left to change".into(), Some(until));
    }
    plain(Do::Escalate, "overdue; it can be neither changed nor called off".into(), None)
}

fn none(because: &str) -> Advice {
    plain(Do::None, because.into(), None)
}

fn wait(because: String, until: UnixMs) -> Advice {
    plain(Do::Wait, because, Some(until))
}

fn plain(action: Do, because: String, until: Option<UnixMs>) -> Advice {
    Advice { action, because, until, may_change: Vec::new() }
}

impl Advice {
    /// As a reply shows it.
    pub fn view(self) -> api::Advice {
        let Self { action, because, until, may_change } = self;
        api::Advice { action, because, until: until.map(UnixMs::rfc3339), may_change }
    }
}

#[cfg(test)]
mod tests;
