//! What the peer sends: signs of life, answers to our requests, and requests of its own.

use rusmpp::Command;
use rusmpp::CommandId;
use rusmpp::Pdu;
use rusmpp::types::COctetString;
use tiffin_shared::time::UnixMs;

use super::Action;
use super::End;
use super::MALFORMED_MAX;
use super::Phase;
use super::Reply;
use super::Role;
use super::Session;
use super::Stop;
use super::respond;
use super::window::Kind;
use super::window::Waiting;
use crate::gateways::smpp::status;
use crate::gateways::smpp::wire::Frame;

/// Command ids of responses have this bit: SMPP 3.4, 5.1.2.1.
const RESPONSE_BIT: u32 = 0x8000_0000;

impl Session {
    pub(super) fn received(&mut self, frame: Frame, now: UnixMs, actions: &mut Vec<Action>) {
        self.heard_at = now;
        self.enquiry = None;
        match frame {
            Frame::Command(command) => {
                self.malformed = 0;
                self.command(&command, now, actions);
            }
            Frame::Malformed { id, status, sequence } => {
                self.malformed += 1;
                if self.malformed >= MALFORMED_MAX {
                    return self.stop(Stop::Malformed, actions);
                }
                self.unread(id, status, sequence, now, actions);
            }
        }
    }

    fn command(&mut self, command: &Command, now: UnixMs, actions: &mut Vec<Action>) {
        let (sequence, status) = (command.sequence_number(), u32::from(command.status()));
        let id = u32::from(command.id());
        if let Phase::Binding { sequence: bind, .. } = self.phase {
            return self.while_binding(command, bind, actions);
        }
        match command.id() {
            CommandId::SubmitSmResp
            | CommandId::DataSmResp
            | CommandId::QuerySmResp
            | CommandId::CancelSmResp => {
                let kind = Kind::answered_by(id);
                let (message_id, state) = match command.pdu() {
                    Some(Pdu::SubmitSmResp(answer)) => (answer.message_id().as_str().to_owned(), None),
                    Some(Pdu::QuerySmResp(answer)) => {
                        (answer.message_id.as_str().to_owned(), Some(answer.message_state.into()))
                    }
                    _ => (String::new(), None),
                };
                let reply = Reply { status, message_id, state, took_ms: 0 };
                self.answered(sequence, reply, now, |waiting| waiting.kind == kind, actions);
            }
            // The peer did not understand a request, so it did not do what it asks either.
            CommandId::GenericNack => {
                let status = if status == status::ROK { status::RINVCMDID } else { status };
                let reply = Reply { status, message_id: String::new(), state: None, took_ms: 0 };
                self.answered(sequence, reply, now, |_| true, actions);
            }
            CommandId::UnbindResp if matches!(self.phase, Phase::Unbinding { .. }) => {
                self.stop(Stop::Unbound, actions);
            }
            CommandId::Unbind => {
                actions.push(respond(status::ROK, sequence, Pdu::UnbindResp));
                self.stop(Stop::PeerUnbound, actions);
            }
            CommandId::EnquireLink => actions.push(respond(status::ROK, sequence, Pdu::EnquireLinkResp)),
            // They want no answer.
            CommandId::AlertNotification | CommandId::Outbind => {}
            CommandId::DeliverSm | CommandId::DataSm => self.delivered(command, actions),
            _ if id & RESPONSE_BIT == 0 => {
                actions.push(respond(status::RINVCMDID, sequence, Pdu::GenericNack));
            }
            _ => {}
        }
    }

    fn while_binding(&mut self, command: &Command, bind: u32, actions: &mut Vec<Action>) {
        let status = u32::from(command.status());
        let (id, sequence) = (command.id(), command.sequence_number());
        let is_answer = match self.limits.role {
            Role::Transceiver => id == CommandId::BindTransceiverResp,
            Role::Transmitter => id == CommandId::BindTransmitterResp,
            Role::Receiver => id == CommandId::BindReceiverResp,
        };
        if (is_answer || id == CommandId::GenericNack) && sequence == bind {
            if status == status::ROK && is_answer {
                self.phase = Phase::Bound;
                actions.push(Action::Bound);
            } else {
                let status = if status == status::ROK { status::RBINDFAIL } else { status };
                self.stop(Stop::BindRefused(status), actions);
            }
        } else if id == CommandId::EnquireLink {
            actions.push(respond(status::ROK, sequence, Pdu::EnquireLinkResp));
        } else if id == CommandId::Unbind {
            actions.push(respond(status::ROK, sequence, Pdu::UnbindResp));
            self.stop(Stop::PeerUnbound, actions);
        } else if id == CommandId::DeliverSm {
            let answer = rusmpp::pdus::DeliverSmResp::new(COctetString::null(), Vec::new());
            actions.push(respond(status::RINVBNDSTS, sequence, answer.into()));
        }
    }

    fn answered(
        &mut self,
        sequence: u32,
        reply: Reply,
        now: UnixMs,
        is_it: impl Fn(&Waiting) -> bool,
        actions: &mut Vec<Action>,
    ) {
        // An answer to nothing: the peer's fault, and no harm.
        let Some(waiting) = self.window.answered(sequence, is_it) else { return };
        let reply = Reply { took_ms: now.since(waiting.sent_at), ..reply };
        let status = reply.status;
        if status::is_throttle(status) {
            self.pause.throttled(waiting.sent_at, now);
        } else if status == status::ROK {
            self.pause.eased(waiting.sent_at);
        }
        let ticket = waiting.ticket;
        actions.push(if waiting.is_overdue {
            Action::Late { ticket, reply }
        } else {
            Action::Ended { ticket, end: End::Reply(reply) }
        });
        if status == status::RINVBNDSTS {
            self.stop(Stop::BindForgotten, actions);
        }
    }

    /// A PDU of which only the header is known. An answer that refuses does so without its body.
    fn unread(&mut self, id: u32, status: u32, sequence: u32, now: UnixMs, actions: &mut Vec<Action>) {
        if let Phase::Binding { sequence: bind, .. } = self.phase {
            if id & RESPONSE_BIT != 0 && sequence == bind {
                let status = if status == status::ROK { status::RBINDFAIL } else { status };
                self.stop(Stop::BindRefused(status), actions);
            }
            return;
        }
        if id & RESPONSE_BIT == 0 {
            actions.push(respond(status::RINVCMDLEN, sequence, Pdu::GenericNack));
        } else if status != status::ROK {
            let kind = Kind::answered_by(id);
            let reply = Reply { status, message_id: String::new(), state: None, took_ms: 0 };
            self.answered(sequence, reply, now, |waiting| waiting.kind == kind, actions);
        } else if let Some(waiting) = self.window.answered(sequence, |_| true)
            && !waiting.is_overdue
        {
            actions.push(Action::Ended { ticket: waiting.ticket, end: End::NoAnswer });
        }
    }
}
