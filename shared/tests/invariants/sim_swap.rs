//! A number whose SIM changed lately gets no text message and no call, and where nobody can say, what was settled follows.

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Happening;
use tiffin_shared::order::Order;
use tiffin_shared::order::Read;
use tiffin_shared::order::Reason;
use tiffin_shared::order::SIM_CHECKS_MAX;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;
use tiffin_shared::order::Terms;
use tiffin_shared::order::Timeline;
use tiffin_shared::order::WhenUnknown;
use tiffin_shared::route::Offer;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::job::Dispatch;

use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::order::VERDICTS;
use crate::common::order::command;
use crate::common::order::header;
use crate::common::order::offer;
use crate::common::order::terms;

const UNKNOWN: SimVerdict = SimVerdict::Unknown(SimDoubt::NoAnswer);

/// A worker with one order, whose service has the SIM checked.
struct Worker {
    host: Host,
    offers: Vec<Offer>,
    terms: Terms,
    now: UnixMs,
    events: u64,
}

impl Worker {
    /// alpha and beta send texts, gamma calls, delta is another channel.
    fn new(gateways: &[&str], when_unknown: WhenUnknown) -> Self {
        let terms = Terms { sim_check: Some(when_unknown), ..terms() };
        let offers = gateways.iter().map(|name| by(name)).collect();
        Self { host: Host::default(), offers, terms, now: START, events: 0 }
    }

    fn ask(&mut self, ask: Ask) -> Decision {
        self.events += 1;
        self.host.ask::<Order>(&command(self.events, ask), self.now).decision
    }

    fn claim(&mut self, dispatch: Option<Dispatch>) -> Decision {
        let (offers, terms) = (self.offers.clone(), self.terms.clone());
        let token = Bytes(u128::from(self.events).to_be_bytes());
        self.ask(Ask::Claim { taken_at: None, token, header: Box::new(header()), dispatch, offers, terms })
    }

    /// Claims until something is to be done, moving the clock as told.
    fn next(&mut self) -> Decision {
        for _ in 0..100 {
            match self.claim(None) {
                Decision::RetryAt(at) | Decision::AwaitWay(at) | Decision::Hold(at) => {
                    self.now = self.now.max(at);
                }
                decision => return decision,
            }
        }
        panic!("it waits without end");
    }

    fn checked(&mut self, n: u8, verdict: SimVerdict) {
        assert_eq!(self.next(), Decision::CheckSim { n });
        assert_eq!(self.ask(Ask::SimChecked { n, verdict }), Decision::RetryAt(self.now));
    }

    fn fails(&mut self, n: u32, reason: Reason) {
        self.ask(Ask::Result { n, outcome: CallOutcome::Failed(reason) });
    }

    fn read(&mut self) -> Timeline {
        *self.host.ask::<Read>(&(), self.now).unwrap()
    }

    fn failed_with(&mut self, reason: Reason) {
        assert_eq!(self.next(), Decision::Stop);
        let timeline = self.read();
        assert_eq!((timeline.state, timeline.reason), (OrderState::Failed, Some(reason)));
    }
}

fn by(name: &str) -> Offer {
    let mut offer = offer(name);
    if name == "delta" {
        offer.way.channel = Channel::Whatsapp;
    }
    offer
}

fn sends(n: u32, gateway: &str) -> Decision {
    Decision::Send { n, way: by(gateway).way }
}

#[test]
fn a_swapped_sim_closes_texts_and_calls_and_nothing_else() {
    let mut worker = Worker::new(&["alpha", "beta", "gamma", "delta"], WhenUnknown::Send);
    worker.checked(1, SimVerdict::Swapped);
    assert_eq!(worker.next(), sends(1, "delta"));
    worker.fails(1, Reason::NotOnChannel);
    worker.failed_with(Reason::SimSwapped);
    let told = |entry: &tiffin_shared::order::Entry| matches!(entry.what, Happening::SimChecked { .. });
    assert_eq!(worker.read().story.entries.iter().filter(|entry| told(entry)).count(), 1, "asked once");
}

#[test]
fn an_order_that_may_only_be_texted_or_called_fails_with_the_reason() {
    for gateways in [&["alpha"][..], &["gamma"], &["alpha", "beta", "gamma"]] {
        for (verdict, reason) in [(SimVerdict::Swapped, Reason::SimSwapped), (UNKNOWN, Reason::SimUnknown)] {
            let mut worker = Worker::new(gateways, WhenUnknown::Refuse);
            worker.checked(1, verdict);
            worker.failed_with(reason);
            assert_eq!(worker.read().attempts, []);
        }
    }
}

#[test]
fn a_sim_that_did_not_change_is_asked_about_once() {
    let mut worker = Worker::new(&["alpha", "beta", "gamma"], WhenUnknown::Refuse);
    worker.checked(1, SimVerdict::Unchanged);
    assert_eq!(worker.next(), sends(1, "alpha"));
    worker.fails(1, Reason::Rejected);
    assert_eq!(worker.next(), sends(2, "beta"));
    worker.fails(2, Reason::Blocked);
    assert_eq!(worker.next(), sends(3, "gamma"));
}

#[test]
fn what_nobody_knows_is_asked_again_before_a_later_attempt_and_not_without_end() {
    let mut worker = Worker::new(&["alpha"], WhenUnknown::Send);
    for check in 1..=SIM_CHECKS_MAX {
        worker.checked(check, UNKNOWN);
        assert_eq!(worker.next(), sends(u32::from(check), "alpha"));
        worker.fails(u32::from(check), Reason::ProviderDown);
    }
    let n = u32::from(SIM_CHECKS_MAX) + 1;
    assert_eq!(worker.next(), sends(n, "alpha"));
}

#[test]
fn what_is_known_later_counts() {
    let mut worker = Worker::new(&["delta", "alpha"], WhenUnknown::Refuse);
    assert_eq!(worker.next(), sends(1, "delta"), "nobody is asked where it does not matter");
    worker.fails(1, Reason::NotOnChannel);
    worker.checked(1, SimVerdict::Unchanged);
    assert_eq!(worker.next(), sends(2, "alpha"));

    let mut worker = Worker::new(&["alpha", "delta"], WhenUnknown::Refuse);
    worker.checked(1, UNKNOWN);
    assert_eq!(worker.next(), sends(1, "delta"));
    worker.fails(1, Reason::NotOnChannel);
    worker.checked(2, SimVerdict::Unchanged);
    assert_eq!(worker.next(), sends(2, "alpha"));
}

#[test]
fn a_resend_goes_by_what_is_known_and_an_order_that_arrived_stays_so() {
    let mut worker = Worker::new(&["alpha", "gamma"], WhenUnknown::Refuse);
    worker.checked(1, SimVerdict::Swapped);
    worker.failed_with(Reason::SimSwapped);
    let again = |n| Some(Dispatch { n, channel: Channel::Voice });
    assert_eq!(worker.claim(again(1)), Decision::Stop);
    assert_eq!(worker.read().reason, Some(Reason::SimSwapped));
    worker.offers = vec![by("delta")];
    assert_eq!(worker.claim(again(1)), Decision::Stop, "it came to nothing");
    assert_eq!(worker.claim(again(2)), sends(1, "delta"));
}

#[test]
fn an_answer_that_comes_twice_or_late_changes_nothing() {
    let mut worker = Worker::new(&["alpha"], WhenUnknown::Refuse);
    worker.checked(1, SimVerdict::Swapped);
    worker.ask(Ask::SimChecked { n: 1, verdict: SimVerdict::Unchanged });
    worker.failed_with(Reason::SimSwapped);
}

#[test]
fn a_lost_record_is_asked_about_again() {
    let mut worker = Worker::new(&["alpha"], WhenUnknown::Refuse);
    assert_eq!(worker.next(), Decision::CheckSim { n: 1 });
    worker.host = Host::default();
    let lost = worker.ask(Ask::SimChecked { n: 1, verdict: SimVerdict::Unchanged });
    assert_eq!(lost, Decision::RetryAt(worker.now));
    worker.checked(1, SimVerdict::Swapped);
    worker.failed_with(Reason::SimSwapped);
}

#[derive(Clone, Debug)]
enum Turn {
    /// The network answers so, where it is asked.
    Claim(SimVerdict),
    /// The latest attempt.
    Fails(Reason),
    Taken,
    Later(u64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let fails = select(vec![Reason::ProviderDown, Reason::Rejected, Reason::NotOnChannel]);
    let turn = prop_oneof![
        6 => select(VERDICTS.to_vec()).prop_map(Turn::Claim),
        3 => fails.prop_map(Turn::Fails),
        1 => Just(Turn::Taken),
        2 => (1..30_000_u64).prop_map(Turn::Later),
    ];
    vec(turn, 1..40)
}

proptest! {
    /// Whatever fails in between, nothing goes by the SIM but after an answer that allows it.
    #[test]
    fn nothing_goes_by_a_sim_that_did_not_pass(
        turns in turns(),
        when_unknown in select(vec![WhenUnknown::Refuse, WhenUnknown::Send]),
    ) {
        let mut worker = Worker::new(&["alpha", "delta", "beta", "gamma"], when_unknown);
        let (mut known, mut asked, mut n) = (None, 0, 0);
        for turn in turns {
            match turn {
                Turn::Claim(verdict) => match worker.claim(None) {
                    Decision::CheckSim { n } => {
                        asked += 1;
                        assert!(matches!(known, None | Some(SimVerdict::Unknown(_))), "asked for nothing");
                        known = Some(verdict);
                        worker.ask(Ask::SimChecked { n, verdict });
                    }
                    Decision::Send { n: at, way } => {
                        n = at;
                        let passes = match known {
                            None | Some(SimVerdict::Swapped) => false,
                            Some(SimVerdict::Unchanged) => true,
                            Some(SimVerdict::Unknown(_)) => when_unknown == WhenUnknown::Send,
                        };
                        assert!(passes || way.channel == Channel::Whatsapp, "{known:?} {way:?}");
                    }
                    _ => {}
                },
                Turn::Fails(reason) => worker.fails(n, reason),
                Turn::Taken => {
                    let provider_id = format!("m{n}");
                    worker.ask(Ask::Result { n, outcome: CallOutcome::Taken { provider_id } });
                }
                Turn::Later(ms) => worker.now = worker.now.plus(ms),
            }
        }
        assert!(asked <= usize::from(SIM_CHECKS_MAX));
    }
}
