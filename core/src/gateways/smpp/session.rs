//! One SMPP session as a state machine: no IO, no clock. A host feeds it what happened and does what it says.
//!
//! Every submitted request ends exactly once: with the peer's reply, as not sent, or without an answer, where the peer may have
//! it. A request that was written is never written again by itself.

use std::collections::BTreeMap;

use rusmpp::Command;
use rusmpp::CommandStatus;
use rusmpp::Pdu;
use tiffin_shared::time::UnixMs;

pub use self::pause::Pause;
use self::window::Window;
use super::receipt::Receipt;
use super::wire::Frame;

mod pause;
mod peer;
mod replies;
mod window;

/// Receipts that are being worked on at once; the SMSC brings one more again later.
const RECEIPTS_MAX: usize = 1_024;
/// PDUs in a row whose body cannot be read before the peer is given up.
const MALFORMED_MAX: u8 = 8;
/// Sequence numbers are 1 to this: SMPP 3.4, 3.2.
const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;
/// How long a peer may take to answer our unbind.
const UNBIND_MS: u64 = 1_000;

/// What a session is bound for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Both.
    Transceiver,
    /// To submit.
    Transmitter,
    /// To receive.
    Receiver,
}

/// The limits of a session.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What it is bound for.
    pub role: Role,
    /// Requests without an answer at once.
    pub window: usize,
    /// How long the bind may take, in milliseconds.
    pub bind_timeout_ms: u64,
    /// The peer is asked for a sign of life after this much silence, in milliseconds.
    pub enquire_link_ms: u64,
    /// How long an answer may take, in milliseconds.
    pub response_timeout_ms: u64,
    /// How long outstanding answers are waited for before our unbind, in milliseconds.
    pub grace_ms: u64,
}

/// What happened. No `Debug`: PDUs hold codes and numbers.
pub enum Event {
    /// The connection stands; binds with this PDU.
    Connected(Box<Pdu>),
    /// The peer sent something.
    Received(Frame),
    /// A request to be written; `ticket` is the host's name for it, and new.
    Submit {
        /// The host's name.
        ticket: u64,
        /// A `submit_sm`, `query_sm` or `cancel_sm`.
        pdu: Box<Pdu>,
    },
    /// A receipt was worked on.
    Judged {
        /// Which.
        sequence: u32,
        /// Whether it is in good hands; otherwise the peer is to bring it again.
        is_taken: bool,
    },
    /// Time went by: see [`Session::wake_at`].
    Wake,
    /// The session is to end in order.
    Close,
    /// The connection is gone.
    Lost,
}

/// What to do.
pub enum Action {
    /// Write this.
    Send(Box<Command>),
    /// A request ended.
    Ended {
        /// The host's name for it.
        ticket: u64,
        /// How.
        end: End,
    },
    /// The answer to a request that had ended without one.
    Late {
        /// The host's name for it.
        ticket: u64,
        /// The answer.
        reply: Reply,
    },
    /// Requests may be submitted now.
    Bound,
    /// Work on this, then tell with [`Event::Judged`].
    Receipt {
        /// The peer's number for it.
        sequence: u32,
        /// What it says.
        receipt: Receipt,
    },
    /// Close the connection; the session is over.
    Stop(Stop),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer answered.
    Reply(Reply),
    /// It was not written.
    NotSent,
    /// It was written, and no answer came: the peer may have it.
    NoAnswer,
}

/// A peer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The command's status; 0 is done.
    pub status: u32,
    /// The SMSC's name for the message, as it wrote it; may be empty.
    pub message_id: String,
    /// Of a `query_sm`: the message's state.
    pub state: Option<u8>,
    /// When its request was written, to its answer, in milliseconds.
    pub took_ms: u64,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The peer refused the bind with this status.
    #[error("the bind was refused with status {0:#010x}")]
    BindRefused(u32),
    /// No answer to the bind.
    #[error("the bind was not answered")]
    BindTimeout,
    /// The peer says that the session is not bound.
    #[error("the peer no longer knows the bind")]
    BindForgotten,
    /// No sign of life.
    #[error("the peer fell silent")]
    Silent,
    /// The peer unbound.
    #[error("the peer unbound")]
    PeerUnbound,
    /// We unbound.
    #[error("unbound")]
    Unbound,
    /// The connection is gone.
    #[error("the connection was lost")]
    Lost,
    /// PDU after PDU makes no sense.
    #[error("the peer's PDUs make no sense")]
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Binding {
        sequence: u32,
        until: UnixMs,
    },
    Bound,
    /// Waits for outstanding answers.
    Closing {
        until: UnixMs,
    },
    /// Our unbind is out.
    Unbinding {
        until: UnixMs,
    },
    Over,
}

/// A session.
pub struct Session {
    limits: Limits,
    phase: Phase,
    sequence: u32,
    window: Window,
    pause: Pause,
    /// Our `enquire_link` that is out, with when it was sent.
    enquiry: Option<UnixMs>,
    heard_at: UnixMs,
    malformed: u8,
    /// Receipts in work, by the peer's numbers, with the kind of answer that they want.
    receipts: BTreeMap<u32, peer::Kind>,
}

impl Session {
    /// Not connected yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            phase: Phase::Idle,
            sequence: 0,
            window: Window::default(),
            pause: Pause::default(),
            enquiry: None,
            heard_at: UnixMs(0),
            malformed: 0,
            receipts: BTreeMap::new(),
        }
    }

    /// Whether a request may be submitted now.
    pub fn has_room(&self, now: UnixMs) -> bool {
        self.phase == Phase::Bound
            && self.limits.role != Role::Receiver
            && self.window.len() < self.limits.window
            && now >= self.pause.until()
    }

    /// The pause that the peer asked for ends then.
    pub fn paused_until(&self) -> UnixMs {
        self.pause.until()
    }

    /// Requests without an answer.
    pub fn outstanding(&self) -> usize {
        self.window.len()
    }

    /// When [`Event::Wake`] is due.
    pub fn wake_at(&self, now: UnixMs) -> Option<UnixMs> {
        let enquire_at = match self.enquiry {
            Some(sent_at) => sent_at.plus(self.limits.response_timeout_ms),
            None => self.heard_at.plus(self.limits.enquire_link_ms),
        };
        let own = match self.phase {
            Phase::Idle | Phase::Over => return None,
            Phase::Binding { until, .. } | Phase::Unbinding { until } => return Some(until),
            Phase::Closing { until } => until,
            Phase::Bound => enquire_at,
        };
        let overdue_at = self.window.oldest().map(|at| at.plus(self.limits.response_timeout_ms));
        let pause = Some(self.pause.until()).filter(|until| *until > now);
        [Some(own), overdue_at, pause].into_iter().flatten().min()
    }

    /// What follows from an event.
    pub fn step(&mut self, event: Event, now: UnixMs) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Connected(bind) if self.phase == Phase::Idle => {
                self.heard_at = now;
                let sequence = self.send(*bind, &mut actions);
                self.phase = Phase::Binding { sequence, until: now.plus(self.limits.bind_timeout_ms) };
            }
            Event::Connected(_) => {}
            Event::Received(_) if matches!(self.phase, Phase::Idle | Phase::Over) => {}
            Event::Received(frame) => self.received(frame, now, &mut actions),
            Event::Submit { ticket, pdu } => self.submit(ticket, *pdu, now, &mut actions),
            Event::Judged { sequence, is_taken } => self.judged(sequence, is_taken, &mut actions),
            Event::Wake => self.wake(now, &mut actions),
            Event::Close => self.close(now, &mut actions),
            Event::Lost => self.stop(Stop::Lost, &mut actions),
        }
        self.unbind_when_done(now, &mut actions);
        actions
    }

    fn submit(&mut self, ticket: u64, pdu: Pdu, now: UnixMs, actions: &mut Vec<Action>) {
        if !self.has_room(now) {
            actions.push(Action::Ended { ticket, end: End::NotSent });
            return;
        }
        let kind = window::Kind::of(&pdu);
        let sequence = self.send(pdu, actions);
        self.window.add(sequence, ticket, kind, now);
    }

    fn wake(&mut self, now: UnixMs, actions: &mut Vec<Action>) {
        for ticket in self.window.overdue(self.limits.response_timeout_ms, now) {
            actions.push(Action::Ended { ticket, end: End::NoAnswer });
        }
        match (self.phase, self.enquiry) {
            (Phase::Binding { until, .. }, _) if now >= until => self.stop(Stop::BindTimeout, actions),
            (Phase::Unbinding { until }, _) if now >= until => self.stop(Stop::Unbound, actions),
            (Phase::Bound, Some(sent_at)) if now.since(sent_at) >= self.limits.response_timeout_ms => {
                self.stop(Stop::Silent, actions);
            }
            (Phase::Bound, None) if now.since(self.heard_at) >= self.limits.enquire_link_ms => {
                self.enquiry = Some(now);
                self.send(Pdu::EnquireLink, actions);
            }
            _ => {}
        }
    }

    fn close(&mut self, now: UnixMs, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Bound => self.phase = Phase::Closing { until: now.plus(self.limits.grace_ms) },
            Phase::Idle | Phase::Binding { .. } => self.stop(Stop::Unbound, actions),
            Phase::Closing { .. } | Phase::Unbinding { .. } | Phase::Over => {}
        }
    }

    fn unbind_when_done(&mut self, now: UnixMs, actions: &mut Vec<Action>) {
        let Phase::Closing { until } = self.phase else { return };
        if now >= until || (self.window.is_empty() && self.receipts.is_empty()) {
            self.send(Pdu::Unbind, actions);
            self.phase = Phase::Unbinding { until: now.plus(UNBIND_MS) };
        }
    }

    /// Over: what has no answer gets none.
    fn stop(&mut self, why: Stop, actions: &mut Vec<Action>) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        self.receipts.clear();
        for ticket in self.window.drain() {
            actions.push(Action::Ended { ticket, end: End::NoAnswer });
        }
        actions.push(Action::Stop(why));
    }

    fn send(&mut self, pdu: Pdu, actions: &mut Vec<Action>) -> u32 {
        loop {
            self.sequence = self.sequence % SEQUENCE_MAX + 1;
            if !self.window.has(self.sequence) {
                break;
            }
        }
        let command = Command::new(CommandStatus::EsmeRok, self.sequence, pdu);
        actions.push(Action::Send(Box::new(command)));
        self.sequence
    }
}

fn respond(status: u32, sequence: u32, pdu: Pdu) -> Action {
    Action::Send(Box::new(Command::new(CommandStatus::from(status), sequence, pdu)))
}

#[cfg(test)]
mod tests;
