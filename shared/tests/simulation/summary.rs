//! What happened: counted, hashed, and written down where somebody wants to read it.

use std::collections::BTreeMap;

use tiffin_shared::order::Ask;
use tiffin_shared::time::UnixMs;

use crate::plan::START;
use crate::random::mix;

/// An invariant is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub order: Option<usize>,
    pub invariant: &'static str,
    pub what: String,
}

#[derive(Default)]
pub struct Trace {
    pub now: UnixMs,
    pub events: u64,
    pub counts: BTreeMap<String, u64>,
    hash: u64,
    is_on: bool,
    lines: Vec<(usize, String)>,
}

/// A world that was played.
pub struct History {
    pub events: u64,
    pub hash: u64,
    pub counts: BTreeMap<String, u64>,
    pub violation: Option<Violation>,
    lines: Vec<(usize, String)>,
}

impl Trace {
    pub fn new(is_on: bool) -> Self {
        Self { is_on, ..Self::default() }
    }

    /// Something happened to an order. `number` tells outcomes apart in the hash.
    pub fn tell(&mut self, order: usize, what: &'static str, number: u64, detail: impl FnOnce() -> String) {
        let what_hash = what.bytes().take(12).fold(0, |hash: u64, byte| hash << 5 ^ u64::from(byte));
        self.hash = mix(self.hash ^ self.now.0 ^ what_hash << 20 ^ (order as u64) << 48 ^ mix(number));
        if self.is_on {
            let ms = self.now.since(START);
            let line = format!("{:>4}.{:03} order {order}: {what} {}", ms / 1_000, ms % 1_000, detail());
            self.lines.push((order, line));
        }
    }

    pub fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(what.to_owned(), 1)),
        }
    }

    pub fn into_history(self, violation: Option<Violation>) -> History {
        let Self { events, hash, counts, lines, .. } = self;
        History { events, hash, counts, violation, lines }
    }
}

impl History {
    /// What happened to the order that broke an invariant, and to those it is told of.
    pub fn story(&self) -> String {
        let Some(violation) = &self.violation else { return String::new() };
        let is_told = |order: usize| violation.order.is_none_or(|wanted| order == wanted);
        let lines = self.lines.iter().filter(|(order, _)| is_told(*order)).map(|(_, line)| line.as_str());
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A command in a story.
pub fn shown(ask: &Ask) -> String {
    match ask {
        Ask::Claim { dispatch, offers, .. } => {
            let ways = offers.iter().map(|offer| format!("{} {:?}", offer.way.gateway, offer.health));
            let sending = dispatch.as_ref().map_or(0, |dispatch| dispatch.n);
            format!("claims sending {sending} by {:?}", ways.collect::<Vec<_>>())
        }
        Ask::Posted { n, standing } => format!("posting {n} is answered {standing:?}"),
        Ask::Looked { n, look, found } => format!("look {look} at {n}: {found:?}"),
        Ask::Desk(_) => "desk".into(),
        Ask::Hint { n, hint, .. } => format!("hint at {n}: {hint:?}"),
        Ask::Receipt { n, receipt, .. } => format!("receipt of {n}: {receipt:?}"),
        Ask::Polled { n, status, receipt } => format!("polled {n}: {status} {receipt:?}"),
        Ask::Recalled { n, outcome } => format!("recalled {n}: {outcome:?}"),
        Ask::Reported(seq) => format!("reported {seq}"),
        Ask::Result { n, outcome } => format!("result of {n}: {outcome:?}"),
        Ask::SimChecked { n, verdict } => format!("SIM check {n}: {verdict:?}"),
        Ask::Ran { .. } => "an errand was run".into(),
        Ask::Stop { cause, .. } => format!("stop: {cause:?}"),
        Ask::Tick => "tick".into(),
    }
}
