//! The sessions that are bound, for whoever has a receipt for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use rusmpp::Command;
use rusmpp::CommandStatus;
use rusmpp::Pdu;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::lock;

/// Sequence numbers are 1 to this: SMPP 3.4, 3.2.
const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;

/// What a session is to write.
pub(super) enum Out {
    Pdu(Box<Command>),
    /// The connection is reset, without a word.
    Cut,
}

/// A bound session.
pub(super) struct Line {
    pub(super) gateway: String,
    pub(super) receives: bool,
    pub(super) out: mpsc::Sender<Out>,
    sequence: AtomicU32,
    waiting: Mutex<HashMap<u32, oneshot::Sender<u32>>>,
}

impl Line {
    pub(super) fn new(gateway: String, receives: bool, out: mpsc::Sender<Out>) -> Self {
        Self { gateway, receives, out, sequence: AtomicU32::new(0), waiting: Mutex::default() }
    }

    /// Writes a request, and waits for the status of its answer; nothing where the session ends before.
    pub(super) async fn ask(&self, pdu: Pdu) -> Option<u32> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) % SEQUENCE_MAX + 1;
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(sequence, answer);
        let command = Command::new(CommandStatus::EsmeRok, sequence, pdu);
        self.out.send(Out::Pdu(Box::new(command))).await.ok()?;
        answered.await.ok()
    }

    pub(super) fn answered(&self, sequence: u32, status: u32) {
        if let Some(waiting) = lock(&self.waiting).remove(&sequence) {
            waiting.send(status).ok();
        }
    }

    /// Nobody waits for a session that is over.
    pub(super) fn end(&self) {
        lock(&self.waiting).clear();
    }
}

/// All of them.
#[derive(Default)]
pub(in crate::sandbox) struct Lines(Mutex<Vec<Arc<Line>>>);

impl Lines {
    pub(super) fn add(&self, line: Arc<Line>) {
        lock(&self.0).push(line);
    }

    pub(super) fn remove(&self, line: &Arc<Line>) {
        line.end();
        lock(&self.0).retain(|known| !Arc::ptr_eq(known, line));
    }

    /// One that takes receipts of the account.
    pub(super) fn receiver(&self, gateway: &str) -> Option<Arc<Line>> {
        let lines = lock(&self.0);
        lines.iter().find(|line| line.receives && line.gateway == gateway).cloned()
    }
}
