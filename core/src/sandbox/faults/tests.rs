use super::*;

const USUAL: Usual = Usual { reject: "21614", failed_receipt: "30003" };

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
    let strike = Strike { mode: Mode::Timeout, latency_ms: 7, ..Strike::default() };
    assert_eq!(board.strike("g", 1_099), strike);
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
fn modes_have_their_details_or_the_usual_ones() {
    let strike = |script| board(script, 0).strike("g", 1);
    assert_eq!(strike(r#"{"mode":"reject"}"#).code, "21614");
    assert_eq!(strike(r#"{"mode":"reject","code":21610}"#).code, "21610");
    assert_eq!(strike(r#"{"mode":"failed_receipt"}"#).code, "30003");
    assert_eq!(strike(r#"{"mode":"http_429"}"#).retry_after_s, 1);
    assert_eq!(strike(r#"{"mode":"http_429","retry_after_s":9}"#).retry_after_s, 9);
    assert_eq!(strike(r#"{"mode":"late_receipt","receipt_after_ms":70}"#).receipt_after_ms, 70);
}

#[test]
fn names_are_the_ones_of_the_wire() {
    for name in "ok reject http_500 http_429 timeout timeout_taken reset reset_taken accept_no_receipt failed_receipt \
                 late_receipt duplicate_receipt out_of_order receipt_first null"
        .split_whitespace()
    {
        let board = board(&format!(r#"{{"mode":"{name}"}}"#), 0);
        assert_eq!(board.strike("g", 1).mode.name(), name);
    }
}

#[test]
fn refusals_name_the_field_and_what_is_allowed() {
    refused(r#"{"mode":"explode"}"#, "mode", "expected one of `ok`, `reject`, `http_500`");
    refused(r#"{"mode":7}"#, "mode", "string");
    refused(r#"{"rate":1.0}"#, "mode", "null");
    refused(r#"{"mode":"ok","speed":1}"#, "speed", "fields are mode, rate, latency_ms, for_ms, code");
    refused(r#"{"mode":"ok","rate":1.1}"#, "rate", "is 1.1; allowed is 0 to 1");
    refused(r#"{"mode":"ok","rate":-0.1}"#, "rate", "0 to 1");
    refused(r#"{"mode":"ok","rate":"all"}"#, "rate", "0 to 1");
    refused(r#"{"mode":"ok","latency_ms":60001}"#, "latency_ms", "0 to 60000");
    refused(r#"{"mode":"ok","for_ms":-1}"#, "for_ms", "is -1; allowed are whole numbers from 0");
    refused(r#"{"mode":"reject","code":true}"#, "code", "is true; allowed are 1 to 64 visible characters");
    refused(r#"{"mode":"reject","code":""}"#, "code", "1 to 64 visible");
    refused(r#"{"mode":"ok","code":21610}"#, "code", "goes with reject and failed_receipt, not with ok");
    refused(r#"{"mode":"ok","retry_after_s":1}"#, "retry_after_s", "goes with http_429, not with ok");
    refused(r#"{"mode":"http_429","retry_after_s":0}"#, "retry_after_s", "1 to 3600");
    refused(r#"{"mode":"reset","receipt_after_ms":1}"#, "receipt_after_ms", "goes with late_receipt");
    refused(r#"["ok"]"#, "", "no JSON object");
}

fn board(script: &str, now_ms: u64) -> Board {
    let board = Board::new(["g", "g"].into_iter().map(|name| (name.to_owned(), USUAL)));
    assert!(board.set("other", Script::default(), now_ms).is_none());
    let read = Script::parse(script.as_bytes());
    assert!(read.is_ok_and(|read| board.set("g", read, now_ms).is_some()), "{script}");
    assert_eq!(board.list(now_ms).len(), 1);
    board
}

fn refused(script: &str, field: &str, hint: &str) {
    let error = Script::parse(script.as_bytes()).err();
    assert_eq!(error.as_ref().and_then(|error| error.field()).unwrap_or_default(), field, "{script}");
    let reason = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(reason.contains(hint), "{script}: {reason}");
}
