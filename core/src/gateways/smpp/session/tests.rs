use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prelude::prop_oneof;
use proptest::proptest;
use rusmpp::CommandId;
use rusmpp::pdus::BindTransceiver;
use rusmpp::pdus::BindTransceiverResp;
use rusmpp::pdus::DeliverSm;
use rusmpp::pdus::SubmitSm;
use rusmpp::pdus::SubmitSmResp;
use rusmpp::types::OctetString;
use rusmpp::values::EsmClass;

use super::*;
use crate::gateways::smpp::status;

const LIMITS: Limits = Limits {
    role: Role::Transceiver,
    window: 3,
    bind_timeout_ms: 2_000,
    enquire_link_ms: 10_000,
    response_timeout_ms: 5_000,
    grace_ms: 3_000,
};

fn command(status: u32, sequence: u32, pdu: impl Into<Pdu>) -> Event {
    Event::Received(Frame::Command(Box::new(Command::new(CommandStatus::from(status), sequence, pdu))))
}

fn submit(ticket: u64) -> Event {
    Event::Submit { ticket, pdu: Box::new(SubmitSm::default().into()) }
}

fn answer(status: u32, sequence: u32, id: &str) -> Event {
    command(status, sequence, SubmitSmResp::new(id.parse().unwrap(), Vec::new()))
}

fn receipt(sequence: u32) -> Event {
    let pdu = DeliverSm::builder()
        .esm_class(EsmClass::from(4))
        .short_message(OctetString::from_slice(b"id:1 stat:DELIVRD").unwrap())
        .build();
    command(0, sequence, pdu)
}

/// What was written: command id, status, sequence number.
fn sent(actions: &[Action]) -> Vec<(CommandId, u32, u32)> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send(command) => Some((command.id(), u32::from(command.status()), command.sequence_number())),
        _ => None,
    });
    sent.collect()
}

fn ended(actions: &[Action]) -> Vec<(u64, End)> {
    let ended = actions.iter().filter_map(|action| match action {
        Action::Ended { ticket, end } => Some((*ticket, end.clone())),
        _ => None,
    });
    ended.collect()
}

fn stopped(actions: &[Action]) -> Option<Stop> {
    actions.iter().find_map(|action| match action {
        Action::Stop(why) => Some(*why),
        _ => None,
    })
}

fn bound() -> Session {
    let mut session = Session::new(LIMITS);
    let bind = Event::Connected(Box::new(BindTransceiver::default().into()));
    assert_eq!(sent(&session.step(bind, UnixMs(0))), [(CommandId::BindTransceiver, 0, 1)]);
    let actions = session.step(command(0, 1, BindTransceiverResp::default()), UnixMs(0));
    assert!(matches!(actions[..], [Action::Bound]));
    session
}

#[test]
fn nothing_is_submitted_before_the_bind_and_beyond_the_window() {
    let mut session = Session::new(LIMITS);
    assert_eq!(ended(&session.step(submit(1), UnixMs(0))), [(1, End::NotSent)]);
    let mut session = bound();
    for ticket in 2..5 {
        assert_eq!(sent(&session.step(submit(ticket), UnixMs(0))).len(), 1);
    }
    assert!(!session.has_room(UnixMs(0)));
    assert_eq!(ended(&session.step(submit(5), UnixMs(0))), [(5, End::NotSent)]);
    let actions = session.step(answer(0, 3, "a"), UnixMs(9));
    let reply = Reply { status: 0, message_id: "a".into(), state: None, took_ms: 9 };
    assert_eq!(ended(&actions), [(3, End::Reply(reply))]);
    assert!(session.has_room(UnixMs(9)));
}

#[test]
fn a_refused_bind_and_a_silent_one_end_the_session() {
    let bind = || Event::Connected(Box::new(BindTransceiver::default().into()));
    let mut session = Session::new(LIMITS);
    session.step(bind(), UnixMs(0));
    let refused = session.step(command(status::RINVPASWD, 1, BindTransceiverResp::default()), UnixMs(5));
    assert_eq!(stopped(&refused), Some(Stop::BindRefused(status::RINVPASWD)));
    let mut session = Session::new(LIMITS);
    session.step(bind(), UnixMs(0));
    assert_eq!(session.wake_at(UnixMs(0)), Some(UnixMs(2_000)));
    assert_eq!(stopped(&session.step(Event::Wake, UnixMs(2_000))), Some(Stop::BindTimeout));
}

#[test]
fn an_answer_that_does_not_come_leaves_the_outcome_unknown_and_one_that_comes_late_is_told() {
    let mut session = bound();
    session.step(submit(7), UnixMs(100));
    assert_eq!(session.wake_at(UnixMs(100)), Some(UnixMs(5_100)));
    assert_eq!(ended(&session.step(Event::Wake, UnixMs(5_100))), [(7, End::NoAnswer)]);
    assert_eq!(session.outstanding(), 0);
    let late = session.step(answer(0, 2, "a"), UnixMs(6_000));
    assert!(ended(&late).is_empty());
    let [Action::Late { ticket: 7, reply }] = &late[..] else { panic!("not told") };
    assert_eq!(reply.message_id, "a");
    assert!(session.step(answer(0, 2, "a"), UnixMs(6_001)).is_empty(), "told twice");
}

#[test]
fn a_cut_leaves_what_was_written_unknown() {
    let mut session = bound();
    session.step(submit(1), UnixMs(0));
    session.step(submit(2), UnixMs(0));
    let actions = session.step(Event::Lost, UnixMs(1));
    assert_eq!(ended(&actions), [(1, End::NoAnswer), (2, End::NoAnswer)]);
    assert_eq!(stopped(&actions), Some(Stop::Lost));
}

#[test]
fn throttling_pauses_the_session() {
    let mut session = bound();
    session.step(submit(1), UnixMs(0));
    session.step(answer(status::RTHROTTLED, 2, ""), UnixMs(10));
    assert!(!session.has_room(UnixMs(509)));
    assert_eq!(session.wake_at(UnixMs(10)), Some(UnixMs(510)));
    assert!(session.has_room(UnixMs(510)));
}

#[test]
fn silence_is_asked_about_and_then_ends_the_session() {
    let mut session = bound();
    assert_eq!(session.wake_at(UnixMs(0)), Some(UnixMs(10_000)));
    let asked = session.step(Event::Wake, UnixMs(10_000));
    assert_eq!(sent(&asked), [(CommandId::EnquireLink, 0, 2)]);
    session.step(command(0, 2, Pdu::EnquireLinkResp), UnixMs(10_050));
    assert_eq!(session.wake_at(UnixMs(10_050)), Some(UnixMs(20_050)));
    session.step(Event::Wake, UnixMs(20_050));
    assert_eq!(stopped(&session.step(Event::Wake, UnixMs(25_050))), Some(Stop::Silent));
}

#[test]
fn a_receipt_is_answered_when_it_is_in_good_hands() {
    let mut session = bound();
    assert!(matches!(session.step(receipt(40), UnixMs(0))[..], [Action::Receipt { sequence: 40, .. }]));
    session.step(receipt(41), UnixMs(0));
    let taken = session.step(Event::Judged { sequence: 40, is_taken: true }, UnixMs(0));
    assert_eq!(sent(&taken), [(CommandId::DeliverSmResp, status::ROK, 40)]);
    let left = session.step(Event::Judged { sequence: 41, is_taken: false }, UnixMs(0));
    assert_eq!(sent(&left), [(CommandId::DeliverSmResp, status::RX_T_APPN, 41)]);
    let message = session.step(command(0, 42, DeliverSm::default()), UnixMs(0));
    assert_eq!(sent(&message), [(CommandId::DeliverSmResp, status::ROK, 42)]);
}

#[test]
fn the_peer_is_answered_whatever_it_asks() {
    let mut session = bound();
    let pong = session.step(command(0, 9, Pdu::EnquireLink), UnixMs(0));
    assert_eq!(sent(&pong), [(CommandId::EnquireLinkResp, 0, 9)]);
    let strange = session.step(command(0, 10, BindTransceiver::default()), UnixMs(0));
    assert_eq!(sent(&strange), [(CommandId::GenericNack, status::RINVCMDID, 10)]);
    let torn = Event::Received(Frame::Malformed { id: 5, status: 0, sequence: 11 });
    assert_eq!(sent(&session.step(torn, UnixMs(0))), [(CommandId::GenericNack, status::RINVCMDLEN, 11)]);
    session.step(submit(1), UnixMs(0));
    let end = session.step(command(0, 12, Pdu::Unbind), UnixMs(0));
    assert_eq!(sent(&end), [(CommandId::UnbindResp, 0, 12)]);
    assert_eq!((ended(&end), stopped(&end)), (vec![(1, End::NoAnswer)], Some(Stop::PeerUnbound)));
}

#[test]
fn a_refusal_whose_body_cannot_be_read_is_a_refusal() {
    let mut session = bound();
    session.step(submit(1), UnixMs(0));
    session.step(submit(2), UnixMs(0));
    let malformed =
        |status, sequence| Event::Received(Frame::Malformed { id: 0x8000_0004, status, sequence });
    let [(1, End::Reply(reply))] = &ended(&session.step(malformed(0x45, 2), UnixMs(0)))[..] else { panic!() };
    assert_eq!(reply.status, 0x45);
    assert_eq!(ended(&session.step(malformed(0, 3), UnixMs(0))), [(2, End::NoAnswer)]);
    for _ in 0..5 {
        assert_eq!(stopped(&session.step(malformed(0, 99), UnixMs(0))), None);
    }
    assert_eq!(stopped(&session.step(malformed(0, 99), UnixMs(0))), Some(Stop::Malformed));
}

#[test]
fn closing_waits_for_answers_then_unbinds() {
    let mut session = bound();
    session.step(submit(1), UnixMs(0));
    assert!(session.step(Event::Close, UnixMs(0)).is_empty());
    assert_eq!(ended(&session.step(submit(2), UnixMs(0))), [(2, End::NotSent)]);
    let actions = session.step(answer(0, 2, "a"), UnixMs(10));
    assert_eq!(sent(&actions), [(CommandId::Unbind, 0, 3)]);
    assert_eq!(stopped(&session.step(command(0, 3, Pdu::UnbindResp), UnixMs(20))), Some(Stop::Unbound));

    let mut session = bound();
    session.step(submit(1), UnixMs(0));
    session.step(Event::Close, UnixMs(0));
    assert_eq!(session.wake_at(UnixMs(0)), Some(UnixMs(3_000)));
    assert_eq!(sent(&session.step(Event::Wake, UnixMs(3_000))), [(CommandId::Unbind, 0, 3)]);
    let over = session.step(Event::Wake, UnixMs(4_000));
    assert_eq!((ended(&over), stopped(&over)), (vec![(1, End::NoAnswer)], Some(Stop::Unbound)));
}

/// What may happen, as the property test draws it.
#[derive(Clone, Debug)]
enum Drawn {
    Submit,
    /// An answer: to one of the requests that were written, or to anything.
    Answer(prop::sample::Index, u32, bool),
    Stray(u32, u32),
    Malformed(u32, u32, u32),
    Receipt(u32, bool),
    Enquire(u32),
    Sleep(u64),
    Close,
    Unbind,
    Lost,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let statuses = prop::sample::select(vec![0u32, 0, 0, 8, 0x58, 0x14, 0x0b, 4]);
    let ids = prop::sample::select(vec![0x8000_0004u32, 0x8000_0003, 0x8000_0000, 4, 5, 0x15]);
    prop_oneof![
        20 => Just(Drawn::Submit),
        20 => (any::<prop::sample::Index>(), statuses, any::<bool>())
            .prop_map(|(index, status, nack)| Drawn::Answer(index, status, nack)),
        3 => (0u32..200, 0u32..9).prop_map(|(sequence, status)| Drawn::Stray(sequence, status)),
        2 => (ids, 0u32..9, 0u32..200).prop_map(|(id, status, at)| Drawn::Malformed(id, status, at)),
        4 => (0u32..50, any::<bool>()).prop_map(|(sequence, taken)| Drawn::Receipt(sequence, taken)),
        2 => (0u32..50).prop_map(Drawn::Enquire),
        8 => (0u64..7_000).prop_map(Drawn::Sleep),
        1 => Just(Drawn::Close),
        1 => Just(Drawn::Unbind),
        1 => Just(Drawn::Lost),
    ]
}

/// Plays drawn events, and keeps account of what the session may do.
struct Played {
    session: Session,
    now: UnixMs,
    /// Written requests: sequence number to ticket.
    written: BTreeMap<u32, u64>,
    open: BTreeSet<u64>,
    ended: BTreeMap<u64, End>,
    tickets: u64,
    is_over: bool,
}

impl Played {
    fn step(&mut self, event: Event, answers: Option<(u32, u64)>) {
        let submitted = match &event {
            Event::Submit { ticket, .. } => Some(*ticket),
            _ => None,
        };
        for action in self.session.step(event, self.now) {
            match action {
                Action::Send(command) if command.id() == CommandId::SubmitSm => {
                    assert!(!self.is_over, "written after the end");
                    let earlier = self.written.insert(command.sequence_number(), submitted.unwrap());
                    assert!(earlier.is_none(), "a sequence number was used twice");
                }
                Action::Ended { ticket, end } => {
                    assert!(self.open.remove(&ticket), "{ticket} ended twice, or was never submitted");
                    if let End::Reply(reply) = &end {
                        let (sequence, of) = answers.expect("a reply without one");
                        assert_eq!(ticket, of, "the answer to {sequence} went to another request");
                        assert_eq!(
                            reply.message_id,
                            if reply.status == 0 { of.to_string() } else { String::new() }
                        );
                    }
                    self.ended.insert(ticket, end);
                }
                Action::Late { ticket, .. } => {
                    assert_eq!(self.ended.get(&ticket), Some(&End::NoAnswer));
                    assert_eq!(answers.map(|(_, of)| of), Some(ticket));
                }
                Action::Stop(_) => self.is_over = true,
                _ => {}
            }
        }
        assert!(self.session.outstanding() <= LIMITS.window);
    }

    fn play(&mut self, drawn: Drawn) {
        match drawn {
            Drawn::Submit => {
                self.tickets += 1;
                self.open.insert(self.tickets);
                self.step(submit(self.tickets), None);
            }
            Drawn::Answer(index, status, is_nack) => {
                let written: Vec<_> = self.written.iter().map(|(at, ticket)| (*at, *ticket)).collect();
                if written.is_empty() {
                    return;
                }
                let (sequence, ticket) = *index.get(&written);
                let id = if status == 0 { ticket.to_string() } else { String::new() };
                let event = if is_nack && status != 0 {
                    command(status, sequence, Pdu::GenericNack)
                } else {
                    answer(status, sequence, &id)
                };
                self.step(event, Some((sequence, ticket)));
            }
            Drawn::Stray(sequence, status) if !self.written.contains_key(&sequence) => {
                self.step(answer(status, sequence, "stray"), None);
            }
            Drawn::Stray(..) => {}
            Drawn::Malformed(id, status, sequence) => {
                let of = self.written.get(&sequence).map(|ticket| (sequence, *ticket));
                self.step(Event::Received(Frame::Malformed { id, status, sequence }), of);
            }
            Drawn::Receipt(sequence, is_taken) => {
                self.step(receipt(sequence), None);
                self.step(Event::Judged { sequence, is_taken }, None);
            }
            Drawn::Enquire(sequence) => self.step(command(0, sequence, Pdu::EnquireLink), None),
            Drawn::Sleep(ms) => {
                let until = self.now.plus(ms);
                // Woken when it asks to be, as by a host; never twice for nothing.
                while let Some(at) = self.session.wake_at(self.now).filter(|at| *at <= until) {
                    assert!(at >= self.now);
                    self.now = at;
                    self.step(Event::Wake, None);
                    assert!(self.session.wake_at(self.now).is_none_or(|next| next > at), "wakes in a loop");
                }
                self.now = until;
            }
            Drawn::Close => self.step(Event::Close, None),
            Drawn::Unbind => self.step(command(0, 60, Pdu::Unbind), None),
            Drawn::Lost => self.step(Event::Lost, None),
        }
    }
}

proptest! {
    #[test]
    fn every_request_ends_once_and_with_its_own_answer(events in prop::collection::vec(drawn(), 1..120)) {
        let session = bound();
        let mut played = Played {
            session,
            now: UnixMs(0),
            written: BTreeMap::new(),
            open: BTreeSet::new(),
            ended: BTreeMap::new(),
            tickets: 0,
            is_over: false,
        };
        for event in events {
            played.play(event);
        }
        played.step(Event::Lost, None);
        assert!(played.open.is_empty(), "never ended: {:?}", played.open);
    }
}
