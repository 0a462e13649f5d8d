//! Stage, promote, retire.

use std::fs;

use tiffin_core::config::Config;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::seal;
use tiffin_shared::time::UnixMs;

use crate::common::Keys;
use crate::common::PAIRS;
use crate::common::RINGS;

/// What one side makes with its keys, the other side takes.
fn understands(maker: &Config, taker: &Config) {
    let (edge, core) = (maker.edge().unwrap(), taker.core_keys(true).unwrap());
    let signer = edge.signing.current();
    let signature = signer.sign(b"job");
    assert!(core.edges.get(signer.id()).is_some_and(|key| key.verify(b"job", &signature)));
    let keys = edge.keys::<seal::Error>(&mut None, UnixMs(0), || Ok(Entropy::new([1; 32]))).unwrap();
    let sealed = keys.sealer.seal([2; 24], b"header", b"job").unwrap();
    let opener = core.seal.as_ref().and_then(|ring| ring.get(&sealed.key));
    assert!(opener.is_some_and(|key| sealed.open(key, b"header").is_ok()));
    let peppers = taker.edge().unwrap().peppers;
    assert!(peppers.get(edge.peppers.current().id()).is_some());
    let core = maker.core_keys(false).unwrap();
    let signature = core.signing.current().sign(b"event");
    let cores = taker.core_public_keys().unwrap();
    assert!(cores.get(core.signing.current().id()).is_some_and(|key| key.verify(b"event", &signature)));
}

#[test]
fn processes_of_neighbouring_stages_understand_each_other() {
    let keys = Keys::make();
    let mut before = keys.config();
    for stage in ["stage", "promote", "retire", "stage", "promote", "retire"] {
        for ring in RINGS {
            keys.run(&format!("{stage} {ring}"));
        }
        let after = keys.config();
        understands(&before, &after);
        understands(&after, &before);
        before = after;
    }
}

#[test]
fn every_ring_rotates_in_stages_and_each_stage_boots() {
    let keys = Keys::make();
    for ring in RINGS {
        keys.run(&format!("stage {ring}"));
        keys.config();
        let (_, said) = keys.run(&format!("promote {ring}"));
        assert!(said.contains("retire"), "{said}");
        keys.config();
        let (_, said) = keys.run(&format!("retire {ring}"));
        assert!(said.contains("only once") && said.contains("k1 removed"), "{said}");
        keys.config();
    }
    for listed in keys.list().as_array().unwrap().iter().take(RINGS.len()) {
        assert_eq!(listed.pointer("/keys"), Some(&serde_json::json!([{"id": "k2", "state": "in_use"}])));
        assert_eq!(listed.get("problem"), None);
    }
}

#[test]
fn both_rings_of_a_pair_know_a_key_at_every_stage() {
    let keys = Keys::make();
    for (ring, private_file, private, public_file, public) in PAIRS {
        let both = |expected: &str| {
            assert_eq!(keys.ids(private_file, private), expected, "{private}");
            assert_eq!(keys.ids(public_file, public), expected, "{public}");
        };
        both("k1");
        keys.run(&format!("stage {ring}"));
        both("k1 k2");
        keys.run(&format!("promote {ring}"));
        both("k2 k1");
        keys.run(&format!("retire {ring} --id k1"));
        both("k2");
    }
}

#[test]
fn a_command_that_was_cut_short_is_finished_by_the_next_one() {
    let keys = Keys::make();
    for (ring, _, _, public_file, _) in PAIRS {
        let before = fs::read_to_string(keys.path(public_file)).unwrap();
        keys.run(&format!("stage {ring}"));
        // As if it had died between the two files.
        fs::write(keys.path(public_file), &before).unwrap();
        let said = keys.run("list").0;
        assert!(said.contains("lacks k2"), "{said}");
        keys.run(&format!("promote {ring}"));
        assert!(!keys.run("list").0.contains('!'));
        let before = fs::read_to_string(keys.path(public_file)).unwrap();
        keys.run(&format!("retire {ring} --id k1"));
        fs::write(keys.path(public_file), &before).unwrap();
        keys.run(&format!("retire {ring} --id k1"));
        assert!(keys.refused(&format!("retire {ring} --id k1")).contains("no key k1"));
    }
    keys.config();
}

#[test]
fn the_key_in_use_is_never_removed_and_nothing_happens_out_of_turn() {
    let keys = Keys::make();
    for ring in RINGS {
        assert!(keys.refused(&format!("retire {ring} --id k1")).contains("k1 is in use"));
        assert!(keys.refused(&format!("retire {ring}")).contains("no key is old"));
        assert!(keys.refused(&format!("promote {ring}")).contains("no key is staged"));
    }
    for _ in 0..7 {
        keys.run("stage pepper");
    }
    assert!(keys.refused("stage pepper").contains("retire old ones first"));
    assert!(keys.refused("promote api").contains("no order"));
    assert!(keys.refused("retire api").contains("--id"));
    assert!(keys.refused("stage api --tenant dev").contains("--kind"));
    assert!(keys.refused("stage api --tenant nobody --kind secret").contains("nobody"));
    assert!(keys.refused("stage pepper --tenant dev").contains("stage api"));
}
