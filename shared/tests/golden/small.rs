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
