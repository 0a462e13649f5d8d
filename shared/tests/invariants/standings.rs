//! **bucket**, by who asks: strangers leave a part to who solves, and all of them leave a part to the tenant's own server.

use proptest::collection::vec;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::directory::Limits;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Standing;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::window::Cap;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create_as;
use crate::common::fixtures::whose;
use crate::common::host::Host;
use crate::common::pause;

const ALL: [Standing; 3] = [Standing::Stranger, Standing::Solved, Standing::Server];

fn order(host: &mut Host, create: Create, after_ms: u64) -> Outcome {
    let at = START.plus(after_ms);
    let event = u64::from(create.idempotency_key.0[0]) + after_ms;
    host.ask::<Ledger>(&command(event, Ask::Create(Box::new(create))), at).outcome
}

fn is_made(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Created { replayed: false, .. })
}

fn id(outcome: &Outcome) -> OrderId {
    match outcome {
        Outcome::Created { order, .. } => OrderId::parse(&order.id).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn is_superseded(host: &Host, order: &OrderId, after_ms: u64) -> bool {
    let fetch = command(0, Ask::Fetch(whose(0, order)));
    match host.probe::<Ledger>(&fetch, START.plus(after_ms)).outcome {
        Outcome::Found(order) => order.superseded,
        other => panic!("{other:?}"),
    }
}

/// How many of a burst are admitted when nothing but this cap is in the way.
fn admitted(standing: Standing, max: u32) -> usize {
    let mut host = Host::default();
    let out_of_the_way = Cap { max: 1_000, window_ms: DAY_MS };
    let mut limits = Limits { hourly: Cap { max, window_ms: HOUR_MS }, ..Limits::default() };
    (limits.bucket.capacity, limits.daily) = (1_000, out_of_the_way);
    let create = |key| Create { limits, ..create_as(standing, 0, key, Cost::Extreme) };
    (0..40).filter(|key| is_made(&order(&mut host, create(*key), 0))).count()
}

#[test]
fn each_standing_leaves_a_quarter_rounded_up_to_those_above() {
    let rows = [(1, [1, 1, 1]), (2, [1, 1, 2]), (3, [1, 2, 3]), (10, [4, 7, 10]), (20, [10, 15, 20])];
    for (max, expected) in rows {
        assert_eq!(ALL.map(|standing| admitted(standing, max)), expected, "of {max}");
    }
}

#[test]
fn a_bucket_of_three_has_one_for_each_standing() {
    let mut host = Host::default();
    let made: Vec<Vec<bool>> = ALL
        .into_iter()
        .zip([0_u8, 10, 20])
        .map(|(standing, from)| {
            let create = |key| create_as(standing, 0, from + key, Cost::Extreme);
            (0..3).map(|key| is_made(&order(&mut host, create(key), 0))).collect()
        })
        .collect();
    assert_eq!(made, vec![vec![true, false, false]; 3]);
}

/// Every minute a solved challenge, of the highest cost, for a day: seconds of an attacker's work.
#[test]
fn who_solves_all_day_neither_locks_the_server_out_nor_ends_its_codes() {
    let mut host = Host::default();
    let (mut solved, mut served) = (0, 0);
    for minute in 0..24 * 60_u64 {
        let key = u8::try_from(minute % 200).unwrap();
        let attack = create_as(Standing::Solved, 0, key, Cost::Extreme);
        solved += usize::from(is_made(&order(&mut host, attack, minute * MINUTE_MS)));
        if minute % 288 == 30 {
            let key = 200 + u8::try_from(minute / 288).unwrap();
            let ordered = create_as(Standing::Server, 0, key, Cost::Light);
            let order = id(&order(&mut host, ordered, minute * MINUTE_MS + 1));
            served += 1;
            let attack = create_as(Standing::Solved, 0, key + 40, Cost::Extreme);
            self::order(&mut host, attack, minute * MINUTE_MS + 30_000);
            assert!(!is_superseded(&host, &order, minute * MINUTE_MS + 30_000), "a server's code is ended");
        }
    }
    assert_eq!(served, 5);
    assert!(solved <= 15, "{solved} of the attacker's orders");
}

#[test]
fn an_order_takes_the_place_of_its_own_standing_and_those_below() {
    for (nth, older) in ALL.into_iter().enumerate() {
        for newer in ALL {
            let mut host = Host::default();
            let first = id(&order(&mut host, create_as(older, 0, 1, Cost::Light), 0));
            // Later than a bucket of three needs to be full.
            let wait_ms = 3 * MINUTE_MS;
            assert!(is_made(&order(&mut host, create_as(newer, 0, 2, Cost::Extreme), wait_ms)));
            assert_eq!(is_superseded(&host, &first, wait_ms), older <= newer, "{nth}: {older:?} {newer:?}");
        }
    }
}

#[test]
fn each_solved_order_within_an_hour_makes_the_next_challenge_harder_up_to_a_bound() {
    let mut host = Host::default();
    let costs = [Cost::Light, Cost::Medium, Cost::Heavy, Cost::Extreme, Cost::Extreme];
    for (nth, least) in (0_u8..).zip(costs) {
        let at_ms = u64::from(nth) * 2 * MINUTE_MS;
        for (key, lighter) in (100..).zip(costs).take_while(|(_, cost)| *cost < least) {
            let create = create_as(Standing::Solved, 0, key, lighter);
            let refused = order(&mut host, create, at_ms);
            assert_eq!(refused, Outcome::ChallengeRequired { cost: least });
        }
        let create = create_as(Standing::Solved, 0, nth, least);
        assert!(is_made(&order(&mut host, create, at_ms)), "{nth}");
    }
    let an_hour_later = create_as(Standing::Solved, 0, 50, Cost::Light);
    assert!(is_made(&order(&mut host, an_hour_later, HOUR_MS + 8 * MINUTE_MS)));
    // A server pays for nothing: when a challenge is due from it, the front door says how hard.
    let server = create_as(Standing::Server, 0, 51, Cost::Light);
    assert!(is_made(&order(&mut host, server, HOUR_MS + 8 * MINUTE_MS)));
}

#[test]
fn a_spent_challenge_opens_no_second_order() {
    let mut host = Host::default();
    assert!(is_made(&order(&mut host, create_as(Standing::Solved, 0, 1, Cost::Extreme), 0)));
    let again = Create {
        solved: create_as(Standing::Solved, 0, 1, Cost::Extreme).solved,
        ..create_as(Standing::Stranger, 1, 2, Cost::Light)
    };
    let refused = order(&mut host, again, 4 * MINUTE_MS);
    assert_eq!(refused, Outcome::ChallengeRequired { cost: Cost::Medium });
}

proptest! {
    #![proptest_config(common::cases(96))]

    #[test]
    fn no_mix_of_standings_admits_more_than_the_limits_and_a_server_always_gets_its_part(
        script in vec((pause::forward(), select(ALL.to_vec())), 1..120),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        let mut all = Vec::new();
        let mut servers = Vec::new();
        for ((pause, standing), key) in script.into_iter().zip(0..) {
            now = pause::after(now, pause);
            let after_ms = now.since(START);
            let within = |times: &[u64], ms| times.iter().filter(|at| after_ms < *at + ms).count();
            let made = is_made(&order(&mut host, create_as(standing, 0, key, Cost::Extreme), after_ms));
            if standing == Standing::Server {
                // Three an hour, five a day and one a minute are nobody else's.
                let own = within(&servers, MINUTE_MS) < 1 && within(&servers, HOUR_MS) < 3 && within(&servers, DAY_MS) < 5;
                assert!(made || !own, "after {after_ms} ms: {servers:?} of {all:?}");
            }
            if made {
                all.push(after_ms);
                if standing == Standing::Server { servers.push(after_ms); }
            }
        }
        for (first, from) in all.iter().enumerate() {
            for (last, to) in all.iter().enumerate().skip(first) {
                let (count, span_ms) = (last - first + 1, to - from);
                assert!(count as u64 <= 3 + span_ms / MINUTE_MS);
                assert!((count <= 10 || span_ms >= HOUR_MS) && (count <= 20 || span_ms >= DAY_MS));
            }
        }
    }
}
