//! An event as it is kept and sent: its bytes are made once, so that every delivery of it is the same.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::Kind;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::EndpointId;
use crate::id::OrderId;
use crate::order::AttemptState;
use crate::order::Entry;
use crate::order::Happening;
use crate::order::Moved;
use crate::order::Timeline;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// What an event tells, at most, in bytes: with what stands around it a payload stays below 20 kB, as the specification
/// has it.
pub const DATA_BYTES_MAX: usize = 19_000;

const LABEL: &[u8] = b"tiffin/webhook/event/1";

/// What an event tells is more than [`DATA_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event tells {0} bytes; {DATA_BYTES_MAX} fit")]
pub struct TooLarge(pub usize);

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// `evt_…`: the same at every delivery.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// What it happened to: events of the same subject are delivered in order.
    pub subject: String,
    /// For this endpoint alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<EndpointId>,
    /// The body, byte by byte.
    pub payload: String,
    /// The trace that it is part of: a header of its delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Event {
    /// Event `number` of its subject. The same three make the same id.
    pub fn new(
        kind: Kind,
        (subject, number): (&str, &str),
        at: UnixMs,
        data: &Value,
    ) -> Result<Self, TooLarge> {
        let told = data.to_string();
        if told.len() > DATA_BYTES_MAX {
            return Err(TooLarge(told.len()));
        }
        let named = [LABEL, kind.as_str().as_bytes(), subject.as_bytes(), number.as_bytes()];
        let id = bytes::truncate::<16>(bytes::sha256(&bytes::prefixed(&named)));
        let payload = json!({"type": kind.as_str(), "timestamp": at.rfc3339(), "data": data}).to_string();
        let id = format!("evt_{}", bytes::encode(&id));
        Ok(Self { id, kind, subject: subject.to_owned(), only: None, payload, traceparent: None })
    }

    /// The subject's digest: what tells subjects apart in an outbox.
    pub fn group(&self) -> Bytes<8> {
        Bytes(bytes::truncate(bytes::sha256(self.subject.as_bytes())))
    }
}

/// The event that an entry of an order's story is, where it is one a tenant hears of. `n` counts the entries from 1.
pub fn of_order(
    order: &OrderId,
    timeline: &Timeline,
    n: u32,
    entry: &Entry,
) -> Option<Result<Event, TooLarge>> {
    let (kind, about) = kind_of(&entry.what)?;
    // The record may be made anew after a loss: then another entry has this number, at another time.
    let number = format!("{n}/{}", entry.at.0);
    let mut data = json!({"order": view(order, timeline), "entry": n});
    if let (Some(data), Value::Object(about)) = (data.as_object_mut(), about) {
        data.extend(about);
    }
    Some(Event::new(kind, (&order.to_string(), &number), entry.at, &data))
}

fn kind_of(what: &Happening) -> Option<(Kind, Value)> {
    let kind = match what {
        Happening::Attempt { n, .. } => (Kind::OrderAttemptStarted, json!({"attempt": n})),
        Happening::Answered { n, state, reason, .. }
        | Happening::Receipt { n, state, reason, late: false } => match state {
            AttemptState::Delivered => (Kind::OrderDelivered, json!({"attempt": n})),
            AttemptState::Failed => (Kind::OrderAttemptFailed, json!({"attempt": n, "reason": reason})),
            AttemptState::Sent if matches!(what, Happening::Answered { .. }) => {
                (Kind::OrderSent, json!({"attempt": n}))
            }
            AttemptState::Sending | AttemptState::Sent | AttemptState::Unknown => return None,
        },
        Happening::Resend { n, channel } => (Kind::OrderResend, json!({"resend": n, "channel": channel})),
        Happening::Ended { state, why } => {
            let kind = match state {
                OrderState::Cancelled => Kind::OrderCancelled,
                OrderState::Expired => Kind::OrderExpired,
                OrderState::Failed => Kind::OrderFailed,
                OrderState::Verified => Kind::OrderVerified,
                OrderState::Accepted
                | OrderState::Delivered
                | OrderState::Queued
                | OrderState::Sending
                | OrderState::Sent => return None,
            };
            (kind, json!({"why": why}))
        }
        Happening::Money { what: Moved::Refund, micros, n, why } => {
            (Kind::OrderRefunded, json!({"attempt": n, "amount_micros": micros, "rule": why}))
        }
        // What only operators need to know.
        _ => return None,
    };
    Some(kind)
}

/// The order as core knows it, in the public API's words. No code, and of the address its mask: core's record has no more.
fn view(order: &OrderId, timeline: &Timeline) -> Value {
    let attempts: Vec<_> = timeline.attempts.iter().map(|tried| tried.attempt.view()).collect();
    let mut view = json!({"id": order.to_string(), "state": timeline.state, "attempts": attempts});
    let Some(fields) = view.as_object_mut() else { return view };
    if let Some(reason) = timeline.reason {
        fields.insert("reason".into(), json!(reason));
    }
    if let Some(bill) = &timeline.bill {
        fields.insert("cost".into(), json!(bill.cost()));
    }
    if let Some(job) = &timeline.job {
        fields.insert("service".into(), json!(job.service));
        fields.extend(job.to_masked.iter().map(|to| ("to".to_owned(), json!(to))));
        fields.insert("channel".into(), json!(job.channel));
        fields.insert("created_at".into(), json!(job.created_at.rfc3339()));
        fields.insert("expires_at".into(), json!(job.expires_at.rfc3339()));
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_told_again_is_the_same_and_another_one_is_not() {
        let make =
            |kind, subject, number| Event::new(kind, (subject, number), UnixMs(5), &json!({"a": 1})).unwrap();
        let event = make(Kind::OrderSent, "ord_1", "2");
        assert_eq!(event, make(Kind::OrderSent, "ord_1", "2"));
        assert!(!event.id.contains('.'), "a dot would let a signed text be read in two ways");
        let others = [
            (Kind::OrderSent, "ord_1", "3"),
            (Kind::OrderSent, "ord_2", "2"),
            (Kind::OrderFailed, "ord_1", "2"),
        ];
        for (kind, subject, number) in others {
            assert_ne!(event.id, make(kind, subject, number).id);
        }
        assert_eq!(
            event.payload,
            r#"{"data":{"a":1},"timestamp":"1970-01-01T00:00:00.005Z","type":"order.sent"}"#
        );
        let large = json!({"text": "x".repeat(DATA_BYTES_MAX)});
        assert!(Event::new(Kind::WebhookTest, ("a", "1"), UnixMs(0), &large).is_err());
    }

    #[test]
    fn kinds_are_read_by_the_names_they_are_written_by() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
