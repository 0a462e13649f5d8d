//! How many guesses are looked at.

use proptest::collection::vec;
use proptest::proptest;
use tiffin_shared::factor::FREE_WRONG;
use tiffin_shared::factor::Outcome;
use tiffin_shared::factor::WRONG_A_DAY;
use tiffin_shared::factor::WRONG_IN_A_ROW_MAX;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::factor::FactorResult;

use crate::common;
use crate::common::factor::World;
use crate::common::factor::code_at;
use crate::common::factor::verify;
use crate::common::factor::wrong_at;
use crate::common::fixtures::START;
use crate::common::pause;

/// Guesses wrong; tells whether it was looked at.
fn guess_wrong(world: &mut World) -> Outcome {
    let guess = wrong_at(&world.seed, world.clock);
    world.ask(verify(0, &guess), 0)
}

fn guess_right(world: &mut World) -> Outcome {
    let guess = code_at(&world.seed, world.clock, 0);
    world.ask(verify(0, &guess), 0)
}

fn is(outcome: &Outcome, expected: FactorResult) -> bool {
    matches!(outcome, Outcome::Verified(result) if *result == expected)
}

/// The wait after so many wrong guesses in a row, written anew.
fn wait_ms(in_a_row: usize) -> u64 {
    match in_a_row {
        0..=4 => 0,
        5..=11 => 30_000 << (in_a_row - 5),
        _ => 3_600_000,
    }
}

fn within_a_day(times: &[UnixMs]) -> usize {
    let count = |from: &UnixMs| times.iter().filter(|at| **at >= *from && at.since(*from) < DAY_MS).count();
    times.iter().map(count).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(common::cases(64))]

    #[test]
    fn of_200_wrong_guesses_no_more_are_looked_at_than_the_limits_allow(
        pauses in vec(pause::any(), 200),
    ) {
        let mut world = World::confirmed();
        let mut looked_at = Vec::new();
        for pause in pauses {
            world.pause(pause);
            match guess_wrong(&mut world) {
                Outcome::Verified(FactorResult::WrongCode) => {
                    let last = looked_at.last().copied().unwrap_or(START);
                    assert!(world.clock.since(last) >= wait_ms(looked_at.len()));
                    looked_at.push(world.clock);
                }
                Outcome::RateLimited { retry_after_ms } => {
                    let last = looked_at.last().copied().unwrap_or(START);
                    assert_eq!(retry_after_ms, wait_ms(looked_at.len()) - world.clock.since(last));
                }
                Outcome::Verified(FactorResult::Locked) => assert_eq!(looked_at.len(), 100),
                other => panic!("{}", common::factor::shown(&other)),
            }
        }
        assert!(looked_at.len() <= 100);
        assert!(within_a_day(&looked_at) <= 34);
    }

    #[test]
    fn right_codes_between_them_bring_no_more_than_fifty_wrong_guesses_a_day(
        pauses in vec(0..signed(HOUR_MS), 400),
        owner in vec(proptest::bool::weighted(0.2), 400),
    ) {
        let mut world = World::confirmed();
        let mut looked_at = Vec::new();
        for (pause, is_owner) in pauses.into_iter().zip(owner) {
            world.pause(pause);
            if is_owner {
                guess_right(&mut world);
            }
            while is(&guess_wrong(&mut world), FactorResult::WrongCode) {
                looked_at.push(world.clock);
            }
        }
        assert!(within_a_day(&looked_at) <= 50);
    }
}

fn signed(duration_ms: u64) -> i64 {
    i64::try_from(duration_ms).unwrap()
}

#[test]
fn an_attacker_who_waits_as_told_has_34_guesses_in_a_day_and_the_hundredth_locks_for_good() {
    let mut world = World::confirmed();
    let mut looked_at = Vec::new();
    loop {
        match guess_wrong(&mut world) {
            Outcome::Verified(FactorResult::WrongCode) => looked_at.push(world.now),
            Outcome::RateLimited { retry_after_ms } => {
                world.pause(signed(retry_after_ms) - 1);
                assert!(matches!(guess_right(&mut world), Outcome::RateLimited { retry_after_ms: 1 }));
                world.pause(1);
            }
            _ => break,
        }
    }
    assert_eq!(looked_at.len(), 100);
    assert_eq!(within_a_day(&looked_at), 34);
    let took_ms = looked_at[99].since(looked_at[0]);
    assert!(took_ms > 3 * DAY_MS && took_ms < 4 * DAY_MS, "{took_ms}");
    for wait_ms in [0, DAY_MS, 365 * DAY_MS] {
        world.pause(signed(wait_ms));
        assert!(is(&guess_right(&mut world), FactorResult::Locked));
    }
    assert_eq!((FREE_WRONG, WRONG_A_DAY.max, WRONG_IN_A_ROW_MAX), (5, 50, 100));
}

#[test]
fn fifty_wrong_guesses_between_right_codes_fill_the_day_and_then_a_right_code_waits_too() {
    let mut world = World::confirmed();
    for _ in 0..12 {
        for _ in 0..4 {
            assert!(is(&guess_wrong(&mut world), FactorResult::WrongCode));
        }
        world.pause(signed(HOUR_MS));
        assert!(is(&guess_right(&mut world), FactorResult::Verified));
    }
    for _ in 0..2 {
        assert!(is(&guess_wrong(&mut world), FactorResult::WrongCode));
    }
    let expected_ms = 12 * HOUR_MS;
    assert!(
        matches!(guess_right(&mut world), Outcome::RateLimited { retry_after_ms } if retry_after_ms == expected_ms)
    );
    world.pause(signed(expected_ms));
    assert!(is(&guess_right(&mut world), FactorResult::Verified));
}

#[test]
fn right_codes_all_day_are_never_refused() {
    let mut world = World::confirmed();
    for _ in 0..300 {
        world.pause(30_000);
        assert!(is(&guess_right(&mut world), FactorResult::Verified));
    }
}
