//! Providers are asked about messages a bounded number of times, and what they say is taken for what it is.

use std::collections::BTreeMap;

use proptest::proptest;
use tiffin_shared::order::About;
use tiffin_shared::order::Ask;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Inquiry;
use tiffin_shared::order::POLLS_MAX;
use tiffin_shared::order::POLLS_PER_ORDER_MAX;
use tiffin_shared::order::RECALLS_MAX;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Reply;
use tiffin_shared::wire::api::OrderState;

use crate::common::fixtures::START;
use crate::common::fixtures::tenant;
use crate::common::host::Host;
use crate::common::order::Sent;
use crate::common::order::World;
use crate::common::order::claim;
use crate::common::order::pauses;
use crate::common::order::script;
use crate::common::order::terms;

impl Sent {
    fn stop(&mut self, cause: Cause) -> Reply {
        self.ask(Ask::Stop { cause, tenant: tenant(0), terms: terms() })
    }

    /// Lets the alarm ring whenever it is due, for so long. When each inquiry was made, since the start.
    fn inquiries(&mut self, for_ms: u64) -> Vec<(u64, About)> {
        let mut made = Vec::new();
        while let Some(at) = self.host.wake_at().filter(|at| *at <= START.plus(for_ms)) {
            self.now = at.max(self.now).plus(1);
            let reply = self.ask(Ask::Tick);
            let about = |inquiry: &Inquiry| (self.now.since(START), inquiry.about);
            made.extend(reply.inquiries.iter().map(about));
        }
        made
    }
}

#[test]
fn a_message_without_a_receipt_is_asked_about_at_four_moments_of_its_usual_time() {
    let made = Sent::new().inquiries(200_000);
    let moments: Vec<u64> = made.iter().map(|(at, _)| at / 1_000).collect();
    assert_eq!(moments, [6, 10, 24, 48], "of a usual time of 12 s");
    assert!(made.iter().all(|(_, about)| *about == About::Status));
}

#[test]
fn what_a_provider_says_when_it_is_asked_is_a_receipt() {
    for (receipt, state) in
        [(Receipt::Delivered, OrderState::Delivered), (Receipt::Failed(Reason::Landline), OrderState::Queued)]
    {
        let mut sent = Sent::new();
        let reply = sent.ask(Ask::Polled { n: 1, status: "DELIVRD!".into(), receipt: Some(receipt) });
        let event = reply.event.unwrap();
        assert_eq!(event.state, state);
        let told = event.attempts[0].told.as_ref().map(|told| told.status.as_str());
        assert_eq!(told, Some("delivrd"), "its own word, in lower case, and nothing but a word");
        let lesson = reply.lesson.unwrap();
        let since = (receipt == Receipt::Delivered).then_some(START);
        assert_eq!(lesson.arrived_since, since, "the router learns from it, and when it arrived is counted");
        assert!(sent.inquiries(200_000).is_empty(), "and it is not asked again");
    }
}

#[test]
fn that_a_code_arrived_is_proven_once_by_a_receipt_or_by_its_use() {
    let delivered = || Ask::Polled { n: 1, status: "ok".into(), receipt: Some(Receipt::Delivered) };
    let since = |reply: &Reply| reply.lesson.as_ref().map(|lesson| lesson.arrived_since);
    let mut by_receipt = Sent::new();
    assert_eq!(since(&by_receipt.ask(delivered())), Some(Some(START)));
    assert_eq!(since(&by_receipt.stop(Cause::Verified)), Some(None));
    let mut by_use = Sent::new();
    assert_eq!(since(&by_use.stop(Cause::Verified)), Some(Some(START)));
    assert_eq!(since(&by_use.ask(delivered())), Some(None));
}

#[test]
fn a_word_that_is_no_news_is_told_to_nobody() {
    let mut sent = Sent::new();
    let ask = |status: &str| Ask::Polled { n: 1, status: status.into(), receipt: Some(Receipt::Sent) };
    assert!(sent.ask(ask("sent")).event.is_some());
    assert!(sent.ask(ask("sent")).event.is_none());
    assert!(sent.ask(ask("queued")).event.is_some());
}

#[test]
fn an_order_that_is_called_off_asks_its_provider_until_it_answers_and_four_times_at_most() {
    let mut sent = Sent::new();
    let reply = sent.stop(Cause::Cancelled);
    let [first] = &reply.inquiries[..] else { panic!("{reply:?}") };
    assert_eq!((first.about, first.provider_id.as_str()), (About::Recall, "m1"));
    assert_eq!(reply.event.unwrap().attempts[0].recall, Some(Recall::Asked));
    let made = sent.inquiries(250_000);
    assert_eq!(made.len(), usize::from(RECALLS_MAX) - 1, "{made:?}");
    let event = sent.ask(Ask::Recalled { n: 1, outcome: Some(Recall::Stopped) });
    assert!(event.event.is_none(), "given up: the answer came too late");

    for (outcome, state) in [(Recall::Stopped, AttemptState::Failed), (Recall::TooLate, AttemptState::Sent)] {
        let mut sent = Sent::new();
        sent.stop(Cause::Cancelled);
        let event = sent.ask(Ask::Recalled { n: 1, outcome: Some(outcome) }).event.unwrap();
        assert_eq!((event.attempts[0].state, event.attempts[0].recall), (state, Some(outcome)));
        assert!(sent.inquiries(250_000).is_empty());
    }
}

#[test]
fn what_is_not_called_off_is_not_called_back_and_what_is_taken_later_is() {
    for cause in [Cause::Superseded, Cause::Verified] {
        assert!(Sent::new().stop(cause).inquiries.is_empty(), "{cause:?}");
    }
    let mut calling = Sent { host: Host::default(), now: START, events: 0 };
    calling.ask(claim(1));
    assert!(calling.stop(Cause::Cancelled).inquiries.is_empty(), "the provider has not answered yet");
    let taken = Ask::Result { n: 1, outcome: CallOutcome::Taken { provider_id: "m1".into() } };
    assert_eq!(calling.ask(taken).inquiries.len(), 1);

    let mut calling = Sent { host: Host::default(), now: START, events: 0 };
    calling.ask(claim(1));
    calling.stop(Cause::Cancelled);
    let event = calling.ask(Ask::Result { n: 1, outcome: CallOutcome::Unknown }).event.unwrap();
    assert_eq!(
        event.attempts[0].recall,
        Some(Recall::Unknown),
        "nobody knows whether there is anything to stop"
    );
}

proptest! {
    #[test]
    fn no_message_and_no_order_is_asked_about_more_often_than_it_may(script in script(pauses(), 1..80)) {
        let (mut world, mut asked) = (World::default(), BTreeMap::<(u32, bool), u32>::new());
        for step in &script {
            for inquiry in world.play(step).inquiries {
                *asked.entry((inquiry.n, inquiry.about == About::Recall)).or_default() += 1;
            }
        }
        for ((_, is_recall), times) in &asked {
            assert!(*times <= u32::from(if *is_recall { RECALLS_MAX } else { POLLS_MAX }));
        }
        let polls = asked.iter().filter(|((_, is_recall), _)| !is_recall).map(|(_, times)| times);
        assert!(polls.sum::<u32>() <= POLLS_PER_ORDER_MAX);
    }
}
