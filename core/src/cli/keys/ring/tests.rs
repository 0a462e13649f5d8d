//! Rotation never loses a key that may still be needed.

use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;

use super::*;

fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn ring(ids: &str) -> Keys {
    let keys = ids.split(' ').zip(1..).map(|(name, n)| (id(name), [n; 32]));
    Keys(keys.collect())
}

fn ids(ring: &Keys) -> String {
    let ids: Vec<_> = ring.states().map(|(id, _)| id.as_str()).collect();
    ids.join(" ")
}

fn turned(key: [u8; 32]) -> [u8; 32] {
    key.map(|byte| !byte)
}

fn derive(_: &KeyId, key: [u8; 32]) -> Result<[u8; 32], keys::Error> {
    Ok(turned(key))
}

#[test]
fn a_key_is_staged_last_promoted_to_the_front_and_the_old_one_retired() {
    let mut ring = Keys::first([1; 32]).unwrap();
    ring.stage(ring.next_id(), [2; 32]).unwrap();
    assert_eq!(ids(&ring), "k1 k2");
    assert_eq!(ring.promote(None), Ok(id("k2")));
    assert_eq!(ids(&ring), "k2 k1");
    assert_eq!(ring.to_retire(None), Ok(vec![id("k1")]));
    ring.retire(&id("k1")).unwrap();
    assert_eq!(ids(&ring), "k2");
    assert_eq!(ring.next_id(), id("k3"));
}

#[test]
fn promoting_twice_does_not_bring_the_old_key_back() {
    let mut ring = ring("k2 k1");
    assert_eq!(ring.promote(None), Err(Error::NothingStaged));
    assert_eq!(ids(&ring), "k2 k1");
    assert_eq!(ring.promote(Some(&id("k1"))), Ok(id("k1")));
    assert_eq!(ring.promote(Some(&id("k9"))), Err(Error::Unknown(id("k9"))));
}

#[test]
fn the_newest_of_several_staged_keys_is_promoted() {
    let mut ring = ring("k9 k11 k10 k8");
    assert_eq!(ring.promote(None), Ok(id("k11")));
    assert_eq!(ids(&ring), "k11 k9 k10 k8");
}

#[test]
fn the_key_in_use_and_staged_keys_are_not_retired_unasked() {
    let mut ring = ring("k2 k1 k3");
    assert_eq!(ring.to_retire(None), Ok(vec![id("k1")]));
    assert_eq!(ring.retire(&id("k2")), Err(Error::InUse(id("k2"))));
    assert_eq!(ring.retire(&id("k7")), Err(Error::Unknown(id("k7"))));
    ring.retire(&id("k1")).unwrap();
    assert_eq!(ring.to_retire(None), Err(Error::NothingOld));
    ring.retire(&id("k3")).unwrap();
}

#[test]
fn names_that_were_not_made_here_count_as_old() {
    let ring = ring("main older");
    let states: Vec<_> = ring.states().map(|(_, state)| state).collect();
    assert_eq!(states, [State::InUse, State::Old]);
    assert_eq!(ring.next_id(), id("k1"));
}

#[test]
fn a_full_ring_takes_no_more() {
    let mut full = ring("k1 k2 k3 k4 k5 k6 k7 k8");
    assert_eq!(full.stage(full.next_id(), [9; 32]), Err(Error::Full));
}

#[test]
fn a_public_ring_follows_its_private_one_and_keeps_what_it_knows_besides() {
    let private = ring("k2 k1 k3");
    let mut known = Keys(vec![(id("k1"), turned([2; 32])), (id("other"), [7; 32])]);
    let public = private.public(&known, derive).unwrap_or_default();
    assert_eq!(ids(&public), "k2 k1 k3 other");
    assert!(public.get(&id("k3")) == Some(&turned([3; 32])));
    known.0[0].1 = [8; 32];
    assert_eq!(private.public(&known, derive).err(), Some(Error::Mismatch(id("k1"))));
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Stage,
    Promote,
    Retire,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        proptest::strategy::Just(Move::Stage),
        proptest::strategy::Just(Move::Promote),
        proptest::strategy::Just(Move::Retire)
    ];
    proptest::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn no_key_is_used_before_it_was_staged_nor_removed_before_it_was_replaced(moves in moves()) {
        let mut ring = Keys::first([1; 32]).unwrap();
        for at in moves {
            let before = ring.clone();
            let done = match at {
                Move::Stage => ring.stage(ring.next_id(), [0; 32]),
                Move::Promote => ring.promote(None).map(drop),
                Move::Retire => ring.to_retire(None).and_then(|old| old.iter().try_for_each(|id| ring.retire(id))),
            };
            prop_assert!(done.is_ok() || before == ring, "a refusal changed the ring");
            // Whoever still has the ring of before must know the key that is in use now, and the other way round.
            prop_assert!(ring.0.first().is_some_and(|(id, _)| before.get(id).is_some()));
            prop_assert!(before.0.first().is_some_and(|(id, _)| ring.get(id).is_some()));
            prop_assert_eq!(Keys::parse(&ring.text()).map(|read| read == ring), Ok(true));
        }
    }
}
