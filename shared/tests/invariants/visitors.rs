//! **bucket**, for a client network: free up to three and one a minute, blocked at ten times that.

use proptest::collection::vec;
use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::NONCE_MEMORY_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::visitor::Ask;
use tiffin_shared::visitor::NONCES_MAX;
use tiffin_shared::visitor::REQUESTS_MAX;
use tiffin_shared::visitor::Reply;
use tiffin_shared::visitor::Request;
use tiffin_shared::visitor::Visitor;

use crate::common;
use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::pause;
use crate::common::visitor::command;
use crate::common::visitor::request;
use crate::common::visitor::script;

/// Bytes of the largest state: four lists of 32 short hashes, two of nonces and their ends, and seven times.
const STATE_BYTES_MAX: usize = 4 * REQUESTS_MAX * 11 + 2 * NONCES_MAX * 38 + 7 * 20;

fn order(host: &mut Host, nth: u16, solved: bool, after_ms: u64) -> Reply {
    host.ask::<Visitor>(&command(Ask::Order(request(nth, solved))), START.plus(after_ms))
}

fn guess(host: &mut Host, nth: u16, solved: bool, after_ms: u64) -> Reply {
    host.ask::<Visitor>(&command(Ask::Guess(request(nth, solved))), START.plus(after_ms))
}

fn is_admitted(reply: Reply) -> bool {
    matches!(reply, Reply::Admit { .. })
}

/// In every interval at most the burst and what came back meanwhile.
fn fits(times_ms: &[u64], burst: u64, refill_ms: u64) -> bool {
    times_ms.iter().enumerate().all(|(from, start)| {
        times_ms[from..].iter().zip(1_u64..).all(|(end, count)| count <= burst + (end - start) / refill_ms)
    })
}

proptest! {
    #![proptest_config(common::cases(128))]

    #[test]
    fn no_interval_admits_more_than_the_buckets_allow(script in script(pause::any(), 1..250)) {
        let (mut host, mut now) = (Host::default(), START);
        let mut times: [Vec<u64>; 4] = Default::default();
        let mut admitted_ids = std::collections::BTreeSet::new();
        for step in &script {
            now = pause::after(now, step.pause);
            let (kind, asked) = match step.action {
                Ask::Order(asked) => (0, asked),
                Ask::Guess(asked) => (2, asked),
                Ask::Look | Ask::Release => continue,
            };
            if asked.unproven {
                host.ask::<Visitor>(&command(step.action), now);
                continue;
            }
            let clock = host.seen(now);
            let reply = host.ask::<Visitor>(&command(step.action), now);
            // A replay is admitted again and counts once: only fresh ids are counted.
            if is_admitted(reply) && admitted_ids.insert((kind, asked.id)) {
                times[kind + usize::from(asked.solved.is_some())].push(clock.0);
            }
            assert!(host.body().is_none_or(|body| body.len() <= STATE_BYTES_MAX));
        }
        let [orders, solved_orders, guesses, solved_guesses] = &times;
        assert!(fits(orders, 3, MINUTE_MS) && fits(solved_orders, 30, 6 * SECOND_MS));
        assert!(fits(guesses, 10, 12 * SECOND_MS) && fits(solved_guesses, 100, 1_200));
    }

    #[test]
    fn the_order_of_arrival_changes_no_count(
        solved in vec(proptest::bool::ANY, 1..90),
        shuffle in vec(proptest::num::u64::ANY, 90),
        before in 0..40_u16,
    ) {
        let mut host = Host::default();
        for nth in 0..before {
            order(&mut host, 1_000 + nth, nth % 2 == 0, u64::from(nth) * 900);
        }
        let counts = |requests: &[(u16, bool)]| {
            let mut host = host.clone();
            let mut counts = [[0_u32; 3]; 2];
            for (nth, solved) in requests {
                let verdict = match order(&mut host, *nth, *solved, 40_000) {
                    Reply::Admit { .. } => 0,
                    Reply::Challenge { .. } => 1,
                    Reply::Block { .. } => 2,
                    Reply::New | Reply::Seen(_) => unreachable!("known, and nobody looked"),
                };
                counts[usize::from(*solved)][verdict] += 1;
            }
            counts
        };
        let requests: Vec<_> = (0..).zip(solved).collect();
        let mut shuffled = requests.clone();
        shuffled.sort_by_key(|(nth, _)| shuffle[usize::from(*nth)]);
        assert_eq!(counts(&requests), counts(&shuffled));
    }
}

#[test]
fn three_orders_are_free_then_a_challenge_then_a_block_to_the_millisecond() {
    let mut host = Host::default();
    for (nth, remaining) in [(0, 2), (1, 1), (2, 0)] {
        let reply = order(&mut host, nth, false, 0);
        assert_eq!(reply, Reply::Admit { remaining, reset_ms: MINUTE_MS });
    }
    for nth in 3..30 {
        assert_eq!(order(&mut host, nth, false, 0), Reply::Challenge { reset_ms: MINUTE_MS });
    }
    let blocked = |retry_after_ms| Reply::Block { retry_after_ms, solvable: true };
    assert_eq!(order(&mut host, 30, false, 0), blocked(6 * SECOND_MS));
    assert_eq!(order(&mut host, 30, false, 5_999), blocked(1));
    assert_eq!(order(&mut host, 30, false, 6_000), Reply::Challenge { reset_ms: 54_000 });
    assert_eq!(order(&mut host, 30, false, 59_999), Reply::Challenge { reset_ms: 1 });
    assert!(is_admitted(order(&mut host, 30, false, MINUTE_MS)));
}

#[test]
fn a_neighbour_who_solves_gets_through_while_another_floods() {
    let mut host = Host::default();
    for nth in 0..5_000 {
        order(&mut host, nth, false, 0);
    }
    // The flood has solved one challenge as well, and shows its answer with everything.
    for nth in 6_000..6_040 {
        let replayed = Request { solved: request(6_000, true).solved, ..request(nth, false) };
        host.ask::<Visitor>(&command(Ask::Order(replayed)), START);
    }
    for nth in 5_000..5_029 {
        assert!(is_admitted(order(&mut host, nth, true, 0)), "{nth}");
    }
    let reply = order(&mut host, 5_030, true, 0);
    assert_eq!(reply, Reply::Block { retry_after_ms: 6 * SECOND_MS, solvable: false });
}

/// One solution under forty keys, from behind the address that the neighbour shares.
#[test]
fn a_solution_that_comes_again_and_again_takes_one_token_and_opens_one_request() {
    let mut host = Host::default();
    let with = |nonce: u16, nth: u16| Request { solved: request(nonce, true).solved, ..request(nth, false) };
    let ask = |host: &mut Host, asked, after_ms| {
        host.ask::<Visitor>(&command(Ask::Order(asked)), START.plus(after_ms))
    };
    assert!(is_admitted(ask(&mut host, with(9_000, 0), 0)));
    for nth in 1..40 {
        assert!(matches!(ask(&mut host, with(9_000, nth), 0), Reply::Challenge { .. }), "{nth}");
    }
    assert!(
        is_admitted(ask(&mut host, with(9_000, 0), 0)),
        "the request that it was solved for may come again"
    );
    for neighbour in 1_000..1_029_u16 {
        assert!(is_admitted(ask(&mut host, with(neighbour, neighbour), 0)), "{neighbour}");
    }
    assert!(is_admitted(ask(&mut host, with(9_000, 0), 0)), "so it may when thirty others came meanwhile");
    assert!(!is_admitted(ask(&mut host, with(9_001, 41), 0)), "thirty in all");
    // As long as the challenge could be answered anywhere, though all buckets are full again by then.
    let late = NONCE_MEMORY_MS - 1;
    assert!(matches!(ask(&mut host, with(9_000, 42), late), Reply::Challenge { .. }));
}

/// What a guess came to is not repeated, so its solution opens it once.
#[test]
fn a_solution_opens_one_guess_once() {
    let mut host = Host::default();
    assert!(is_admitted(guess(&mut host, 0, true, 0)));
    assert!(matches!(guess(&mut host, 0, true, 0), Reply::Challenge { .. }));
    assert!(is_admitted(order(&mut host, 0, true, 0)) && is_admitted(order(&mut host, 0, true, 0)));
}

/// What of thousands of solutions is remembered stays bounded, and what is forgotten costs a token each time.
#[test]
fn nonces_are_remembered_up_to_a_bound() {
    let (mut host, mut admitted) = (Host::default(), 0);
    for nth in 0..2_000_u16 {
        let after_ms = u64::from(nth) * 1_200;
        admitted += u32::from(is_admitted(guess(&mut host, nth, true, after_ms)));
        assert!(host.body().is_none_or(|body| body.len() <= STATE_BYTES_MAX));
    }
    assert_eq!(admitted, 2_000);
}

#[test]
fn the_same_request_takes_one_token_and_may_bring_its_solution_later() {
    let mut host = Host::default();
    for _ in 0..5 {
        assert!(is_admitted(order(&mut host, 0, false, 0)));
    }
    assert!(is_admitted(order(&mut host, 1, false, 0)) && is_admitted(order(&mut host, 2, false, 0)));
    for _ in 0..50 {
        assert!(matches!(order(&mut host, 3, false, 0), Reply::Challenge { .. }));
    }
    assert!(is_admitted(order(&mut host, 3, true, 0)));
    assert!(is_admitted(order(&mut host, 3, false, 0)), "it was admitted already");
    assert!(matches!(order(&mut host, 4, false, 0), Reply::Challenge { .. }), "fifty repetitions were one");
}

#[test]
fn one_guess_on_each_of_many_phones_meets_a_challenge_at_the_eleventh_and_a_block_at_the_hundred_and_first() {
    let mut host = Host::default();
    assert!(is_admitted(order(&mut host, 0, false, 0)));
    let replies: Vec<_> = (0..10_000).map(|nth| guess(&mut host, nth, false, 0)).collect();
    assert_eq!(replies.iter().filter(|reply| is_admitted(**reply)).count(), 10);
    assert!(replies[10..100].iter().all(|reply| matches!(reply, Reply::Challenge { .. })));
    assert!(replies[100..].iter().all(|reply| matches!(reply, Reply::Block { .. })));
    assert!(is_admitted(order(&mut host, 1, false, 0)), "orders have buckets of their own");
    let solved = (10_000..20_000).filter(|nth| is_admitted(guess(&mut host, *nth, true, 0))).count();
    assert_eq!(solved, 100);
    assert!(host.body().is_some_and(|body| body.len() <= STATE_BYTES_MAX), "a flood leaves a short state");
}

#[test]
fn a_visitor_is_kept_as_short_json_without_an_address() {
    let mut host = Host::default();
    order(&mut host, 1, false, 0);
    let expected =
        r#"{"clock":1795082400000,"orders":{"k":true,"f":1795082460000,"u":1795082406000,"a":["AAEAAAAA"]}}"#;
    assert_eq!(host.body(), Some(expected));
    assert_ne!(Bytes([0; 16]), request(1, false).id);
}

#[test]
fn an_operator_sees_a_network_and_lets_it_go_and_no_solution_opens_more_than_it_did() {
    let mut host = Host::default();
    let seen = |host: &mut Host, ask| match host.ask::<Visitor>(&command(ask), START) {
        Reply::Seen(view) => view,
        other => panic!("{other:?}"),
    };
    let new = seen(&mut host, Ask::Look);
    assert_eq!((new.orders_left, new.guesses_left, new.challenge_until), (3, 10, None));
    assert!(host.stored.is_none(), "a look leaves nothing");
    for nth in 0..4 {
        host.ask::<Visitor>(&command(Ask::Order(request(nth, false))), START);
    }
    assert!(is_admitted(host.ask::<Visitor>(&command(Ask::Order(request(9, true))), START)));
    let challenged = seen(&mut host, Ask::Look);
    assert_eq!((challenged.orders_left, challenged.challenge_until), (0, Some(START.plus(60_000))));
    assert_eq!(seen(&mut host, Ask::Release), challenged, "the answer says how it stood");
    assert_eq!(seen(&mut host, Ask::Look), new);
    let stolen = Request { solved: request(9, true).solved, ..request(10, false) };
    assert!(
        !is_admitted(host.ask::<Visitor>(&command(Ask::Order(stolen)), START)),
        "one solution, one request"
    );
}

/// However often it is asked, and whatever of another kind was asked before, until its site has let it in.
#[test]
fn a_network_is_new_to_each_kind_of_request_until_its_site_has_let_it_in() {
    let unknown = |nth| Request { known_to_site: false, ..request(nth, false) };
    let mut host = Host::default();
    for nth in 0..3 {
        for ask in [Ask::Order(unknown(nth)), Ask::Guess(unknown(nth)), Ask::Order(unknown(nth)).unproven()] {
            assert_eq!(host.ask::<Visitor>(&command(ask), START), Reply::New);
        }
    }
    assert!(host.stored.is_none(), "nothing is kept");
    assert!(is_admitted(guess(&mut host, 0, false, 0)));
    assert!(is_admitted(host.ask::<Visitor>(&command(Ask::Guess(unknown(1))), START)));
    assert_eq!(
        host.ask::<Visitor>(&command(Ask::Order(unknown(0))), START),
        Reply::New,
        "guesses open no order"
    );
    let unproven = Ask::Order(request(7, false)).unproven();
    assert!(is_admitted(host.ask::<Visitor>(&command(unproven), START)));
    assert_eq!(
        host.ask::<Visitor>(&command(Ask::Order(unknown(0))), START),
        Reply::New,
        "nor does a wrong answer"
    );
    assert!(is_admitted(order(&mut host, 0, false, 0)));
    assert!(is_admitted(host.ask::<Visitor>(&command(Ask::Order(unknown(1))), START)));
}

#[test]
fn what_an_earlier_version_kept_still_counts_and_its_site_is_asked_once_more() {
    let kept = r#"{"clock":1795082400000,"orders":{"f":1795082460000,"u":1795082406000,"a":["AAEAAAAA"]}}"#;
    let ask = |ask| tiffin_shared::machine::run::<Visitor>(Some(kept), &command(ask), START).unwrap().0;
    let unknown = Request { known_to_site: false, ..request(2, false) };
    assert_eq!(ask(Ask::Order(unknown)), Reply::New);
    assert_eq!(ask(Ask::Order(request(2, false))), Reply::Admit { remaining: 1, reset_ms: MINUTE_MS });
    assert_eq!(ask(Ask::Order(request(1, false))), Reply::Admit { remaining: 2, reset_ms: MINUTE_MS });
}

#[test]
fn answers_that_prove_nothing_end_in_a_block_and_who_solves_still_gets_through() {
    let mut host = Host::default();
    let unproven = |nth| command(Ask::Order(request(nth, false)).unproven());
    // The same one again is another try.
    for _ in 0..30 {
        assert!(is_admitted(host.ask::<Visitor>(&unproven(0), START)));
    }
    let blocked = Reply::Block { retry_after_ms: 6 * SECOND_MS, solvable: true };
    assert_eq!(host.ask::<Visitor>(&unproven(1), START), blocked);
    assert_eq!(order(&mut host, 2, false, 0), blocked);
    assert!(is_admitted(order(&mut host, 3, true, 0)));
    assert!(is_admitted(guess(&mut host, 4, false, 0)), "guesses have buckets of their own");
}
