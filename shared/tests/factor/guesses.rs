//! Which guesses are right.

use proptest::proptest;
use tiffin_shared::factor::Outcome;
use tiffin_shared::factor::totp::STEP_MS;
use tiffin_shared::factor::totp::step_at;
use tiffin_shared::wire::factor::FactorResult;

use crate::common;
use crate::common::factor::Action;
use crate::common::factor::Guess;
use crate::common::factor::World;
use crate::common::factor::code_at;
use crate::common::factor::pauses;
use crate::common::factor::script;
use crate::common::factor::verify;

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn a_code_is_accepted_within_one_step_of_now_and_neither_it_nor_an_older_one_again(
        script in script(pauses(), 1..60),
    ) {
        let mut world = World::default();
        let mut last_step = None;
        for step in &script {
            let command = world.next(step);
            let before = world.host.stored.clone();
            let outcome = world.play(&command);
            match (&step.action.0, outcome) {
                (Action::Enrol { .. }, Outcome::Enrolled { replayed: false, .. }) => last_step = None,
                (Action::Verify { guess: Guess::Step(steps), .. }, Outcome::Verified(result)) => {
                    let guessed = step_at(world.clock).saturating_add_signed(*steps);
                    let is_near = steps.abs() <= 1;
                    let is_new = last_step.is_none_or(|last| guessed > last);
                    match result {
                        FactorResult::Verified => {
                            assert!(is_near && is_new, "{steps} steps off, {guessed} after {last_step:?}");
                            last_step = Some(guessed);
                        }
                        FactorResult::AlreadyUsed => assert!(is_near && !is_new),
                        FactorResult::WrongCode => assert!(!is_near),
                        FactorResult::Locked => panic!("sixty guesses lock nothing"),
                    }
                    // What grants nothing and costs nothing leaves no trace.
                    if result == FactorResult::AlreadyUsed {
                        assert_eq!(before.unwrap().commit.body, world.host.body().unwrap());
                    }
                }
                (Action::Verify { guess: Guess::Wrong, .. }, outcome) => {
                    assert!(!matches!(
                        outcome,
                        Outcome::Verified(FactorResult::Verified | FactorResult::AlreadyUsed)
                    ));
                }
                _ => {}
            }
        }
    }
}

fn result(world: &mut World, guess: &str) -> FactorResult {
    match world.ask(verify(0, guess), 0) {
        Outcome::Verified(result) => result,
        other => panic!("{}", common::factor::shown(&other)),
    }
}

fn pause(steps: u64) -> i64 {
    i64::try_from(steps * STEP_MS).unwrap()
}

#[test]
fn the_window_is_one_step_to_either_side_to_the_millisecond() {
    for (ms, expected) in [
        (-pause(1) - 1, FactorResult::WrongCode),
        (-pause(1), FactorResult::Verified),
        (pause(2) - 1, FactorResult::Verified),
        (pause(2), FactorResult::WrongCode),
    ] {
        let mut world = World::confirmed();
        world.pause(pause(10));
        // START is the beginning of a step.
        let code = code_at(&world.seed, world.now, 0);
        world.pause(ms);
        assert_eq!(result(&mut world, &code), expected, "{ms} ms off");
    }
}

#[test]
fn after_the_next_steps_code_this_steps_own_is_too_late() {
    let mut world = World::confirmed();
    world.pause(pause(10));
    let codes = [0, 1].map(|steps| code_at(&world.seed, world.now, steps));
    assert_eq!(result(&mut world, &codes[1]), FactorResult::Verified);
    assert_eq!(result(&mut world, &codes[0]), FactorResult::AlreadyUsed);
    assert_eq!(result(&mut world, &codes[1]), FactorResult::AlreadyUsed);
}

#[test]
fn a_clock_that_goes_back_brings_no_old_code_back() {
    let mut world = World::confirmed();
    world.pause(pause(10));
    let old = code_at(&world.seed, world.now, 0);
    world.pause(pause(10));
    let code = code_at(&world.seed, world.now, 0);
    assert_eq!(result(&mut world, &code), FactorResult::Verified);
    world.pause(-pause(10));
    assert_eq!(result(&mut world, &old), FactorResult::WrongCode);
}
