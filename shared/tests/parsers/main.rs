//! Parsers of bytes from outside: a bounded run of what `make fuzz` does for as long as one likes.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod harness;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::Index;
use proptest::sample::select;

use self::harness::TARGETS;
use self::harness::Target;

/// What a fuzzer does to a seed.
#[derive(Clone, Debug)]
enum Change {
    Cut { from: Index, bytes: u8 },
    Double { from: Index, bytes: u8 },
    Flip { at: Index, bit: u8 },
    Insert { at: Index, text: Vec<u8> },
    Put { at: Index, byte: u8 },
}

fn change() -> impl Strategy<Value = Change> {
    let words =
        ["\"", "\\u0000", "\u{e9}", "null", "18446744073709551615", "-1", "{", "]", ",", "\n", "+", "="];
    let word = select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    prop_oneof![
        (any::<Index>(), 1..20_u8).prop_map(|(from, bytes)| Change::Cut { from, bytes }),
        (any::<Index>(), 1..20_u8).prop_map(|(from, bytes)| Change::Double { from, bytes }),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip { at, bit }),
        (any::<Index>(), word).prop_map(|(at, text)| Change::Insert { at, text }),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Put { at, byte }),
    ]
}

fn apply(data: &mut Vec<u8>, change: &Change) {
    if data.is_empty() {
        return;
    }
    let range = |from: &Index, bytes: u8| {
        let from = from.index(data.len());
        from..data.len().min(from + usize::from(bytes))
    };
    match change {
        Change::Cut { from, bytes } => drop(data.drain(range(from, *bytes))),
        Change::Double { from, bytes } => {
            let range = range(from, *bytes);
            let copy = data[range.clone()].to_vec();
            data.splice(range.start..range.start, copy);
        }
        Change::Flip { at, bit } => *at.get_mut(data) ^= 1 << bit,
        Change::Insert { at, text } => {
            let at = at.index(data.len());
            data.splice(at..at, text.iter().copied());
        }
        Change::Put { at, byte } => *at.get_mut(data) = *byte,
    }
}

/// Which target it is may be any number: it is taken modulo.
fn target(nth: &Index) -> &'static Target {
    nth.get(&TARGETS)
}

proptest! {
    #![proptest_config(common::cases(20_000))]

    #[test]
    fn no_change_of_a_good_input_upsets_a_parser(
        nth in any::<Index>(), seed in any::<Index>(), changes in vec(change(), 1..6),
    ) {
        let target = target(&nth);
        let mut data = seed.get(&(target.seeds)()).clone();
        for change in &changes {
            apply(&mut data, change);
        }
        (target.run)(&data);
    }

    #[test]
    fn no_bytes_upset_a_parser(nth in any::<Index>(), data in vec(any::<u8>(), 0..200)) {
        (target(&nth).run)(&data);
    }
}

#[test]
fn every_seed_passes() {
    for target in &TARGETS {
        assert!(!(target.seeds)().is_empty());
        for seed in (target.seeds)() {
            (target.run)(&seed);
        }
        (target.run)(&[]);
    }
}

/// So that a target cannot be forgotten in one of the two places.
#[test]
fn every_target_is_fuzzed_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/targets");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let names: Vec<_> = TARGETS.iter().map(|target| format!("{}.rs", target.name)).collect();
    assert_eq!(files, names);
}
