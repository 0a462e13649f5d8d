//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): which trace of its caller's an order belongs to.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::bytes;
use crate::challenge::hex;
use crate::entropy::Entropy;
use crate::json;

/// Characters of a `traceparent` of version 00.
pub const TRACEPARENT_CHARS: usize = 55;
/// Characters read of one of a later version: what may follow there is not ours to read.
const TRACEPARENT_CHARS_MAX: usize = 512;
/// The one flag of version 00.
const SAMPLED: u8 = 1;
/// Random bits that every trace id ends in (Trace Context Level 2), by which a part of all traces is chosen.
const RANDOM_BITS: u32 = 56;
const LABEL: &[u8] = b"tiffin/span/1";

/// Bytes that are written as lower-case hexadecimal, and of which one is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<const N: usize>([u8; N]);

/// A trace.
pub type TraceId = Id<16>;

/// A part of a trace.
pub type SpanId = Id<8>;

/// The trace of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The caller's, or one that was drawn.
    pub id: TraceId,
    /// What the order is a part of; none where the caller named no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// The part of a caller's trace that an order was placed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its id.
    pub span: SpanId,
    /// Whether the caller records its trace.
    pub is_sampled: bool,
}

/// What a `traceparent` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// Of which trace.
    pub trace: TraceId,
    /// Which part of it calls.
    pub span: SpanId,
    /// Whether it may be recorded.
    pub is_sampled: bool,
}

/// How many of the traces are recorded whose caller does not decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio(u64);

impl<const N: usize> Id<N> {
    /// Nothing for zeros, which the specification forbids.
    pub fn new(bytes: [u8; N]) -> Option<Self> {
        bytes.iter().any(|byte| *byte != 0).then_some(Self(bytes))
    }

    /// From text as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).and_then(Self::new)
    }

    /// From random bytes or a hash. Zeros, which come once in 2⁶⁴, become one.
    fn of(mut bytes: [u8; N]) -> Self {
        if let (true, Some(last)) = (bytes.iter().all(|byte| *byte == 0), bytes.last_mut()) {
            *last = 1;
        }
        Self(bytes)
    }
}

impl SpanId {
    /// The span of this name: the same one whoever works it out, and however often.
    pub fn named(trace: TraceId, names: &[&str]) -> Self {
        let names = names.iter().map(|name| name.as_bytes());
        let fields: Vec<&[u8]> = [LABEL, &trace.0].into_iter().chain(names).collect();
        Self::of(bytes::truncate(bytes::sha256(&bytes::prefixed(&fields))))
    }
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl<const N: usize> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::parsed(deserializer, |text| Self::parse(text).ok_or("not hexadecimal of the right length"))
    }
}

impl Traceparent {
    /// Reads the header. Nothing where the specification has it ignored: section 3.2.2.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let rest = text.get(TRACEPARENT_CHARS..)?;
        let mut parts = text.get(..TRACEPARENT_CHARS)?.split('-');
        let [version] = hex::decode(parts.next()?)?;
        let (trace, span) = (TraceId::parse(parts.next()?)?, SpanId::parse(parts.next()?)?);
        let [flags] = hex::decode(parts.next()?)?;
        let ends_well = match version {
            0x00 => rest.is_empty(),
            0xff => false,
            // A later version may go on after a dash.
            _ => rest.is_empty() || rest.starts_with('-') && text.len() <= TRACEPARENT_CHARS_MAX,
        };
        let is_whole = parts.next().is_none() && ends_well;
        is_whole.then_some(Self { trace, span, is_sampled: flags & SAMPLED != 0 })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.is_sampled { SAMPLED } else { 0 };
        write!(formatter, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

impl Trace {
    /// The caller's, or a new one.
    pub fn of(caller: Option<Traceparent>, entropy: &Entropy) -> Self {
        match caller {
            Some(Traceparent { trace, span, is_sampled }) => {
                Self { id: trace, parent: Some(Parent { span, is_sampled }) }
            }
            None => Self { id: TraceId::of(entropy.derive("trace-id")), parent: None },
        }
    }

    /// Whether it is recorded: as its caller has it, else by its id, so that everyone decides alike.
    pub fn is_sampled(&self, ratio: Ratio) -> bool {
        let random = self.id.0.iter().skip(9).fold(0, |random, byte| random << 8 | u64::from(*byte));
        self.parent.map_or(random < ratio.0, |parent| parent.is_sampled)
    }
}

impl Ratio {
    /// All of them.
    pub const ALL: Self = Self(1 << RANDOM_BITS);

    /// So many in a million.
    pub fn of_million(part: u32) -> Self {
        let part = u128::from(part.min(1_000_000));
        Self(u64::try_from((part << RANDOM_BITS) / 1_000_000).unwrap_or(1 << RANDOM_BITS))
    }
}

#[cfg(test)]
mod tests;
