//! **something-changes**: which way an order goes next after each kind of failure, and when.

use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CLAIM_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Command;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::LOOK_AFTER_MS;
use tiffin_shared::order::Order;
use tiffin_shared::order::PATIENCE_MS;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Reply;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::job::Dispatch;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::TTL_MS;
use crate::common::host::Host;
use crate::common::order::World;
use crate::common::order::gateway;
use crate::common::order::header;
use crate::common::order::offer;
use crate::common::order::pauses;
use crate::common::order::script;
use crate::common::order::terms;

/// A record, a worker and a clock.
struct Worker {
    host: Host,
    offers: Vec<Offer>,
    now: UnixMs,
    asked: u8,
}

impl Worker {
    fn new(gateways: &[&str]) -> Self {
        let offers = gateways.iter().map(|gateway| offer(gateway)).collect();
        Self { host: Host::default(), offers, now: START, asked: 0 }
    }

    fn ask(&mut self, ask: Ask) -> Reply {
        self.asked = self.asked.wrapping_add(1);
        self.host.ask::<Order>(&Command { entropy: Entropy::new([self.asked; 32]), ask }, self.now)
    }

    fn claim(&mut self) -> Decision {
        let (token, offers) = (Bytes([self.asked; 16]), self.offers.clone());
        self.ask(Ask::Claim {
            taken_at: None,
            token,
            header: Box::new(header()),
            dispatch: None,
            offers,
            terms: terms(),
        })
        .decision
    }

    /// Claims until something is to be done, moving the clock as told: that, and when.
    fn next(&mut self) -> (Decision, u64) {
        for _ in 0..100 {
            match self.claim() {
                Decision::RetryAt(at) | Decision::AwaitWay(at) | Decision::Hold(at) => {
                    self.now = self.now.max(at)
                }
                decision => return (decision, self.now.since(START)),
            }
        }
        panic!("it waits without end");
    }

    fn result(&mut self, n: u32, outcome: CallOutcome) -> Decision {
        self.ask(Ask::Result { n, outcome }).decision
    }

    fn changed(&self) -> Vec<String> {
        let record: serde_json::Value = serde_json::from_str(self.host.body().unwrap()).unwrap();
        let attempts = record["attempts"].as_array().unwrap();
        attempts.iter().map(|record| record["attempt"]["changed"].as_str().unwrap().to_owned()).collect()
    }
}

fn sends(n: u32, gateway: &str) -> Decision {
    Decision::Send { n, way: offer(gateway).way }
}

fn taken(n: u32) -> CallOutcome {
    CallOutcome::Taken { provider_id: format!("m{n}") }
}

#[test]
fn each_kind_of_failure_leads_to_its_own_next_step() {
    // alpha and beta send texts, gamma calls.
    for (reason, next) in [
        (Reason::ProviderDown, Some("beta")),
        (Reason::AbsentTemporary, Some("beta")),
        (Reason::TtlExpired, Some("beta")),
        (Reason::AuthFailed, Some("beta")),
        (Reason::InsufficientBalance, Some("beta")),
        (Reason::CountryDisabled, Some("beta")),
        (Reason::SenderUnapproved, Some("beta")),
        (Reason::ContentFiltered, Some("beta")),
        (Reason::Rejected, Some("beta")),
        (Reason::Blocked, Some("gamma")),
        (Reason::OptedOut, Some("gamma")),
        (Reason::Landline, Some("gamma")),
        (Reason::InvalidNumber, None),
    ] {
        let mut worker = Worker::new(&["alpha", "beta", "gamma"]);
        assert_eq!(worker.next().0, sends(1, "alpha"));
        worker.result(1, CallOutcome::Failed(reason));
        let (decision, after_ms) = worker.next();
        assert_eq!(decision, next.map_or(Decision::Stop, |gateway| sends(2, gateway)), "{reason:?}");
        assert_eq!(after_ms, 0, "{reason:?}: at once");
    }
}

#[test]
fn a_lone_gateway_is_tried_again_with_doubling_waits_and_then_given_up() {
    let mut worker = Worker::new(&["alpha"]);
    let mut at_ms = 0;
    for n in 1..=u32::try_from(ATTEMPTS_MAX).unwrap() {
        let (decision, sent_at_ms) = worker.next();
        if n > 1 {
            let (waited_ms, base_ms) = (sent_at_ms - at_ms, SECOND_MS << (n - 2));
            let most_ms = (base_ms * 3 / 2).min(60 * SECOND_MS);
            assert!((base_ms.min(60_000)..=most_ms).contains(&waited_ms), "{n}: {waited_ms} ms");
        }
        assert_eq!(decision, sends(n, "alpha"));
        at_ms = sent_at_ms;
        worker.result(n, CallOutcome::Failed(Reason::ProviderDown));
    }
    assert_eq!(worker.claim(), Decision::Stop);
    let record: serde_json::Value = serde_json::from_str(worker.host.body().unwrap()).unwrap();
    assert_eq!((&record["state"], &record["reason"]), (&"failed".into(), &"provider_down".into()));
}

#[test]
fn a_channel_is_waited_for_a_little_and_then_the_next_one_is_taken() {
    let mut worker = Worker::new(&["alpha", "gamma"]);
    for n in 1..=2 {
        assert_eq!(worker.next().0, sends(n, "alpha"));
        worker.result(n, CallOutcome::Failed(Reason::ProviderDown));
    }
    // The first backoffs are within the patience; the third is not.
    let (third, at_ms) = worker.next();
    assert_eq!(third, sends(3, "alpha"), "after {at_ms} ms");
    worker.result(3, CallOutcome::Failed(Reason::ProviderDown));
    assert_eq!(worker.next(), (sends(4, "gamma"), at_ms));
    assert_eq!(worker.changed().last().unwrap(), "another channel after provider_down");
    const { assert!(PATIENCE_MS < 4 * SECOND_MS) };
}

#[test]
fn a_provider_that_asks_for_a_pause_gets_it_and_the_order_goes_elsewhere() {
    let throttled = CallOutcome::Throttled { retry_after_ms: Some(20_000) };
    let mut worker = Worker::new(&["alpha", "beta"]);
    worker.next();
    worker.result(1, throttled.clone());
    assert_eq!(worker.next(), (sends(2, "beta"), 0));
    let mut alone = Worker::new(&["alpha"]);
    alone.next();
    alone.result(1, throttled);
    assert_eq!(alone.next(), (sends(2, "alpha"), 20_000));
}

#[test]
fn silence_moves_on_with_the_same_code_and_stops_when_nothing_would_change() {
    let mut worker = Worker::new(&["alpha", "beta", "gamma"]);
    for (n, gateway, at_ms) in [(1, "alpha", 0), (2, "beta", 12_000), (3, "gamma", 24_000)] {
        assert_eq!(worker.next(), (sends(n, gateway), at_ms));
        worker.result(n, taken(n));
    }
    assert_eq!(worker.next(), (Decision::Stop, 36_000));
    let changed = worker.changed();
    assert_eq!(changed[1], "another gateway: no receipt within 12 s");
    assert_eq!(changed[2], "another channel: no receipt within 12 s");
    // It is not over: any of the three may still arrive.
    let late = worker.ask(Ask::Receipt {
        gateway: gateway("alpha"),
        n: 1,
        provider_id: "m1".into(),
        receipt: Receipt::Delivered,
        cost: None,
    });
    assert_eq!(late.event.unwrap().state, OrderState::Delivered);
}

#[test]
fn a_receipt_that_says_no_moves_on_and_the_last_one_ends_the_order() {
    let failed = |n: u32| Ask::Receipt {
        gateway: gateway(if n == 1 { "alpha" } else { "beta" }),
        n,
        provider_id: format!("m{n}"),
        receipt: Receipt::Failed(Reason::Rejected),
        cost: None,
    };
    let mut worker = Worker::new(&["alpha", "beta"]);
    worker.next();
    worker.result(1, taken(1));
    let told = worker.ask(failed(1)).event.unwrap();
    assert_eq!(told.state, OrderState::Queued, "there is another way");
    assert_eq!(worker.next(), (sends(2, "beta"), 0));
    worker.result(2, taken(2));
    worker.ask(failed(2));
    assert_eq!(worker.claim(), Decision::Stop);
    let record: serde_json::Value = serde_json::from_str(worker.host.body().unwrap()).unwrap();
    assert_eq!(record["state"], "failed");

    let mut late = Worker::new(&["alpha"]);
    late.next();
    late.result(1, taken(1));
    assert_eq!(late.next().0, Decision::Stop, "nothing is left; the message may still arrive");
    assert_eq!(late.ask(failed(1)).event.unwrap().state, OrderState::Failed);
}

#[test]
fn an_unknown_outcome_is_looked_up_before_anything_else_is_sent() {
    let mut missing = Worker::new(&["alpha", "beta"]);
    missing.next();
    missing.result(1, CallOutcome::Unknown);
    let (decision, at_ms) = missing.next();
    let Decision::Look { n, look, way, called_at } = decision else { panic!("{decision:?}") };
    assert_eq!((n, look, way, called_at), (1, 1, offer("alpha").way, START));
    assert_eq!(at_ms, LOOK_AFTER_MS);
    missing.ask(Ask::Looked { n, look, found: Found::Missing });
    assert_eq!(missing.next(), (sends(2, "beta"), LOOK_AFTER_MS), "it was not taken: nothing is doubled");

    let mut found = Worker::new(&["alpha", "beta"]);
    found.next();
    found.result(1, CallOutcome::Unknown);
    found.next();
    let reply = found.ask(Ask::Looked { n, look, found: Found::Taken { provider_id: "m1".into() } });
    assert_eq!(reply.event.unwrap().state, OrderState::Sent);
    assert_eq!(found.next(), (sends(2, "beta"), 12_000), "and waits for its usual time");

    let mut unclear = Worker::new(&["alpha", "beta"]);
    unclear.next();
    unclear.result(1, CallOutcome::Unknown);
    for look in 1..=2 {
        assert!(matches!(unclear.next().0, Decision::Look { look: at, .. } if at == look));
        unclear.ask(Ask::Looked { n: 1, look, found: Found::Unclear });
    }
    assert_eq!(unclear.next(), (sends(2, "beta"), 12_000), "never the same gateway: it may have it");
}

#[test]
fn a_dead_workers_claim_becomes_unknown() {
    let mut worker = Worker::new(&["beta", "gamma"]);
    assert_eq!(worker.next().0, sends(1, "beta"));
    let (decision, at_ms) = worker.next();
    assert_eq!((decision, at_ms), (sends(2, "gamma"), CLAIM_MS), "beta has no query, and its time is over");
    assert_eq!(worker.changed()[1], "another channel: whether the last one took it is unknown");
}

#[test]
fn an_open_breaker_is_passed_by_and_a_lone_half_working_gateway_is_the_last_resort() {
    let open = |is_dark| Health::Open { until: START.plus(30_000), is_dark };
    let mut worker = Worker::new(&["alpha", "beta", "gamma"]);
    worker.offers[0].health = open(true);
    assert_eq!(worker.next(), (sends(1, "beta"), 0));
    let mut by_call = Worker::new(&["alpha", "beta", "gamma"]);
    (by_call.offers[0].health, by_call.offers[1].health) = (open(true), open(false));
    assert_eq!(by_call.next(), (sends(1, "gamma"), 0), "all text gateways are open");
    let mut resort = Worker::new(&["alpha"]);
    resort.offers[0].health = open(false);
    assert_eq!(resort.next(), (sends(1, "alpha"), 0));
    assert_eq!(resort.changed(), ["first attempt; its breaker is open, and nothing else is left"]);
    let mut dark = Worker::new(&["alpha"]);
    dark.offers[0].health = open(true);
    assert_eq!(dark.claim(), Decision::Hold(START.plus(30_000)), "and what is later waits behind it");
}

#[test]
fn a_resend_goes_the_same_healthy_way_again_before_a_new_one_whose_breaker_is_open() {
    let mut worker = Worker::new(&["alpha", "beta", "gamma"]);
    worker.offers[0].health = Health::Open { until: START.plus(30_000), is_dark: false };
    worker.offers[1].free_at = START.plus(60_000);
    assert_eq!(worker.next(), (sends(1, "gamma"), 0));
    worker.result(1, taken(1));
    let (token, offers) = (Bytes([99; 16]), worker.offers.clone());
    let dispatch = Some(Dispatch { n: 1, channel: Channel::Sms });
    let again = worker.ask(Ask::Claim {
        taken_at: None,
        token,
        header: Box::new(header()),
        dispatch,
        offers,
        terms: terms(),
    });
    assert_eq!(again.decision, sends(2, "gamma"), "beta's pause is long, and alpha is open");
}

#[test]
fn a_resend_that_finds_no_way_leaves_a_delivered_order_delivered() {
    let mut worker = Worker::new(&["alpha"]);
    worker.next();
    worker.result(1, taken(1));
    worker.ask(Ask::Receipt {
        gateway: gateway("alpha"),
        n: 1,
        provider_id: "m1".into(),
        receipt: Receipt::Delivered,
        cost: None,
    });
    worker.offers[0].health = Health::Open { until: START.plus(TTL_MS), is_dark: true };
    let (token, offers) = (Bytes([99; 16]), worker.offers.clone());
    let dispatch = Some(Dispatch { n: 1, channel: Channel::Sms });
    let resent = worker.ask(Ask::Claim {
        taken_at: None,
        token,
        header: Box::new(header()),
        dispatch,
        offers,
        terms: terms(),
    });
    let told = resent.event.map(|event| (event.state, event.dispatch));
    assert_eq!((resent.decision, told), (Decision::Stop, Some((OrderState::Delivered, 1))));
    let record: serde_json::Value = serde_json::from_str(worker.host.body().unwrap()).unwrap();
    assert_eq!(record["state"], "delivered");
}

#[test]
fn an_order_without_a_way_fails_with_its_reason() {
    let mut worker = Worker::new(&[]);
    assert_eq!(worker.claim(), Decision::Stop);
    let record: serde_json::Value = serde_json::from_str(worker.host.body().unwrap()).unwrap();
    assert_eq!((&record["state"], &record["reason"]), (&"failed".into(), &"no_route".into()));
    assert_eq!(record["story"]["entries"][0]["what"]["noted"]["why"], "no gateway carries it");
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn no_attempt_repeats_a_way_but_after_a_transient_failure_and_its_backoff(
        script in script(pauses(), 1..80),
    ) {
        let mut world = World::default();
        for step in &script {
            let before = world.host.body().map(str::to_owned);
            let reply = world.play(step);
            let (Decision::Send { way, .. }, Some(before)) = (reply.decision, before) else { continue };
            let record: serde_json::Value = serde_json::from_str(&before).unwrap();
            // A resend was asked for by a person, and may repeat a way when there is no other.
            if matches!(step.action, common::order::Action::Resend { .. }) { continue }
            let since = record["before"].as_u64().unwrap_or(0);
            for old in record["attempts"].as_array().unwrap() {
                let is_same = old["attempt"]["gateway"] == way.gateway.as_str();
                if !is_same || old["attempt"]["n"].as_u64().unwrap() <= since { continue }
                assert_eq!(old["attempt"]["state"], "failed");
                let reason: Reason = serde_json::from_value(old["attempt"]["reason"].clone()).unwrap();
                assert!(reason.passes(), "{old}");
                assert!(old["retry_at"].as_u64().unwrap() <= world.clock.0, "too early: {old}");
            }
        }
    }
}

#[test]
fn nothing_is_tried_past_the_codes_life() {
    let mut worker = Worker::new(&["alpha"]);
    worker.next();
    worker.now = START.plus(TTL_MS - 500);
    worker.result(1, CallOutcome::Failed(Reason::ProviderDown));
    assert_eq!(worker.next(), (Decision::Stop, TTL_MS - 500), "its backoff ends after the code");
}
