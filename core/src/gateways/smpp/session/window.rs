//! Requests without an answer, by sequence number.

use std::collections::BTreeMap;

use rusmpp::CommandId;
use rusmpp::Pdu;
use tiffin_shared::time::UnixMs;

/// Requests that ended without an answer and may yet get one: a minute of a busy session's.
const OVERDUE_MAX: usize = 1_024;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cancel_sm`.
    Cancel,
    /// `query_sm`.
    Query,
    /// `submit_sm`.
    Submit,
}

impl Kind {
    /// Of a request.
    pub fn of(pdu: &Pdu) -> Self {
        match pdu {
            Pdu::CancelSm(_) => Self::Cancel,
            Pdu::QuerySm(_) => Self::Query,
            _ => Self::Submit,
        }
    }

    /// Of an answer.
    pub fn answered_by(id: u32) -> Self {
        if id == u32::from(CommandId::CancelSmResp) {
            Self::Cancel
        } else if id == u32::from(CommandId::QuerySmResp) {
            Self::Query
        } else {
            Self::Submit
        }
    }
}

/// A request that was written.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The host's name for it.
    pub ticket: u64,
    /// What answers it.
    pub kind: Kind,
    /// When it was written.
    pub sent_at: UnixMs,
    /// Whether it ended without an answer already.
    pub is_overdue: bool,
}

/// The window.
#[derive(Debug, Default)]
pub struct Window {
    waiting: BTreeMap<u32, Waiting>,
    overdue: BTreeMap<u32, Waiting>,
}

impl Window {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn has(&self, sequence: u32) -> bool {
        self.waiting.contains_key(&sequence) || self.overdue.contains_key(&sequence)
    }

    pub fn add(&mut self, sequence: u32, ticket: u64, kind: Kind, now: UnixMs) {
        let waiting = Waiting { ticket, kind, sent_at: now, is_overdue: false };
        self.waiting.insert(sequence, waiting);
    }

    /// When the oldest was written.
    pub fn oldest(&self) -> Option<UnixMs> {
        self.waiting.values().map(|waiting| waiting.sent_at).min()
    }

    /// The request that a response of this kind and number answers; it is out of the window then.
    pub fn answered(&mut self, sequence: u32, is_it: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let rows = if self.waiting.contains_key(&sequence) { &mut self.waiting } else { &mut self.overdue };
        rows.get(&sequence).filter(|waiting| is_it(waiting))?;
        rows.remove(&sequence)
    }

    /// Takes out what was written `timeout_ms` ago or earlier; an answer may come all the same.
    pub fn overdue(&mut self, timeout_ms: u64, now: UnixMs) -> Vec<u64> {
        let is_late = |waiting: &Waiting| now.since(waiting.sent_at) >= timeout_ms;
        let late = self.waiting.iter().filter(|(_, waiting)| is_late(waiting));
        let late: Vec<_> = late.map(|(sequence, waiting)| (*sequence, *waiting)).collect();
        for (sequence, waiting) in &late {
            self.waiting.remove(sequence);
            if self.overdue.len() >= OVERDUE_MAX {
                self.overdue.pop_first();
            }
            self.overdue.insert(*sequence, Waiting { is_overdue: true, ..*waiting });
        }
        late.into_iter().map(|(_, waiting)| waiting.ticket).collect()
    }

    /// Empties it.
    pub fn drain(&mut self) -> Vec<u64> {
        self.overdue.clear();
        std::mem::take(&mut self.waiting).into_values().map(|waiting| waiting.ticket).collect()
    }
}
