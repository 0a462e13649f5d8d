//! **bucket**, **five-guesses**, **one-success** and **one-send-per-key**, against the plain model.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::code::Code;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ceilings;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Standing;
use tiffin_shared::ledger::UNLOCKS;
use tiffin_shared::ledger::Verify;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::window::Cap;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::api::VerifyResult;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create;
use crate::common::fixtures::proof;
use crate::common::fixtures::whose;
use crate::common::host::Host;
use crate::common::ledger::Action;
use crate::common::ledger::Move;
use crate::common::ledger::World;
use crate::common::ledger::other;
use crate::common::ledger::script;
use crate::common::model::Created;
use crate::common::model::Model;
use crate::common::pause;

proptest! {
    #![proptest_config(common::cases(160))]

    #[test]
    fn every_answer_is_that_of_the_plain_model(script in script(pause::forward(), 1..90)) {
        follow_the_model(&script);
    }

    #[test]
    fn clocks_that_jump_back_change_nothing_for_the_model(script in script(pause::any(), 1..60)) {
        follow_the_model(&script);
    }

    #[test]
    fn no_interval_admits_more_than_three_and_one_a_minute_nor_the_caps(
        pauses in vec(pause::forward(), 1..120),
    ) {
        let mut world = World::default();
        let mut admitted = Vec::new();
        for (pause, key) in pauses.into_iter().zip(0..) {
            let action = Action::Create { tenant: 0, service: usize::from(key % 2), key, body: 0 };
            let reply = world.play(&Move { pause, action });
            match reply.outcome {
                Outcome::Created { .. } => admitted.push(world.now.0),
                Outcome::RateLimited { retry_after_ms } => passes_then_and_not_before(&world, retry_after_ms),
                other => panic!("{other:?}"),
            }
        }
        for (first, from) in admitted.iter().enumerate() {
            for (last, to) in admitted.iter().enumerate().skip(first) {
                let (count, span_ms) = (last - first + 1, to - from);
                assert!(count as u64 <= 3 + span_ms / MINUTE_MS, "{count} orders within {span_ms} ms");
                assert!(count <= 10 || span_ms >= HOUR_MS, "{count} orders within {span_ms} ms");
                assert!(count <= 20 || span_ms >= DAY_MS, "{count} orders within {span_ms} ms");
            }
        }
    }
}

/// A ceiling over all tenants that one of them could use up would lock the phone for the others.
#[test]
fn whatever_one_tenant_sends_another_has_a_part_of_the_ceilings() {
    let cap = |max, window_ms| Cap { max, window_ms };
    let small = Ceilings { hourly: cap(2, HOUR_MS), daily: cap(4, DAY_MS) };
    let usual = Ceilings::default();
    for (ceilings, standing, hourly, daily, other) in [
        (usual, Standing::Server, 10, 20, 4),
        (usual, Standing::Solved, 7, 15, 3),
        (usual, Standing::Stranger, 4, 10, 2),
        (small, Standing::Server, 1, 3, 1),
    ] {
        let (mut host, mut events) = (Host::default(), 0);
        let mut order = |host: &mut Host, of, now: UnixMs| {
            events += 1;
            let solved = (standing == Standing::Solved).then(|| proof(events, Cost::Extreme));
            let key = Bytes([events; 16]);
            let create =
                Create { ceilings, standing, solved, idempotency_key: key, ..create(of, 0, events, 0) };
            let ask = command(events.into(), Ask::Create(Box::new(create)));
            matches!(host.ask::<Ledger>(&ask, now).outcome, Outcome::Created { .. })
        };
        let (mut hours, mut made) = (Vec::new(), 0);
        for hour in 0..3 {
            // A minute apart, so that no bucket stands in the way.
            let at = |minute: u64| START.plus(hour * HOUR_MS + 2 * minute * MINUTE_MS);
            let count = (0..14).filter(|minute| order(&mut host, 0, at(*minute))).count();
            let others = (14..20).filter(|minute| order(&mut host.clone(), 1, at(*minute))).count();
            hours.push(count);
            made += count;
            assert!(others > 0, "{ceilings:?} {standing:?} in hour {hour}");
        }
        assert_eq!((hours[0], made), (hourly, daily), "{ceilings:?} {standing:?}");
        let mut first = Host::default();
        let of_one = (0..14).filter(|n| order(&mut first, 0, START.plus(2 * n * MINUTE_MS))).count();
        let of_other = (14..29).filter(|n| order(&mut first, 1, START.plus(2 * n * MINUTE_MS))).count();
        assert_eq!((of_one, of_other), (hourly, other), "{ceilings:?} {standing:?}");
    }
}

fn follow_the_model(script: &[Move]) {
    let mut world = World::default();
    let mut models = BTreeMap::from([(0, Model::new()), (1, Model::new())]);
    let mut successes = BTreeMap::new();
    for step in script {
        let before = world.host.body().map(str::to_owned);
        let reply = world.play(step);
        let now = world.clock.0;
        match step.action {
            Action::Create { tenant, service, key, body } => {
                let expected = models.get_mut(&tenant).unwrap().create(service, key, body, now);
                let (seen, jobs) = match &reply.outcome {
                    Outcome::Created { replayed: false, .. } => (Created::Made, 1),
                    Outcome::Created { replayed: true, .. } => (Created::Replayed, 0),
                    Outcome::IdempotencyMismatch => (Created::Mismatch, 0),
                    Outcome::RateLimited { .. } => (Created::RateLimited, 0),
                    other => panic!("{other:?}"),
                };
                assert_eq!((&seen, reply.due.len()), (&expected, jobs), "{step:?}");
                if seen != Created::Made {
                    assert_eq!(world.host.body(), before.as_deref(), "a refusal or replay spends");
                }
            }
            Action::Event { tenant, back, seq, state: OrderState::Failed } if seq > 0 => {
                // The ledger takes a number once; the model is told only of failures that it took.
                if world.host.body() != before.as_deref() {
                    models.get_mut(&tenant).unwrap().fail(back, now);
                }
            }
            Action::Verify { tenant, back, right } => {
                let expected = models.get_mut(&tenant).unwrap().verify(back, right, now);
                let seen = match &reply.outcome {
                    Outcome::Verified { result, .. } => Some(*result),
                    Outcome::NotFound => None,
                    other => panic!("{other:?}"),
                };
                assert_eq!(seen, expected, "{step:?}");
                if seen == Some(VerifyResult::Verified) {
                    let id = world.order(tenant, back).unwrap().id.to_string();
                    assert_eq!(successes.insert(id, ()), None, "one-success");
                }
            }
            Action::Cancel { tenant, back } => {
                if matches!(reply.outcome, Outcome::Cancelled(_)) {
                    models.get_mut(&tenant).unwrap().cancel(back);
                }
            }
            Action::Resend { tenant, back, .. } => {
                if matches!(reply.outcome, Outcome::Resent { replayed: false, .. }) {
                    let model = models.get_mut(&tenant).unwrap();
                    assert!(model.spend(now), "a resend past the limits: {step:?}");
                    model.resend(back);
                }
            }
            Action::Unlock { tenant } => {
                // The same word again changes nothing.
                if world.host.body() != before.as_deref() {
                    models.get_mut(&tenant).unwrap().unlock();
                }
            }
            Action::Done { .. } | Action::Event { .. } | Action::Fetch { .. } | Action::Tick => {}
        }
    }
}

fn passes_then_and_not_before(world: &World, retry_after_ms: u64) {
    let like = command(u64::MAX, Ask::Create(Box::new(create(0, 0, 255, 0))));
    let outcome = |at| world.host.probe::<Ledger>(&like, at).outcome;
    let then = world.now.plus(retry_after_ms);
    assert!(matches!(outcome(then), Outcome::Created { .. }), "promised in {retry_after_ms} ms");
    assert!(matches!(outcome(then.minus(1)), Outcome::RateLimited { retry_after_ms: 1 }));
}

/// Orders, guesses wrong until nothing is evaluated, and returns how many were.
fn guess_wrong_until_locked(world: &mut World, key: u8) -> u32 {
    world.play(&now(Action::Create { tenant: 0, service: 0, key, body: 0 }));
    let mut evaluated = 0;
    for _ in 0..8 {
        match world.play(&now(Action::Verify { tenant: 0, back: 0, right: false })).outcome {
            Outcome::Verified { result: VerifyResult::WrongCode, order } => {
                evaluated += 1;
                assert!(order.guesses_left <= 5 - evaluated);
            }
            Outcome::Verified { result: VerifyResult::Locked, order } => assert_eq!(order.guesses_left, 0),
            other => panic!("{other:?}"),
        }
    }
    let right = world.play(&now(Action::Verify { tenant: 0, back: 0, right: true })).outcome;
    assert!(matches!(right, Outcome::Verified { result: VerifyResult::Locked, .. }), "{right:?}");
    evaluated
}

fn now(action: Action) -> Move {
    Move { pause: 0, action }
}

fn wait(world: &mut World, ms: u64) {
    world.play(&Move { pause: i64::try_from(ms).unwrap(), action: Action::Tick });
}

fn wait_until(world: &mut World, then: UnixMs) {
    let ms = then.since(world.now);
    wait(world, ms);
}

#[test]
fn a_day_evaluates_twenty_guesses_and_new_orders_reset_nothing() {
    let mut world = World::default();
    let mut evaluated = Vec::new();
    for key in 0..7 {
        evaluated.push(guess_wrong_until_locked(&mut world, key));
        wait(&mut world, 2 * MINUTE_MS);
    }
    assert_eq!(evaluated, [5, 5, 5, 5, 0, 0, 0]);

    let day_is_over = START.plus(DAY_MS);
    wait_until(&mut world, day_is_over.minus(1));
    assert_eq!(guess_wrong_until_locked(&mut world, 7), 0);
    wait_until(&mut world, day_is_over);
    assert_eq!(guess_wrong_until_locked(&mut world, 8), 5);
    assert_eq!(guess_wrong_until_locked(&mut world, 9), 0);
}

#[test]
fn a_hundred_wrong_guesses_in_a_row_lock_the_phone_for_its_tenant_until_a_month_has_passed() {
    let mut world = World::default();
    let mut evaluated = 0;
    for key in 0..60 {
        evaluated += guess_wrong_until_locked(&mut world, key);
        wait(&mut world, 6 * HOUR_MS);
    }
    assert_eq!(evaluated, 100);
    world.play(&now(Action::Create { tenant: 1, service: 0, key: 0, body: 0 }));
    let elsewhere = world.play(&now(Action::Verify { tenant: 1, back: 0, right: true })).outcome;
    assert!(matches!(elsewhere, Outcome::Verified { result: VerifyResult::Verified, .. }));
    wait(&mut world, 30 * DAY_MS);
    assert_eq!(guess_wrong_until_locked(&mut world, 60), 5);
}

#[test]
fn of_two_right_guesses_at_once_one_verifies() {
    let mut world = World::default();
    world.play(&now(Action::Create { tenant: 0, service: 0, key: 0, body: 0 }));
    let results: Vec<_> = (0..6)
        .map(|_| match world.play(&now(Action::Verify { tenant: 0, back: 0, right: true })).outcome {
            Outcome::Verified { result, .. } => result,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results[0], VerifyResult::Verified);
    assert!(results[1..].iter().all(|result| *result == VerifyResult::AlreadyVerified));
}

#[test]
fn another_tenants_order_is_not_found_and_a_guess_at_it_spends_nothing() {
    let mut world = World::default();
    world.play(&now(Action::Create { tenant: 1, service: 0, key: 0, body: 0 }));
    world.play(&now(Action::Create { tenant: 0, service: 0, key: 0, body: 0 }));
    let before = world.host.body().unwrap().to_owned();
    let placed = world.order(0, 0).unwrap();
    let fetch = command(9, Ask::Fetch(whose(1, &placed.id)));
    assert_eq!(world.host.probe::<Ledger>(&fetch, world.now).outcome, Outcome::NotFound);
    for guess in [Code::parse(placed.code.expose()).unwrap(), other(placed.code.expose())] {
        let verify = Ask::Verify(Verify {
            whose: whose(1, &placed.id),
            guess,
            binding: None,
            solved: None,
            is_stranger: false,
        });
        let mut host = world.host.clone();
        let reply = host.ask::<Ledger>(&command(9, verify), world.now);
        assert_eq!(reply.outcome, Outcome::NotFound);
        assert_eq!(host.body(), Some(before.as_str()));
    }
}

fn unlocked(world: &mut World) -> (u32, u32) {
    match world.play(&now(Action::Unlock { tenant: 0 })).outcome {
        Outcome::Unlocked { wrong_in_a_row, wrong_today } => (wrong_in_a_row, wrong_today),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unlocked_phone_is_guessed_at_again_with_new_codes_and_its_used_up_code_is_not() {
    let mut world = World::default();
    assert_eq!(unlocked(&mut world), (0, 0), "nothing was known");
    for key in 0..5 {
        let evaluated = guess_wrong_until_locked(&mut world, key);
        assert_eq!(evaluated, if key < 4 { 5 } else { 0 });
        wait(&mut world, 2 * MINUTE_MS);
    }
    world.play(&now(Action::Create { tenant: 0, service: 1, key: 5, body: 0 }));
    let locked = world.play(&now(Action::Verify { tenant: 0, back: 0, right: true })).outcome;
    assert!(matches!(locked, Outcome::Verified { result: VerifyResult::Locked, .. }), "{locked:?}");
    wait(&mut world, 1);
    assert_eq!(unlocked(&mut world), (20, 20));
    let right = world.play(&now(Action::Verify { tenant: 0, back: 0, right: true })).outcome;
    assert!(matches!(right, Outcome::Verified { result: VerifyResult::Verified, .. }), "{right:?}");

    wait(&mut world, 2 * MINUTE_MS);
    assert_eq!(guess_wrong_until_locked(&mut world, 6), 5);
    wait(&mut world, 1);
    assert_eq!(unlocked(&mut world), (5, 5));
    let used_up = world.play(&now(Action::Verify { tenant: 0, back: 0, right: true })).outcome;
    assert!(
        matches!(used_up, Outcome::Verified { result: VerifyResult::Locked, .. }),
        "five-guesses: {used_up:?}"
    );
}

#[test]
fn nobody_is_talked_into_unlocking_a_phone_all_day() {
    let mut world = World::default();
    let mut first_at = None;
    for key in 0..UNLOCKS.max {
        assert_eq!(guess_wrong_until_locked(&mut world, u8::try_from(key).unwrap()), 5);
        wait(&mut world, HOUR_MS);
        assert_eq!(unlocked(&mut world), (5, 5));
        first_at = first_at.or(Some(world.now));
        wait(&mut world, 1);
        assert_eq!(unlocked(&mut world), (0, 0), "what forgets nothing is free");
        wait(&mut world, 1);
    }
    assert_eq!(guess_wrong_until_locked(&mut world, 9), 5);
    wait(&mut world, 1);
    let again_at = first_at.unwrap().plus(UNLOCKS.window_ms);
    let before = world.host.body().map(str::to_owned);
    let refused = world.play(&now(Action::Unlock { tenant: 0 })).outcome;
    let Outcome::RateLimited { retry_after_ms } = refused else { panic!("{refused:?}") };
    assert_eq!((world.now.plus(retry_after_ms), world.host.body()), (again_at, before.as_deref()));
    wait(&mut world, retry_after_ms - 1);
    let refused = world.play(&now(Action::Unlock { tenant: 0 })).outcome;
    assert!(matches!(refused, Outcome::RateLimited { retry_after_ms: 1 }), "{refused:?}");
    wait(&mut world, 1);
    assert_eq!(unlocked(&mut world).0, 5);
}

#[test]
fn an_unlocking_that_comes_again_forgets_no_later_guess() {
    let mut world = World::default();
    world.play(&now(Action::Create { tenant: 0, service: 0, key: 0, body: 0 }));
    for _ in 0..3 {
        world.play(&now(Action::Verify { tenant: 0, back: 0, right: false }));
    }
    let word = world.next(&Move { pause: 1, action: Action::Unlock { tenant: 0 } });
    let at = world.now;
    assert!(matches!(
        world.host.ask::<Ledger>(&word, at).outcome,
        Outcome::Unlocked { wrong_in_a_row: 3, wrong_today: 3 }
    ));
    world.play(&now(Action::Verify { tenant: 0, back: 0, right: false }));
    let before = world.host.body().map(str::to_owned);
    let again = world.host.ask::<Ledger>(&word, at.plus(MINUTE_MS)).outcome;
    assert!(matches!(again, Outcome::Unlocked { wrong_in_a_row: 3, wrong_today: 3 }), "{again:?}");
    assert_eq!(world.host.body(), before.as_deref());
    wait(&mut world, 1);
    assert_eq!(unlocked(&mut world), (1, 1));
}
