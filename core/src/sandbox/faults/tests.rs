use super::*;

#[test]
fn a_rate_strikes_its_share_exactly() {
    for (rate, struck) in [(0.0, 0), (0.1, 10), (0.25, 25), (0.5, 50), (1.0, 100)] {
        let board = board(&format!(r#"{{"mode":"reject","rate":{rate}}}"#), 0);
        let count = (0..100).filter(|_| board.strike("g", 1).mode == Mode::Reject).count();
        assert_eq!(count, struck, "rate {rate}");
    }
}

#[test]
fn a_fault_with_an_end_ends_by_itself() {
    let board = board(r#"{"mode":"timeout","latency_ms":7,"for_ms":100}"#, 1_000);
    assert_eq!(board.strike("g", 1_099), Strike { mode: Mode::Timeout, latency_ms: 7 });
    assert_eq!(board.strike("g", 1_100), Strike::default());
}

#[test]
fn a_fault_without_an_end_stays_until_it_is_reset() {
    let board = board(r#"{"mode":"http_500"}"#, 1_000);
    assert_eq!(board.strike("g", u64::MAX - 1).mode, Mode::Http500);
    board.reset();
    assert_eq!(board.strike("g", 1_000), Strike::default());
}

#[test]
fn refusals_name_what_is_allowed() {
    refused(r#"{"mode":"explode"}"#, "expected one of `ok`, `reject`, `timeout`, `http_500`");
    refused(r#"{"mode":"ok","speed":1}"#, "expected one of `mode`, `rate`, `latency_ms`, `for_ms`");
    refused(r#"{"rate":1.0}"#, "missing field `mode`");
    refused(r#"{"mode":"ok","rate":1.1}"#, "0 to 1");
    refused(r#"{"mode":"ok","rate":-0.1}"#, "0 to 1");
    refused(r#"{"mode":"ok","latency_ms":60001}"#, "0 to 60000");
    refused(r#"{"mode":"ok","for_ms":-1}"#, "u64");
}

fn board(script: &str, now_ms: u64) -> Board {
    let board = Board::new(["g".to_owned(), "g".to_owned()].into_iter());
    assert!(board.set("other", Script::default(), now_ms).is_none());
    assert!(Script::parse(script.as_bytes()).is_ok_and(|script| board.set("g", script, now_ms).is_some()));
    assert_eq!(board.list(now_ms).len(), 1);
    board
}

fn refused(script: &str, hint: &str) {
    let reason = Script::parse(script.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(reason.contains(hint), "{script}: {reason}");
}
