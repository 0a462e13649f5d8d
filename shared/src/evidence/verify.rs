//! The check of a packet: whether core sealed it, and where it was changed if not. Needs core's public keys and nothing else.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::packet::Evidence;
use super::packet::Seal;
use super::packet::VERSION;
use super::seal::ALGORITHM;
use super::seal::covered;
use super::seal::digests;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::keys::Ring;
use crate::keys::Verifying;
use crate::order::Entry;
use crate::order::link;

/// Faults that are told of one packet: a text that is no packet has as many as anybody likes.
const FAULTS_MAX: usize = 32;

/// What is wrong with a packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This entry of the timeline is not what its link was made of, or the one before it is not.
    #[error("timeline: entry {0} does not follow from the one before it: it, or its link, was changed")]
    Chain(u32),
    /// The last link is another one.
    #[error("timeline: the head is not the link of the last entry: entries were removed or added at the end")]
    Head,
    /// Not a packet.
    #[error("not an evidence packet: {0}")]
    Format(String),
    /// No such key is known here.
    #[error(
        "seal: the key {0} is not among the public keys given: it may be another installation's, or retired"
    )]
    UnknownKey(String),
    /// This part is not what was sealed.
    #[error("{0} was changed, added or removed after the packet was sealed")]
    Part(String),
    /// The signature does not fit.
    #[error("seal: the signature does not verify: the packet, its digests or its seal were changed")]
    Signature,
}

/// A packet that core sealed, and that nobody changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// With which key.
    pub key: KeyId,
    /// What it says.
    pub evidence: Box<Evidence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    /// As it is written: a name that stands there twice must not be read as two things.
    #[serde(borrow)]
    evidence: &'a RawValue,
    seal: Seal,
}

/// Checks a packet's text: every fault, from the one that says the most to the one that says the least.
pub fn verify(text: &str, keys: &Ring<Verifying>) -> Result<Checked, Vec<Fault>> {
    let format = |error: serde_json::Error| vec![Fault::Format(error.to_string())];
    let Written { evidence: raw, seal } = serde_json::from_str(text).map_err(format)?;
    let evidence: Value = serde_json::from_str(raw.get()).map_err(format)?;
    let mut faults = Vec::new();
    if seal.algorithm != ALGORITHM {
        faults.push(Fault::Format(format!("the seal is not made by {ALGORITHM}")));
    }
    let read: Result<Evidence, _> = serde_json::from_str(raw.get());
    match &read {
        Ok(read) if read.version != VERSION => {
            faults.push(Fault::Format(format!("version {} is not known here", read.version)));
        }
        Ok(read) => faults.extend(chain(read)),
        Err(error) => faults.push(Fault::Format(error.to_string())),
    }
    let found = digests(&evidence);
    let names = found.keys().chain(seal.digests.keys().filter(|name| !found.contains_key(*name)));
    let changed = names.filter(|name| found.get(*name) != seal.digests.get(*name));
    faults.extend(changed.map(|name| Fault::Part(name.clone())));
    let signed = serde_json::to_value(&seal.digests).unwrap_or_default();
    match keys.get(&seal.key) {
        None => faults.push(Fault::UnknownKey(seal.key.to_string())),
        Some(key) if key.verify(&covered(&seal.key, &signed, &evidence), &seal.signature.0) => {}
        Some(_) => faults.push(Fault::Signature),
    }
    faults.truncate(FAULTS_MAX);
    match read {
        Ok(read) if faults.is_empty() => Ok(Checked { key: seal.key, evidence: Box::new(read) }),
        _ => Err(faults),
    }
}

/// The first entry that does not follow: those after it hang on its link.
fn chain(evidence: &Evidence) -> Option<Fault> {
    let mut before = Bytes([0; 32]);
    for (n, linked) in (1..).zip(&evidence.timeline) {
        let entry = Entry { at: linked.at, what: linked.what.clone() };
        if linked.n != n || link(&before, &entry) != linked.link {
            return Some(Fault::Chain(n));
        }
        before = linked.link;
    }
    (before != evidence.head).then_some(Fault::Head)
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evidence { order, made_at, timeline, attempts, head, .. } = &*self.evidence;
        writeln!(f, "unchanged since core sealed it with the key {} at {}", self.key, made_at.rfc3339())?;
        writeln!(f, "order     {order}")?;
        writeln!(f, "timeline  {} entries, head {}", timeline.len(), bytes::encode(&head.0))?;
        write!(f, "attempts  {}", attempts.len())
    }
}
