//! States of a few fields.

use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::reads;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::fleet;
use tiffin_shared::fleet::Fleet;
use tiffin_shared::log;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::operator::Attempts;
use tiffin_shared::operator::Command;
use tiffin_shared::operator::Session;
use tiffin_shared::operator::SignedIn;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::operator::attempts;
use tiffin_shared::operator::session;

#[test]
fn the_state_of_a_fleet_is_pinned() {
    let mut host = Host::default();
    host.ask::<Fleet>(&fleet::Command::Beat { id: Bytes([7; 16]) }, START);
    let text =
        r#"{"clock":1795082400000,"members":[{"id":"BwcHBwcHBwcHBwcHBwcHBw","beat_at":1795082400000}]}"#;
    assert_eq!(host.body(), Some(text));
    reads::<fleet::State>(text);
}

#[test]
fn the_head_of_a_log_is_pinned() {
    let mut host = Host::default();
    let rows = vec![NewRow { id: "a-1".into(), body: serde_json::json!({"amount_micros": 5}) }];
    host.ask::<Log>(&log::Command::Append { rows, keep_ms: 1_000 }, START);
    let text = r#"{"clock":1795082400000,"keep_ms":1000,"began_at":1795082400000,"pages":0,"tail":[{"n":0,"at":1795082400000,"id":"a-1","body":{"amount_micros":5}}]}"#;
    assert_eq!(host.body(), Some(text));
    reads::<log::State>(text);
    // Of before heads told when they began.
    reads::<log::State>(&text.replace(r#""began_at":1795082400000,"#, ""));
}

#[test]
fn a_sign_in_and_the_attempts_to_are_pinned() {
    let mut host = Host::default();
    let who = SignedIn { name: "asha".into(), digest: TokenDigest::of("op_token") };
    host.ask::<Session>(&Command::Begin(who), START);
    let text = r#"{"who":{"name":"asha","digest":"AX_V58MMEonzG7rjr4caW3Q_jk2Ld93YWAeK0E8ngxo"},"ends_at":1795125600000,"used_at":1795082400000}"#;
    assert_eq!(host.body(), Some(text));
    reads::<session::State>(text);
    let mut host = Host::default();
    for _ in 0..2 {
        host.ask::<Attempts>(&(), START).unwrap();
    }
    let text = r#"{"clock":1795082400000,"bucket":1795082520000}"#;
    assert_eq!(host.body(), Some(text));
    reads::<attempts::State>(text);
}
