//! What nobody signed moves when an order looks elsewhere, and nothing else.

use proptest::proptest;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Reply;
use tiffin_shared::wire::api::OrderState;

use crate::common::fixtures::START;
use crate::common::fixtures::TTL_MS;
use crate::common::host::Host;
use crate::common::order::Action;
use crate::common::order::Sent;
use crate::common::order::World;
use crate::common::order::claim;
use crate::common::order::gateway;
use crate::common::order::offer;
use crate::common::order::pauses;
use crate::common::order::script;

impl Sent {
    fn hint(&mut self, provider_id: &str, hint: Hint) -> Reply {
        self.ask(Ask::Hint { gateway: gateway("alpha"), n: 1, provider_id: provider_id.into(), hint })
    }

    fn claim(&mut self) -> Decision {
        self.ask(claim(self.events + 100)).decision
    }
}

#[test]
fn a_hint_of_arrival_keeps_the_order_from_looking_elsewhere_and_is_no_delivery() {
    let mut sent = Sent::new();
    assert_eq!(sent.claim(), Decision::RetryAt(START.plus(12_000)));
    let reply = sent.hint("m1", Hint::Arrived);
    assert_eq!((reply.news, reply.lesson), (None, None), "nothing is counted or learnt");
    assert_eq!(reply.event.map(|event| event.state), Some(OrderState::Sent));
    sent.now = START.plus(60_000);
    assert_eq!(sent.claim(), Decision::RetryAt(START.plus(TTL_MS)));
    let receipt = Ask::Receipt {
        gateway: gateway("alpha"),
        n: 1,
        provider_id: "m1".into(),
        receipt: Receipt::Delivered,
        cost: None,
    };
    let told = sent.ask(receipt);
    assert_eq!(told.event.map(|event| event.state), Some(OrderState::Delivered), "the real one still counts");
}

#[test]
fn a_hint_of_loss_lets_the_order_look_elsewhere_at_once_and_is_no_failure() {
    let mut sent = Sent::new();
    sent.now = START.plus(2_000);
    assert!(matches!(sent.claim(), Decision::RetryAt(_)));
    let reply = sent.hint("m1", Hint::Lost);
    assert_eq!(reply.event.map(|event| event.state), Some(OrderState::Sent));
    assert_eq!(sent.claim(), Decision::Send { n: 2, way: offer("beta").way });
    let receipt = Ask::Receipt {
        gateway: gateway("alpha"),
        n: 1,
        provider_id: "m1".into(),
        receipt: Receipt::Delivered,
        cost: None,
    };
    let told = sent.ask(receipt);
    assert_eq!(told.event.map(|event| event.state), Some(OrderState::Delivered), "it was not lost");
}

#[test]
fn nobody_speaks_of_another_gateways_messages() {
    let told = |n, provider_id: &str| {
        let (gateway, provider_id) = (gateway("beta"), provider_id.to_owned());
        let receipts = [Receipt::Delivered, Receipt::Failed(Reason::Rejected), Receipt::Sent];
        let id = provider_id.clone();
        let receipts = receipts.map(|receipt| Ask::Receipt {
            gateway: gateway.clone(),
            n,
            provider_id: id.clone(),
            receipt,
            cost: None,
        });
        let hints = [Hint::Arrived, Hint::Lost];
        let hints = hints.map(|hint| Ask::Hint {
            gateway: gateway.clone(),
            n,
            provider_id: provider_id.clone(),
            hint,
        });
        receipts.into_iter().chain(hints).collect::<Vec<_>>()
    };
    // One that was taken, and one whose answer is not known yet: that would take the first id it is told.
    let mut open = Sent { host: Host::default(), now: START, events: 0 };
    open.ask(claim(1));
    for mut order in [Sent::new(), open] {
        let before = order.host.body().map(str::to_owned);
        for ask in told(1, "m1") {
            order.ask(ask);
            assert_eq!(order.host.body().map(str::to_owned), before);
        }
    }
}

#[test]
fn where_nobody_tells_what_arrives_silence_says_nothing() {
    let mut mute = Sent { host: Host::default(), now: START, events: 0 };
    let Ask::Claim { taken_at: None, token, header, dispatch, mut offers, terms } = claim(1) else {
        panic!("a claim")
    };
    offers.iter_mut().for_each(|offer| offer.is_mute = true);
    let first = Ask::Claim { taken_at: None, token, header, dispatch, offers, terms };
    assert!(matches!(mute.ask(first).decision, Decision::Send { n: 1, .. }));
    mute.ask(Ask::Result { n: 1, outcome: CallOutcome::Taken { provider_id: "m1".into() } });
    mute.now = START.plus(60_000);
    assert_eq!(mute.claim(), Decision::RetryAt(START.plus(TTL_MS)), "its usual time is long over");
    mute.hint("m1", Hint::Lost);
    assert_eq!(mute.claim(), Decision::Send { n: 2, way: offer("beta").way });
}

#[test]
fn a_hint_about_another_message_is_about_none() {
    for hint in [Hint::Arrived, Hint::Lost] {
        let mut sent = Sent::new();
        let before = sent.host.body().map(str::to_owned);
        sent.hint("m2", hint);
        assert_eq!(sent.host.body().map(str::to_owned), before, "another id");
        let unknown = Ask::Hint { gateway: gateway("alpha"), n: 7, provider_id: "m1".into(), hint };
        sent.ask(unknown);
        assert_eq!(sent.host.body().map(str::to_owned), before, "an attempt that is none");
        // An attempt whose answer was lost takes the first receipt that names it, and no hint.
        let mut open = Sent { host: Host::default(), now: START, events: 0 };
        open.ask(claim(1));
        let before = open.host.body().map(str::to_owned);
        open.hint("m1", hint);
        assert_eq!(open.host.body().map(str::to_owned), before, "not yet answered");
    }
}

proptest! {
    /// **final-is-final**, and more: no state follows from a hint, nothing is counted, and nothing is learnt.
    #[test]
    fn no_hint_changes_what_an_order_is(moves in script(pauses(), 1..60)) {
        let mut world = World::default();
        let mut state = None;
        for step in moves {
            let is_hint = matches!(step.action, Action::Hint { .. });
            let reply = world.play(&step);
            let told = reply.event.as_ref().map(|event| event.state);
            if is_hint {
                let is_quiet = matches!(reply.decision, Decision::Noted | Decision::Stop);
                assert!(is_quiet && reply.news.is_none() && reply.lesson.is_none());
                if let Some(told) = told {
                    assert_eq!(told, OrderState::Sent);
                    assert!(state.is_none_or(|state| state == OrderState::Sent), "{state:?} became {told:?}");
                }
            }
            state = told.or(state);
        }
    }
}
