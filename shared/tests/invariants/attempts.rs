//! Core's record of an order: who may send, what a receipt decides, and what the edge is told.

use proptest::proptest;
use serde_json::Value;
use tiffin_shared::machine;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CLAIM_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::Order;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Reply;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::TTL_MS;
use crate::common::host::Host;
use crate::common::order::Action;
use crate::common::order::Move;
use crate::common::order::World;
use crate::common::order::claim;
use crate::common::order::command;
use crate::common::order::offer;
use crate::common::order::pauses;
use crate::common::order::script;
use crate::common::pause;

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn attempts_never_overlap_nor_follow_an_end_nor_come_too_many_or_too_late(
        script in script(pauses(), 1..80),
    ) {
        let mut world = World::default();
        let (mut over, mut stopped) = (false, false);
        let mut sends = 0;
        for step in &script {
            let before = world.host.body().map(str::to_owned);
            let reply = world.play(step);
            if let Decision::Send { n, .. } = reply.decision {
                sends += 1;
                assert_eq!(n, sends, "attempts are counted without a gap");
                // A claim that ran out, of a worker that is gone, is ended and followed in one step.
                assert!(!is_claimed(before.as_deref(), world.clock), "two at once");
                let is_resend = matches!(step.action, Action::Resend { .. });
                assert!(!over || is_resend, "sent again after the end");
                assert!(!stopped, "sent after the edge had ended it");
                over = false;
                assert!(n as usize <= 4 * ATTEMPTS_MAX, "a sending and three resends");
                assert!(world.clock.0 < START.plus(TTL_MS).0, "never-stale");
            }
            assert!(sending(&world.host) <= 1);
            stopped |= matches!(step.action, Action::Stop(_));
            over |= ends(&world.host);
            if over {
                assert!(ends(&world.host), "final-is-final: {step:?}");
            }
        }
    }

    #[test]
    fn events_count_up_carry_the_whole_story_and_wait_for_their_report(
        script in script(pauses(), 1..80),
    ) {
        let mut world = World::default();
        let (mut told, mut begun) = (None, None);
        for step in &script {
            let is_again = matches!(step.action, Action::Tick);
            let reply = world.play(step);
            if world.host.stored.is_some() {
                begun.get_or_insert(world.clock.0);
            }
            if let Some(event) = &reply.event {
                // The first number is above all that the time allows to have been told before. A call that has begun is
                // told of with what it comes to, so that numbers may be left out.
                let least = told.or(begun).map_or(0, |before| before + u64::from(!is_again));
                assert!(event.seq >= least, "{step:?}: {} after {told:?}", event.seq);
                assert_eq!(record(&world.host)["seq"], event.seq);
                told = Some(event.seq);
                let state = record(&world.host);
                assert_eq!(serde_json::to_value(event.state).unwrap(), state["state"]);
                assert_eq!(event.attempts.len(), state["attempts"].as_array().unwrap().len());
            }
            if world.host.stored.is_some() {
                let state = record(&world.host);
                let waits = state["reported"].as_u64() < state["seq"].as_u64();
                let is_open = !state["is_closed"].as_bool().unwrap_or(false) && state["header"].is_object();
                let is_told = state["errand"].is_null();
                assert_eq!(world.host.wake_at().is_some(), waits || is_open || !is_told, "{step:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_never_sends_a_stale_code_nor_two_at_once(script in script(pause::any(), 1..60)) {
        let mut world = World::default();
        for step in &script {
            let before = world.host.body().map(str::to_owned);
            let alive = world.host.stored.as_ref().map(|stored| stored.commit.expires_at);
            let reply = world.play(step);
            if let Decision::Send { .. } = reply.decision {
                assert!(world.clock.0 < START.plus(TTL_MS).0);
                let is_claimed = is_claimed(before.as_deref(), world.clock);
                assert!(!is_claimed || alive.is_some_and(|expires_at| world.now >= expires_at));
            }
        }
    }
}

#[test]
fn a_receipt_before_the_providers_answer_wins() {
    for (receipt, state) in [
        (Receipt::Delivered, OrderState::Delivered),
        (Receipt::Failed(Reason::Landline), OrderState::Queued),
        (Receipt::Sent, OrderState::Sent),
    ] {
        for outcome in [
            CallOutcome::Failed(Reason::Rejected),
            CallOutcome::Taken { provider_id: "m1".into() },
            CallOutcome::Throttled { retry_after_ms: None },
            CallOutcome::Unknown,
        ] {
            let mut world = World::default();
            play(&mut world, 0, Action::Claim);
            let told = play(&mut world, 1, Action::Receipt { back: 0, provider: 1, receipt });
            assert_eq!(told.event.unwrap().state, state);
            let late = play(&mut world, 1, Action::Result { back: 0, outcome: outcome.clone() });
            assert_eq!(late.event, None, "{receipt:?} {outcome:?}");
            let is_over = state == OrderState::Delivered;
            assert_eq!(late.decision == Decision::Stop, is_over, "{receipt:?} {outcome:?}");
            assert_eq!(record(&world.host)["state"], serde_json::to_value(state).unwrap());
        }
    }
}

#[test]
fn a_worker_that_heard_no_answer_hears_the_same_one_again() {
    for outcome in [
        CallOutcome::Failed(Reason::Rejected),
        CallOutcome::Taken { provider_id: "m1".into() },
        CallOutcome::Throttled { retry_after_ms: Some(9_000) },
        CallOutcome::Unknown,
    ] {
        let mut host = Host::default();
        let mut ask = |event, ask| host.ask::<Order>(&command(event, ask), START.plus(event));
        let claimed = ask(1, claim(7)).decision;
        assert_eq!((claimed, ask(2, claim(7)).decision), (sends(1, "alpha"), sends(1, "alpha")));
        assert_eq!(ask(3, claim(8)).decision, Decision::RetryAt(START.plus(2 + CLAIM_MS)), "another worker");
        let told = ask(4, Ask::Result { n: 1, outcome: outcome.clone() });
        let again = ask(4, Ask::Result { n: 1, outcome: outcome.clone() });
        assert_eq!((again.decision, again.event), (told.decision.clone(), None), "{outcome:?}");
    }
}

#[test]
fn a_record_lost_during_its_call_takes_the_job_along_only_where_a_provider_has_the_message() {
    let taken = || "m1".to_owned();
    for (ask, is_done) in [
        (Ask::Result { n: 1, outcome: CallOutcome::Failed(Reason::ProviderDown) }, false),
        (Ask::Result { n: 1, outcome: CallOutcome::Throttled { retry_after_ms: None } }, false),
        (Ask::Result { n: 1, outcome: CallOutcome::Unknown }, false),
        (Ask::Result { n: 1, outcome: CallOutcome::Taken { provider_id: taken() } }, true),
        (Ask::Looked { n: 1, look: 1, found: Found::Missing }, false),
        (Ask::Looked { n: 1, look: 1, found: Found::Unclear }, false),
        (Ask::Looked { n: 1, look: 1, found: Found::Taken { provider_id: taken() } }, true),
    ] {
        let mut host = Host::default();
        let decision = host.ask::<Order>(&command(1, ask), START).decision;
        assert_eq!(decision, if is_done { Decision::Stop } else { Decision::RetryAt(START) });
        assert_eq!(host.body(), None, "the next claim makes it");
    }
}

#[test]
fn a_wake_up_that_rings_too_early_is_set_again() {
    let mut host = Host::default();
    host.ask::<Order>(&command(1, claim(1)), START);
    let wake_at = host.wake_at();
    assert!(wake_at.is_some());
    let early = machine::run::<Order>(host.body(), &command(2, Ask::Tick), START.plus(1)).unwrap().1;
    let early = early.expect("a write, so that the host sets the wake-up again");
    assert_eq!(early.wake_at, wake_at);
}

#[test]
fn a_job_is_sent_before_its_codes_end_and_not_at_it() {
    for (pause_ms, decision) in
        [(TTL_MS - 1, sends(1, "alpha")), (TTL_MS, Decision::Stop), (DAY_MS, Decision::Stop)]
    {
        let mut world = World::default();
        let reply = play(&mut world, i64::try_from(pause_ms).unwrap(), Action::Claim);
        assert_eq!(reply.decision, decision, "after {pause_ms} ms");
    }
}

#[test]
fn a_resend_that_comes_too_late_leaves_a_delivered_order_delivered() {
    let mut world = World::default();
    play(&mut world, 0, Action::Claim);
    play(&mut world, 1, Action::Receipt { back: 0, provider: 1, receipt: Receipt::Delivered });
    let late = i64::try_from(TTL_MS).unwrap();
    let resent = play(&mut world, late, Action::Resend { n: 1, channel: Channel::Voice });
    assert_eq!((resent.decision, &record(&world.host)["state"]), (Decision::Stop, &"delivered".into()));
}

#[test]
fn a_late_receipt_is_noted_and_reopens_nothing() {
    let mut world = World::default();
    play(&mut world, 0, Action::Claim);
    let outcome = CallOutcome::Failed(Reason::InvalidNumber);
    play(&mut world, 1, Action::Result { back: 0, outcome });
    assert_eq!(play(&mut world, 0, Action::Claim).decision, Decision::Stop, "no way to this number");
    let late = play(&mut world, 1, Action::Receipt { back: 0, provider: 1, receipt: Receipt::Delivered });
    let event: OrderEvent = late.event.unwrap();
    assert_eq!((event.seq, event.state), (START.0 + 4, OrderState::Failed));
    assert_eq!(serde_json::to_value(event.attempts[0].state).unwrap(), "delivered");
}

#[test]
fn a_receipt_for_another_message_of_the_provider_is_not_taken() {
    let mut world = World::default();
    play(&mut world, 0, Action::Claim);
    play(&mut world, 1, Action::Result { back: 0, outcome: CallOutcome::Taken { provider_id: "m1".into() } });
    let before = record(&world.host);
    play(&mut world, 1, Action::Receipt { back: 0, provider: 2, receipt: Receipt::Delivered });
    assert_eq!(record(&world.host), before);
}

fn play(world: &mut World, pause: i64, action: Action) -> Reply {
    world.play(&Move { pause, action })
}

fn record(host: &Host) -> Value {
    host.body().map_or(Value::Null, |body| serde_json::from_str(body).unwrap())
}

/// Whether a worker may be calling.
fn is_claimed(body: Option<&str>, now: UnixMs) -> bool {
    let record: Value = body.map_or(Value::Null, |body| serde_json::from_str(body).unwrap());
    let attempts = record["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let is_claimed = |record: &Value| {
        record["attempt"]["state"] == "sending" && record["claimed_until"].as_u64() > Some(now.0)
    };
    attempts.iter().any(is_claimed)
}

fn sending(host: &Host) -> usize {
    let record = record(host);
    let attempts = record["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    attempts.iter().filter(|record| record["attempt"]["state"] == "sending").count()
}

/// Whether nothing may be sent any more: a permanent failure or another end.
fn ends(host: &Host) -> bool {
    let state = &record(host)["state"];
    ["cancelled", "delivered", "expired", "failed", "verified"].iter().any(|end| state == end)
}

fn sends(n: u32, gateway: &str) -> Decision {
    Decision::Send { n, way: offer(gateway).way }
}
