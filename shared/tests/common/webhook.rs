//! Scripts for an endpoint's outbox and for the book of endpoints.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::book;
use tiffin_shared::webhook::book::Kept;
use tiffin_shared::webhook::book::Managed;
use tiffin_shared::webhook::outbox::Command;
use tiffin_shared::webhook::outbox::Done;
use tiffin_shared::webhook::outbox::Outbox;
use tiffin_shared::webhook::outbox::Outcome;

use super::fixtures::START;
use super::host::Host;
use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

#[derive(Clone, Debug)]
pub enum Action {
    /// Rows, tries and outcomes; and room for more.
    Turn(Vec<(u64, u32, Outcome)>, usize, u8),
    Notify(u64),
    /// So many rows from the cursor on.
    Fill(u64, bool),
    Restart,
    Replay(Vec<u64>),
    Enable,
    Told,
    Read,
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let retry_after_ms = Some(7_000);
    let outcome = prop_oneof![
        4 => Just(Outcome::Delivered),
        4 => Just(Outcome::Failed { retry_after_ms: None }),
        1 => Just(Outcome::Failed { retry_after_ms }),
        2 => Just(Outcome::Throttled { retry_after_ms }),
        1 => Just(Outcome::Missing),
        1 => Just(Outcome::Gone),
    ];
    let done = vec((0..40_u64, 1..4_u32, outcome), 0..9);
    let action = prop_oneof![
        8 => (done, 0..9_usize, 0..9_u8).prop_map(|(done, room, seed)| Action::Turn(done, room, seed)),
        3 => (0..40_u64).prop_map(Action::Notify),
        4 => (0..9_u64, proptest::bool::ANY).prop_map(|(rows, is_end)| Action::Fill(rows, is_end)),
        1 => Just(Action::Restart),
        1 => vec(0..40_u64, 0..5).prop_map(Action::Replay),
        1 => Just(Action::Enable),
        1 => Just(Action::Told),
        1 => Just(Action::Read),
    ];
    pause::script(pauses, action, moves)
}

pub fn command(action: &Action, host: &Host, now: UnixMs) -> Command {
    let cursor = || host.probe::<Outbox>(&Command::Read, now);
    let row = |n: &u64| (*n, Bytes((n % 3).to_be_bytes()));
    match action {
        Action::Turn(done, room, seed) => Command::Turn {
            done: done
                .iter()
                .map(|(n, attempt, outcome)| Done { n: *n, attempt: *attempt, outcome: *outcome })
                .collect(),
            room: *room,
            entropy: Entropy::new([*seed; 32]),
        },
        Action::Notify(n) => Command::Notify(*n),
        Action::Fill(rows, is_end) => {
            let reply = cursor();
            let (from, to) = (reply.cursor, reply.cursor + rows);
            Command::Fill {
                from,
                saw: reply.news,
                rows: (from..to).map(|n| row(&n)).collect(),
                to,
                is_end: *is_end,
            }
        }
        Action::Restart => Command::Restart { from: cursor().cursor },
        Action::Replay(rows) => Command::Replay(rows.iter().map(row).collect()),
        Action::Enable => Command::Enable,
        Action::Told => Command::Told,
        Action::Read => Command::Read,
    }
}

pub fn endpoint(tenant: &str, name: &str, id: u8) -> Managed {
    let sealed = r#"{"key":"c1","nonce":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ","ciphertext":"AAAA"}"#;
    Managed {
        tenant: TenantId::parse(tenant).unwrap(),
        name: EndpointId::parse(name).unwrap(),
        id: Bytes([id; 8]),
        url: "https://example.com/hooks".into(),
        events: vec![Kind::OrderDelivered],
        keys: vec![Kept { sealed: serde_json::from_str(sealed).unwrap(), until: None }],
        created_at: START,
    }
}

/// Few names, so that some come again.
pub fn entry() -> impl Strategy<Value = book::Command> {
    let named =
        (0..2_usize, 0..10_usize).prop_map(|(tenant, name)| (["acme", "bolt"][tenant], format!("e{name}")));
    (named, 0..4_u8, 0..9_u8).prop_map(|((tenant, name), id, kind)| {
        let of = endpoint(tenant, &name, id);
        match kind {
            0 => book::Command::Read,
            1 => book::Command::Remove(of.tenant, of.name),
            2 | 3 => {
                let text = format!(
                    r#"{{"key":"c{id}","nonce":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ","ciphertext":"AAAA"}}"#
                );
                let sealed = serde_json::from_str(&text).unwrap();
                book::Command::Rotate { tenant: of.tenant, name: of.name, sealed, overlap_ms: HOUR_MS }
            }
            4 => {
                let other = endpoint(tenant, "other", id).keys.remove(0).sealed;
                let text = serde_json::to_string(&other).unwrap().replace("c1", &format!("c{id}"));
                book::Command::Reseal { old: other, new: serde_json::from_str(&text).unwrap() }
            }
            _ => book::Command::Add(Box::new(of)),
        }
    })
}
