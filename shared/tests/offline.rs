//! Somebody has everything that was stored: what a ledger keeps of a code gives it away to the pepper's holder alone.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the time is worth reading")]

use std::ops::Range;
use std::time::Instant;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use tiffin_shared::bytes;
use tiffin_shared::bytes::sha256;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;

use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create;
use crate::common::fixtures::open;
use crate::common::host::Host;

mod common;

const CODES: u32 = 1_000_000;
const CODE_BYTES: u32 = 6;
const AROUND: u32 = 10_000;
/// The pepper of the fixtures, which the thief has not.
const PEPPER: [u8; 32] = [4; 32];

/// What stands in the dump of a Durable Object, of Redis, or of a backup: a ledger's row.
struct Dump {
    row: String,
    order: Value,
    tenant: String,
    /// What was in the message. For marking the thief's work, not for doing it.
    code: String,
}

fn dump() -> Dump {
    let mut host = Host::default();
    let reply = host.ask::<Ledger>(&command(1, Ask::Create(Box::new(create(0, 0, 0, 0)))), START);
    let code = open(&reply.due[0]).code.expose().to_owned();
    let row = host.body().unwrap().to_owned();
    let ledger: Value = serde_json::from_str(&row).unwrap();
    let (tenant, section) = ledger["sections"].as_object().unwrap().iter().next().unwrap();
    Dump { order: section["orders"][0].clone(), tenant: tenant.clone(), row, code }
}

impl Dump {
    fn text(&self, pointer: &str) -> &str {
        self.order.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    fn time(&self, name: &str) -> [u8; 8] {
        self.order[name].as_u64().unwrap().to_be_bytes()
    }

    fn bytes<const N: usize>(&self, pointer: &str) -> [u8; N] {
        bytes::decode_array(self.text(pointer)).unwrap()
    }

    /// The digest under a key of the thief's choice, as the published source makes it, up to the code: the rest is
    /// the same for all codes, so it is hashed once.
    fn head(&self, key: &[u8; 32]) -> Hmac<Sha256> {
        let (issued_at, expires_at) = (self.time("created_at"), self.time("expires_at"));
        let salt: [u8; 16] = self.bytes("/digest/salt");
        let fields: [&[u8]; 9] = [
            b"tiffin-code-v1",
            self.text("/digest/pepper").as_bytes(),
            self.tenant.as_bytes(),
            self.text("/id").as_bytes(),
            self.text("/service").as_bytes(),
            &[],
            &issued_at,
            &expires_at,
            &salt,
        ];
        let mut head = Hmac::new_from_slice(key).unwrap();
        head.update(&bytes::prefixed(&fields));
        head.update(&CODE_BYTES.to_be_bytes());
        head
    }

    /// Tries the codes under a key.
    fn search(&self, key: [u8; 32], codes: Range<u32>) -> Option<String> {
        let (wanted, head): ([u8; 32], _) = (self.bytes("/digest/tag"), self.head(&key));
        search(codes, |code| {
            let mut mac = head.clone();
            mac.update(code.as_bytes());
            mac.finalize().into_bytes()[..] == wanted
        })
    }

    /// Everything in the dump that could be mistaken for a key, and what a program would be left with if it had none.
    fn keys_at_hand(&self) -> Vec<(&'static str, [u8; 32])> {
        vec![
            ("no key", [0; 32]),
            ("the pepper itself, not what is derived from it", PEPPER),
            ("the pepper's name", sha256(self.text("/digest/pepper").as_bytes())),
            ("the order's id", sha256(self.text("/id").as_bytes())),
            ("the salt", sha256(&self.bytes::<16>("/digest/salt"))),
        ]
    }
}

/// As [`tiffin_shared::keys::Pepper`] does.
fn derived(pepper: [u8; 32]) -> [u8; 32] {
    let mut key = [0; 32];
    hkdf::Hkdf::<Sha256>::new(None, &pepper).expand(b"tiffin/v1/code", &mut key).unwrap();
    key
}

/// On every core.
fn search(codes: Range<u32>, is_it: impl Fn(&str) -> bool + Sync) -> Option<String> {
    let threads = u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap();
    std::thread::scope(|scope| {
        let part = |nth: u32| {
            let (is_it, codes) = (&is_it, codes.clone());
            scope.spawn(move || {
                let own = codes.skip(nth as usize).step_by(threads as usize);
                own.map(|number| format!("{number:06}")).find(|code| is_it(code))
            })
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        parts.into_iter().filter_map(|part| part.join().unwrap()).next()
    })
}

/// All 10^6 under a stranger's pepper; under the other keys those around the right one. The last search shows that
/// the thief's program works.
#[test]
fn a_stolen_ledger_gives_away_no_code_without_the_pepper() {
    let dump = dump();
    assert!(!dump.row.contains(&dump.code), "in clear");
    assert_eq!(dump.search(derived([5; 32]), 0..CODES), None, "another installation's pepper");
    let code: u32 = dump.code.parse().unwrap();
    let around = code.saturating_sub(AROUND)..(code + AROUND).min(CODES);
    for (what, key) in dump.keys_at_hand() {
        assert_eq!(dump.search(key, around.clone()), None, "{what}");
    }
    assert_eq!(dump.search(derived(PEPPER), 0..CODES), Some(dump.code.clone()), "with the pepper");
}

/// What the digest must not be: of a salted hash the code is found at once.
/// For the time: cargo test --release -p tiffin-shared --test offline -- --nocapture
#[test]
fn a_salted_hash_would_give_the_code_away() {
    let dump = dump();
    let salted = Sha256::new_with_prefix(dump.bytes::<16>("/digest/salt"));
    let hash = |code: &str| -> [u8; 32] { salted.clone().chain_update(code).finalize().into() };
    let stolen = hash(&dump.code);
    #[expect(clippy::disallowed_methods, reason = "a stop watch for the reader; nothing depends on it")]
    let begun = Instant::now();
    assert_eq!(search(0..CODES, |code| hash(code) == stolen), Some(dump.code.clone()));
    println!("{:?} to find the code of a salted hash", begun.elapsed());
    let tag: [u8; 32] = dump.bytes("/digest/tag");
    assert_eq!(search(0..CODES, |code| hash(code) == tag), None, "ours is none");
}
