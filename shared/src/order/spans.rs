//! An order's spans, read from its story: the same ones, whichever process works them out and however often.
//!
//! ```text
//! order                       from acceptance to the end; its parent is the caller's span
//! ├── accept                  at the edge, whose clock stands still while it decides: a moment
//! ├── hand_over               until core has taken the job
//! ├── queue                   until a worker begins
//! ├── attempt                 one for each, until what it came to was known, or another began
//! │   ├── call                the provider's answer
//! │   ├── wait                for its receipt
//! │   └── receipt             a moment
//! ├── report                  until the edge has heard of a change
//! └── verify                  a moment
//! ```

use serde::Serialize;

use super::AttemptState;
use super::Entry;
use super::Errand;
use super::Happening;
use super::Timeline;
use super::Tried;
use crate::id::OrderId;
use crate::time::UnixMs;
use crate::trace::SpanId;
use crate::trace::Trace;
use crate::wire::api::OrderState;

/// Part of an order's trace. Holds no code, no number, and no text that anyone wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which trace.
    pub trace: Trace,
    /// Follows from the order and what the span is about.
    pub id: SpanId,
    /// What it is part of.
    pub parent: Option<SpanId>,
    /// What happened.
    pub name: &'static str,
    /// Who it concerns.
    pub kind: Kind,
    /// When it began.
    pub start: UnixMs,
    /// Not before that.
    pub end: UnixMs,
    /// Why it went wrong, in a word.
    pub error: Option<String>,
    /// What else there is to know, by name.
    pub attributes: Vec<(&'static str, Value)>,
}

/// How a span stands to others, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Calls somebody, and waits.
    Client,
    /// Takes what was handed over.
    Consumer,
    /// Neither.
    Internal,
    /// Hands over.
    Producer,
    /// Answers somebody.
    Server,
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Int(u64),
    /// A word.
    Text(String),
}

/// The span that stands for the whole order: what other systems' spans about it are part of.
pub fn root(trace: &Trace, order: &OrderId) -> SpanId {
    SpanId::named(trace.id, &[&order.to_string(), "order"])
}

/// What an errand tells of an order's trace: everything when it closes, and later the receipts that came after that.
/// Nothing before: until then spans have no end.
pub fn told(order: &OrderId, errand: &Errand) -> Vec<Span> {
    let Some(scene) = Scene::of(order, &errand.timeline) else { return Vec::new() };
    if errand.closes {
        return scene.all();
    }
    if !errand.timeline.is_closed {
        return Vec::new();
    }
    errand.fresh.iter().filter_map(|(n, entry)| scene.receipt(*n, entry)).collect()
}

struct Scene<'a> {
    trace: Trace,
    order: String,
    root: SpanId,
    timeline: &'a Timeline,
    /// The story's, numbered from 1.
    entries: Vec<(u32, &'a Entry)>,
    created_at: UnixMs,
    ended_at: UnixMs,
}

impl<'a> Scene<'a> {
    fn of(order: &OrderId, timeline: &'a Timeline) -> Option<Self> {
        let header = timeline.job.as_ref()?;
        let (trace, created_at) = (header.trace?, header.created_at);
        let entries: Vec<_> = (1..).zip(&timeline.story.entries).collect();
        let is_end = |entry: &&(u32, &Entry)| matches!(entry.1.what, Happening::Ended { .. });
        let ended = entries.iter().rev().find(is_end).or(entries.last());
        let ended_at = ended.map_or(created_at, |(_, entry)| entry.at).max(created_at);
        let root = root(&trace, order);
        Some(Self { trace, order: order.to_string(), root, timeline, entries, created_at, ended_at })
    }

    fn all(&self) -> Vec<Span> {
        let taken_at = self.timeline.taken_at.map(|at| at.max(self.created_at));
        let begun_at = self.entries.first().map(|(_, entry)| entry.at.max(self.created_at));
        let mut spans = vec![self.whole()];
        spans.push(self.span("accept", "", Kind::Server, (self.created_at, self.created_at)));
        spans.extend(taken_at.map(|at| self.span("hand_over", "", Kind::Producer, (self.created_at, at))));
        let waited = taken_at.zip(begun_at);
        spans.extend(waited.map(|(from, to)| self.span("queue", "", Kind::Consumer, (from, to))));
        spans.extend(self.timeline.attempts.iter().flat_map(|tried| self.attempt(tried)));
        spans.extend(self.entries.iter().filter_map(|(n, entry)| self.receipt(*n, entry)));
        let tellings = (1_u32..).zip(&self.timeline.tellings);
        spans.extend(
            tellings.map(|(n, it)| self.span("report", &n.to_string(), Kind::Client, (it.since, it.at))),
        );
        let is_verify = |entry: &&(u32, &Entry)| {
            matches!(entry.1.what, Happening::Ended { state: OrderState::Verified, .. })
        };
        let verified = self.entries.iter().find(is_verify).map(|(_, entry)| entry.at);
        spans.extend(verified.map(|at| self.span("verify", "", Kind::Server, (at, at))));
        spans
    }

    fn span(&self, name: &'static str, about: &str, kind: Kind, (start, end): (UnixMs, UnixMs)) -> Span {
        Span {
            trace: self.trace,
            id: SpanId::named(self.trace.id, &[&self.order, name, about]),
            parent: Some(self.root),
            name,
            kind,
            start,
            // Clocks of edge and core differ.
            end: end.max(start),
            error: None,
            attributes: vec![("tiffin.order", Value::Text(self.order.clone()))],
        }
    }

    fn whole(&self) -> Span {
        let mut span = self.span("order", "", Kind::Internal, (self.created_at, self.ended_at));
        (span.id, span.parent) = (self.root, self.trace.parent.map(|parent| parent.span));
        let header = self.timeline.job.as_ref();
        let texts = [
            ("tiffin.tenant", header.map(|header| header.tenant.to_string())),
            ("tiffin.service", header.map(|header| header.service.to_string())),
            ("tiffin.channel", header.map(|header| header.channel.as_str().to_owned())),
            ("tiffin.country", header.and_then(|header| header.country).map(|it| it.to_string())),
            ("tiffin.request_id", header.and_then(|header| header.request.clone())),
            ("tiffin.state", Some(word(self.timeline.state))),
        ];
        span.attributes.extend(texts.into_iter().filter_map(|(name, text)| Some((name, Value::Text(text?)))));
        let has_failed = self.timeline.state == OrderState::Failed;
        span.error = has_failed.then(|| self.timeline.reason.map_or("failed", |it| it.as_str()).to_owned());
        span
    }

    /// When this first happened to attempt `n`.
    fn first(&self, is_it: impl Fn(&Happening) -> bool) -> Option<UnixMs> {
        self.entries.iter().find(|(_, entry)| is_it(&entry.what)).map(|(_, entry)| entry.at)
    }

    fn attempt(&self, tried: &Tried) -> Vec<Span> {
        let of = tried.attempt.n;
        let began = self.first(|what| matches!(what, Happening::Attempt { n, .. } if *n == of));
        let Some(began) = began else { return Vec::new() };
        let answered = self.first(|what| matches!(what, Happening::Answered { n, .. } if *n == of));
        let settled = self.first(|what| match what {
            Happening::Answered { n, state, .. } | Happening::Receipt { n, state, .. } => {
                *n == of && matches!(state, AttemptState::Delivered | AttemptState::Failed)
            }
            _ => false,
        });
        let next = self.first(|what| matches!(what, Happening::Attempt { n, .. } if *n > of));
        let call_end = answered.unwrap_or(self.ended_at);
        let end = [settled, next, Some(self.ended_at)].into_iter().flatten().min();
        let end = end.unwrap_or(call_end).max(call_end).max(began);
        let n = of.to_string();
        let attributes = [
            ("tiffin.attempt", Value::Int(u64::from(of))),
            ("tiffin.gateway", Value::Text(tried.attempt.gateway.to_string())),
            ("tiffin.channel", Value::Text(tried.attempt.channel.as_str().to_owned())),
            ("tiffin.state", Value::Text(word(tried.attempt.state))),
        ];
        let error = match tried.attempt.state {
            AttemptState::Failed => Some(tried.attempt.reason.map_or("failed", |reason| reason.as_str())),
            AttemptState::Unknown => Some("unknown"),
            AttemptState::Delivered | AttemptState::Sending | AttemptState::Sent => None,
        };
        let error = error.map(str::to_owned);
        let mut whole = self.span("attempt", &n, Kind::Internal, (began, end));
        whole.attributes.extend(attributes.clone());
        whole.error.clone_from(&error);
        let mut call = self.span("call", &n, Kind::Client, (began, call_end));
        call.parent = Some(whole.id);
        call.attributes.extend(attributes.clone());
        // What failed after the provider took it is no fault of the call.
        let is_taken = |what: &Happening| match what {
            Happening::Answered { n, state, .. } => {
                *n == of && matches!(state, AttemptState::Delivered | AttemptState::Sent)
            }
            _ => false,
        };
        call.error = error.filter(|_| self.first(is_taken).is_none());
        let taken = answered.filter(|_| settled != answered);
        let wait = taken.map(|answered| {
            let mut wait = self.span("wait", &n, Kind::Internal, (answered, end));
            wait.parent = Some(whole.id);
            wait.attributes.extend(attributes);
            wait
        });
        [whole, call].into_iter().chain(wait).collect()
    }

    /// The moment of a receipt; nothing for other entries.
    fn receipt(&self, number: u32, entry: &Entry) -> Option<Span> {
        let Happening::Receipt { n, state, reason, .. } = &entry.what else { return None };
        let mut span = self.span("receipt", &number.to_string(), Kind::Consumer, (entry.at, entry.at));
        span.parent = Some(SpanId::named(self.trace.id, &[&self.order, "attempt", &n.to_string()]));
        span.attributes.push(("tiffin.attempt", Value::Int(u64::from(*n))));
        span.attributes.push(("tiffin.state", Value::Text(word(state))));
        let has_failed = *state == AttemptState::Failed;
        span.error = has_failed.then(|| reason.map_or("failed", |reason| reason.as_str()).to_owned());
        Some(span)
    }
}

/// As it is written in JSON.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}
