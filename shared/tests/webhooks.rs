//! An endpoint's outbox in virtual time: what is in the log is delivered once or more, in order per subject, whatever the
//! receiver and the host do.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;

use proptest::collection::vec;
use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::webhook::book;
use tiffin_shared::webhook::book::Book;
use tiffin_shared::webhook::outbox;
use tiffin_shared::webhook::outbox::Command;
use tiffin_shared::webhook::outbox::Outbox;
use tiffin_shared::webhook::outbox::Outcome;
use tiffin_shared::webhook::outbox::TRIES_MAX;
use tiffin_shared::webhook::outbox::WINDOW_MAX;
use tiffin_shared::webhook::outbox::Why;

use self::common::fixtures::START;
use self::common::host::Host;
use self::common::receiver::Fate;
use self::common::receiver::World;

const OK: Fate = Fate::Answers(Outcome::Delivered);
const FAILED: Fate = Fate::Answers(Outcome::Failed { retry_after_ms: None });

#[test]
fn a_receiver_that_is_down_for_an_hour_is_told_everything_in_order_per_order() {
    let orders = 2_000;
    let (down_at, up_at) = (START.plus(10 * MINUTE_MS), START.plus(70 * MINUTE_MS));
    let mut world = World::new(move |event, seed| match event.at {
        at if down_at <= at && at < up_at => FAILED,
        // One process in a hundred dies between the answer and the mark.
        _ if seed % 100 == 0 => Fate::Dies,
        _ => OK,
    });
    // Three events of every order, nine seconds apart, over an hour and a half.
    for n in 0..orders * 3 {
        world.append(START.plus(n * 900), n / 30 * 10 + n % 10);
    }
    let ended_at = world.run(START.plus(4 * HOUR_MS));
    world.delivered_all_in_order();
    assert_eq!(world.view().delivered, orders * 3);
    assert!(world.view().disabled.is_none());
    let late_ms = ended_at.since(up_at.max(START.plus(orders * 3 * 900)));
    assert!(late_ms < 30 * MINUTE_MS, "the backlog is through {late_ms} ms after both");
    let tried_while_down = world.tried.iter().filter(|(_, at)| down_at <= *at && *at < up_at).count();
    assert!(tried_while_down < 150, "a receiver that is down is tried now and then: {tried_while_down}");
    assert!(world.most_pending <= WINDOW_MAX);
}

#[test]
fn an_event_that_the_receiver_chokes_on_holds_up_its_own_order_alone() {
    let mut world = World::new(|event, _| if event.n == 0 { FAILED } else { OK });
    for n in 0..400 {
        world.append(START.plus(n * SECOND_MS), n % 4);
    }
    world.run(START.plus(HOUR_MS));
    let told: Vec<_> = world.delivered.iter().map(|(n, _)| *n).collect();
    assert_eq!(told.len(), 300, "the other three orders");
    assert!(told.iter().all(|n| n % 4 != 0));
    world.run(START.plus(100 * HOUR_MS));
    assert_eq!(world.tries_of(0), TRIES_MAX as usize);
    assert_eq!(world.view().given_up, 1);
    assert_eq!(world.view().delivered, 399, "then its order goes on");
    assert!(world.view().disabled.is_none(), "the endpoint is well");
}

#[test]
fn an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_loses_nothing() {
    let up_at = START.plus(200 * HOUR_MS);
    let mut world = World::new(move |event, _| if event.at < up_at { FAILED } else { OK });
    (0..40).for_each(|n| world.append(START, n % 8));
    world.run(up_at);
    let disabled = world.view().disabled.unwrap();
    assert_eq!((disabled.why, disabled.told), (Why::Exhausted, true));
    assert!(disabled.at > START.plus(72 * HOUR_MS) && disabled.at < START.plus(90 * HOUR_MS));
    let tried = world.tried.len();
    world.append(up_at, 9);
    world.run(up_at.plus(HOUR_MS));
    assert_eq!(world.tried.len(), tried, "nothing is sent to it");
    world.ask(&Command::Enable, up_at.plus(HOUR_MS));
    world.run(up_at.plus(2 * HOUR_MS));
    assert_eq!(world.view().delivered + world.view().given_up, 41);
    assert!(world.view().given_up <= 8, "what had its ten tries: {}", world.view().given_up);
}

#[test]
fn status_410_disables_at_once() {
    let mut world = World::new(|_, _| Fate::Answers(Outcome::Gone));
    (0..5).for_each(|n| world.append(START, n));
    world.run(START.plus(HOUR_MS));
    assert_eq!(world.view().disabled.unwrap().why, Why::Gone);
    assert!(world.tried.len() <= 5);
    assert_eq!(world.view().waiting, 5);
}

#[test]
fn a_receiver_that_asks_for_time_is_given_it() {
    let asked_ms = 20 * MINUTE_MS;
    for outcome in [Outcome::of_status(429, Some(asked_ms)), Outcome::of_status(503, Some(asked_ms))] {
        let mut world = World::new(move |event, _| match event.attempt {
            1 => Fate::Answers(outcome),
            _ => OK,
        });
        world.append(START, 0);
        world.run(START.plus(HOUR_MS));
        let again_ms = world.tried[1].1.since(world.tried[0].1);
        assert!(again_ms >= asked_ms && again_ms < asked_ms + MINUTE_MS, "{again_ms}");
    }
    // Of a receiver that is asked too much, everything is held back, not the one event alone.
    let mut world = World::new(|event, _| match event.at {
        at if at < START.plus(SECOND_MS) => Fate::Answers(Outcome::of_status(429, Some(10 * MINUTE_MS))),
        _ => OK,
    });
    (0..50).for_each(|n| world.append(START, n));
    world.run(START.plus(9 * MINUTE_MS));
    assert!(world.tried.len() <= 8, "those that were under way: {}", world.tried.len());
    world.run(START.plus(HOUR_MS));
    world.delivered_all_in_order();
}

#[test]
fn what_a_status_means_is_the_specifications() {
    let retry = Some(1);
    for (status, outcome) in [
        (200, Outcome::Delivered),
        (299, Outcome::Delivered),
        (301, Outcome::Failed { retry_after_ms: retry }),
        (302, Outcome::Failed { retry_after_ms: retry }),
        (400, Outcome::Failed { retry_after_ms: retry }),
        (410, Outcome::Gone),
        (429, Outcome::Throttled { retry_after_ms: retry }),
        (500, Outcome::Failed { retry_after_ms: retry }),
        (502, Outcome::Throttled { retry_after_ms: retry }),
        (504, Outcome::Throttled { retry_after_ms: retry }),
    ] {
        assert_eq!(Outcome::of_status(status, retry), outcome, "{status}");
    }
}

#[test]
fn a_replay_delivers_again_what_was_delivered_and_only_that() {
    let mut world = World::new(|_, _| OK);
    (0..10).for_each(|n| world.append(START, n % 2));
    world.run(START.plus(MINUTE_MS));
    let rows = [3, 5].map(|n| (n as u64, world.group(n))).to_vec();
    let at = START.plus(HOUR_MS);
    world.ask(&Command::Replay(rows), at);
    world.run(at.plus(HOUR_MS));
    let again: Vec<_> = world.delivered.iter().filter(|(_, when)| *when >= at).map(|(n, _)| *n).collect();
    assert_eq!(again, [3, 5]);
}

#[test]
fn a_replay_makes_what_waits_after_failures_due_now_with_all_its_tries() {
    let well_from = START.plus(HOUR_MS);
    let mut world =
        World::new(move |event, _| if event.n == 1 && event.at < well_from { FAILED } else { OK });
    (0..3).for_each(|n| world.append(START, n));
    world.run(well_from);
    let before = world.tries_of(1);
    assert!(before > 2, "it waits for its next try: {before}");
    let rows = vec![(1, world.group(1))];
    world.ask(&Command::Replay(rows.clone()), well_from);
    world.run(well_from.plus(2 * SECOND_MS));
    assert_eq!(
        world.delivered.last().map(|(n, at)| (*n, at.since(well_from) < 2 * SECOND_MS)),
        Some((1, true))
    );
    assert_eq!(world.view().waiting, 0);

    // Of its ten tries none is used up.
    let mut world = World::new(|event, _| if event.n == 1 { FAILED } else { OK });
    (0..3).for_each(|n| world.append(START, n));
    world.run(START.plus(HOUR_MS));
    let before = world.tries_of(1);
    world.ask(&Command::Replay(rows), START.plus(HOUR_MS));
    world.run(START.plus(200 * HOUR_MS));
    assert_eq!(world.tries_of(1), before + TRIES_MAX as usize);
}

#[test]
fn a_log_that_began_anew_is_read_from_its_beginning() {
    let mut world = World::new(|_, _| OK);
    (0..10).for_each(|n| world.append(START, n));
    world.run(START.plus(MINUTE_MS));
    world.forget_log();
    let at = START.plus(HOUR_MS);
    (0..3).for_each(|n| world.append(at, n));
    world.run(at.plus(HOUR_MS));
    assert_eq!(world.view().delivered, 13);
}

#[test]
fn the_outbox_of_an_endpoint_is_pinned() {
    let mut host = Host::default();
    let turn = |done, room| Command::Turn { done, room, entropy: Entropy::new([7; 32]) };
    let rows = vec![(5, Bytes([1; 8])), (6, Bytes([2; 8])), (7, Bytes([2; 8]))];
    let failed = Outcome::Throttled { retry_after_ms: Some(9_000) };
    for command in [
        Command::Notify(5),
        Command::Fill { from: 5, saw: Some(5), rows, to: 8, is_end: false },
        turn(Vec::new(), 2),
        turn(vec![outbox::Done { n: 5, attempt: 1, outcome: failed }], 0),
        turn(vec![outbox::Done { n: 6, attempt: 1, outcome: Outcome::Gone }], 0),
    ] {
        host.ask::<Outbox>(&command, START);
    }
    let text = r#"{"clock":1795082400000,"cursor":8,"news":5,"pending":[{"n":5,"group":"AQEBAQEBAQE","tries":1,"first_at":1795082400000,"next_at":1795082409000},{"n":6,"group":"AgICAgICAgI","tries":1,"first_at":1795082400000,"next_at":1795082400000},{"n":7,"group":"AgICAgICAgI","next_at":1795082400000}],"disabled":{"at":1795082400000,"why":"gone"},"failures":1,"throttles":1,"paused_until":1795082409000,"delivered":0,"given_up":0}"#;
    assert_eq!(host.body(), Some(text));
    let state: outbox::State = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
}

#[test]
fn the_book_of_endpoints_is_pinned() {
    let mut host = Host::default();
    let text = r#"{"clock":1795082400000,"endpoints":[{"tenant":"acme","name":"main","id":"BwcHBwcHBwc","url":"https://example.com/hooks","events":["order.delivered"],"keys":[{"sealed":{"key":"c1","nonce":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ","ciphertext":"AAAA"}}],"created_at":1795082400000}]}"#;
    let state: book::State = serde_json::from_str(text).unwrap();
    let added = book::Command::Add(Box::new(common::webhook::endpoint("acme", "main", 7)));
    host.ask::<Book>(&added, START);
    assert_eq!(host.body(), Some(text));
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
}

proptest! {
    #![proptest_config(common::cases(200))]

    /// Receivers that fail, throttle, and processes that die, in any mixture that ends.
    #[test]
    fn whatever_a_receiver_does_for_a_while_it_is_told_everything_in_order(
        fates in vec(0_u8..6, 1..60),
        orders in 1_u64..20,
        gaps_ms in vec(0_u64..30_000, 1..80),
    ) {
        let well_from = fates.len();
        let mut tries = 0;
        let mut world = World::new(move |_, _| {
            tries += 1;
            match fates.get(tries - 1) {
                Some(0) => FAILED,
                Some(1) => Fate::Answers(Outcome::of_status(429, Some(7_000))),
                Some(2) => Fate::Answers(Outcome::of_status(502, None)),
                Some(3) => Fate::Dies,
                Some(4) => Fate::DiesBefore,
                _ => OK,
            }
        });
        let mut at = START;
        for (n, gap_ms) in gaps_ms.iter().enumerate() {
            at = at.plus(*gap_ms);
            world.append(at, n as u64 % orders);
        }
        world.run(at.plus(700 * HOUR_MS));
        // Ten failures in a row of one event are possible in such a mixture: it is given up, loudly.
        for months in 2..9 {
            if world.view().disabled.is_some() {
                assert!(world.view().given_up > 0);
                world.ask(&Command::Enable, at);
                world.run(at.plus(months * 700 * HOUR_MS));
            }
        }
        assert!(world.tried.len() >= gaps_ms.len().min(well_from));
        let view = world.view();
        assert_eq!(view.waiting, 0, "nothing waits for ever");
        assert_eq!(view.delivered + view.given_up, gaps_ms.len() as u64);
        if view.given_up == 0 {
            world.delivered_all_in_order();
        }
    }
}
