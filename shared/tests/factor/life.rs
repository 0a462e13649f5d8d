//! Enrolment, confirmation, removal, rotation, and what is stored meanwhile.

use proptest::proptest;
use tiffin_shared::bytes;
use tiffin_shared::factor::Ask;
use tiffin_shared::factor::CONFIRM_MS;
use tiffin_shared::factor::Outcome;
use tiffin_shared::factor::REMOVED_KEEP_MS;
use tiffin_shared::factor::State;
use tiffin_shared::factor::otpauth::Label;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::wire::factor::FactorResult;

use crate::common;
use crate::common::factor::World;
use crate::common::factor::code_at;
use crate::common::factor::enrol;
use crate::common::factor::pauses;
use crate::common::factor::script;
use crate::common::factor::shown;
use crate::common::factor::verify;
use crate::common::factor::whose;

proptest! {
    #![proptest_config(common::cases(128))]

    #[test]
    fn no_stored_state_and_no_reply_but_an_enrolments_holds_the_secret(script in script(pauses(), 1..40)) {
        let mut world = World::default();
        for step in &script {
            let command = world.next(step);
            let outcome = world.play(&command);
            let body = world.host.body().unwrap_or_default();
            let state = serde_json::from_str::<State>(body).map(|state| format!("{state:?}"));
            let forms = forms(&world.seed);
            for form in &forms {
                assert!(!body.contains(form) && !state.as_ref().is_ok_and(|state| state.contains(form)));
                if !matches!(outcome, Outcome::Enrolled { .. }) {
                    assert!(!shown(&outcome).contains(form));
                }
            }
        }
    }

    #[test]
    fn a_rotation_of_keys_loses_no_factor_that_is_used_before_the_old_key_goes(
        guesses in proptest::collection::vec((0..40_000_i64, 0..2_usize), 0..30),
    ) {
        let mut world = World::confirmed();
        for (pause, ring) in guesses {
            world.pause(30_000 + pause);
            assert!(matches!(right(&mut world, ring), Outcome::Verified(FactorResult::Verified)));
            let key = ["f1", "f2"][ring];
            assert!(world.host.body().unwrap().contains(&format!(r#""key":"{key}""#)), "sealed anew under {key}");
        }
        world.pause(30_000);
        right(&mut world, 1);
        world.pause(30_000);
        assert!(matches!(right(&mut world, 2), Outcome::Verified(FactorResult::Verified)));
    }
}

/// How the secret may look in clear.
fn forms(seed: &Seed) -> Vec<String> {
    let raw = seed.expose();
    let label = Label::new("a", "b", Algorithm::Sha1, 6).unwrap();
    let uri = label.uri(seed);
    let base32 = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let url = bytes::encode(raw);
    let base64 = url.replace('-', "+").replace('_', "/");
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = serde_json::to_string(raw).unwrap();
    let debug = format!("{raw:?}");
    let trimmed = list.trim_matches(['[', ']']).to_owned();
    vec![base32.to_lowercase(), base32, url, base64, hex, list, debug, trimmed]
}

fn right(world: &mut World, ring: usize) -> Outcome {
    let code = code_at(&world.seed, world.clock, 0);
    world.ask(verify(0, &code), ring)
}

#[test]
fn an_enrolment_that_comes_again_shows_the_same_secret_until_a_right_code_confirms_it() {
    let mut world = World::default();
    world.ask(enrol(0, 0), 0);
    let first = world.seed.clone();
    let stored = world.host.body().unwrap().to_owned();
    assert!(matches!(world.ask(enrol(0, 0), 0), Outcome::Enrolled { replayed: true, .. }));
    assert_eq!(world.seed.expose(), first.expose());
    assert!(matches!(world.ask(enrol(0, 1), 0), Outcome::IdempotencyMismatch));
    assert!(matches!(world.ask(enrol(1, 0), 0), Outcome::NotFound));
    assert_eq!(world.host.body().unwrap(), stored);
    assert!(matches!(right(&mut world, 0), Outcome::Verified(FactorResult::Verified)));
    assert!(matches!(world.ask(enrol(0, 0), 0), Outcome::Spent));
}

#[test]
fn an_unconfirmed_factor_ends_after_fifteen_minutes_and_a_confirmed_one_does_not() {
    let last_ms = i64::try_from(CONFIRM_MS).unwrap() - 1;
    let mut world = World::default();
    world.ask(enrol(0, 0), 0);
    let first = world.seed.clone();
    world.pause(last_ms);
    let mut late = world.clone();
    assert!(matches!(right(&mut world, 0), Outcome::Verified(FactorResult::Verified)));
    world.pause(i64::try_from(9 * 365 * DAY_MS).unwrap());
    assert!(matches!(right(&mut world, 0), Outcome::Verified(FactorResult::Verified)));
    late.pause(1);
    assert!(matches!(right(&mut late, 0), Outcome::NotFound));
    assert!(matches!(late.ask(enrol(0, 0), 0), Outcome::Enrolled { replayed: false, .. }));
    assert_ne!(late.seed.expose(), first.expose());
}

#[test]
fn a_removed_factor_leaves_no_secret_and_a_late_enrolment_does_not_bring_it_back() {
    let mut world = World::confirmed();
    assert!(matches!(world.ask(Ask::Remove(whose(1)), 0), Outcome::NotFound));
    assert!(matches!(world.ask(Ask::Remove(whose(0)), 0), Outcome::Removed));
    assert!(!world.host.body().unwrap().contains("sealed"));
    assert!(matches!(world.ask(Ask::Remove(whose(0)), 0), Outcome::Removed));
    assert!(matches!(world.ask(enrol(0, 0), 0), Outcome::Spent));
    world.pause(30_000);
    assert!(matches!(right(&mut world, 0), Outcome::NotFound));
    world.pause(i64::try_from(REMOVED_KEEP_MS).unwrap());
    assert!(matches!(world.ask(Ask::Remove(whose(0)), 0), Outcome::NotFound));
}

#[test]
fn without_its_key_a_factor_is_unavailable_and_loses_no_guess() {
    let mut world = World::confirmed();
    world.pause(30_000);
    let stored = world.host.body().unwrap().to_owned();
    assert!(matches!(right(&mut world, 2), Outcome::Unavailable));
    assert_eq!(world.host.body().unwrap(), stored);
    assert!(matches!(right(&mut world, 1), Outcome::Verified(FactorResult::Verified)));
}

#[test]
fn a_state_moved_to_another_factor_does_not_open() {
    let mut world = World::confirmed();
    world.pause(30_000);
    let mut verify = verify(0, &code_at(&world.seed, world.clock, 0));
    if let Ask::Verify(verify) = &mut verify {
        verify.whose.factor = common::factor::index().factor(&verify.whose.tenant, [8; 16]);
    }
    assert!(matches!(world.ask(verify, 0), Outcome::Unavailable));
}

#[test]
fn the_bytes_of_a_factor_are_pinned() {
    let mut world = World::confirmed();
    world.ask(verify(0, "00000000"), 0);
    assert_eq!(world.host.body(), Some(FACTOR));
    world.pause(30_000);
    assert!(matches!(right(&mut world, 0), Outcome::Verified(FactorResult::Verified)));
    let with_unknown = FACTOR.replacen('{', r#"{"new":1,"#, 1);
    assert!(serde_json::from_str::<State>(&with_unknown).is_err());
}

const FACTOR: &str = r#"{"clock":1795082400000,"tenant":"acme","fingerprint":"AAAAAAAAAAAAAAAAAAAAAA","enrolled_at":1795082400000,"held":{"algorithm":"sha1","digits":8,"sealed":{"key":"f1","nonce":"OFbYn7AfREs_oB1K9SzjToRFXq0cJ4HW","ciphertext":"_vkLrbfcHDInudDgRkaOPebV9IQlzNcId8vd3H3--UmQJuab"},"last_step":59836080,"wrong_in_a_row":1,"wait_until":0,"wrong_at":[1795082400000]}}"#;
