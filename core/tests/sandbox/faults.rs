//! The board of faults, and the modes that refuse.

use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::eventually;

#[tokio::test]
async fn a_refusal_is_the_providers_with_any_of_its_codes() {
    let sandbox = Sandbox::start().await;
    let cases = [
        (json!({"mode": "reject"}), 400, 21_614),
        (json!({"mode": "reject", "code": 21_610}), 400, 21_610),
        (json!({"mode": "reject", "code": 20_003}), 401, 20_003),
        (json!({"mode": "reject", "code": 20_429}), 429, 20_429),
        (json!({"mode": "reject", "code": 98_765}), 400, 98_765),
        (json!({"mode": "http_500"}), 500, 20_500),
    ];
    for (script, status, code) in cases {
        sandbox.fault(&script).await;
        let (answered, body) = sandbox.send(&[]).await;
        assert_eq!((answered, &body["code"], &body["status"]), (status, &json!(code), &json!(status)));
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
    assert!(sandbox.listed().await.is_empty());
}

#[tokio::test]
async fn too_many_requests_come_with_a_time_to_return() {
    let sandbox = Sandbox::start().await;
    for (script, seconds) in
        [(json!({"mode": "http_429"}), "1"), (json!({"mode": "http_429", "retry_after_s": 7}), "7")]
    {
        sandbox.fault(&script).await;
        let response = sandbox.request(&[]).send().await.unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], seconds);
        assert!(response.text().await.unwrap().contains("20429"));
    }
}

#[tokio::test]
async fn a_rate_and_a_latency_are_kept() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(&json!({"mode": "ok", "latency_ms": 150})).await;
    let begun = Instant::now();
    assert_eq!(sandbox.send(&[]).await.0, 201);
    assert!(begun.elapsed() >= Duration::from_millis(150));

    sandbox.fault(&json!({"mode": "reject", "rate": 0.5})).await;
    let mut refused = 0;
    for _ in 0..10 {
        refused += u32::from(sandbox.send(&[]).await.0 == 400);
    }
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn a_fault_with_an_end_ends_by_itself() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(&json!({"mode": "http_500", "for_ms": 1_000})).await;
    assert_eq!(sandbox.send(&[]).await.0, 500);
    eventually("the fault is over", async || sandbox.send(&[]).await.0 == 201).await;
}

#[tokio::test]
async fn the_board_lists_what_is_on_and_can_be_reset() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(&json!({"mode": "late_receipt", "rate": 0.25, "receipt_after_ms": 9})).await;
    let (_, listed) = sandbox.call(Method::GET, "/faults", "").await;
    let late = json!({"gateway": "twilio-sms", "mode": "late_receipt", "rate": 0.25, "latency_ms": 0, "for_ms": 0,
                      "receipt_after_ms": 9, "left_ms": null});
    assert_eq!(listed, json!({ "faults": [late] }));

    assert_eq!(sandbox.call(Method::DELETE, "/faults", "").await.0, 204);
    let (_, listed) = sandbox.call(Method::GET, "/faults", "").await;
    let ok = json!({"gateway": "twilio-sms", "mode": "ok", "rate": 1.0, "latency_ms": 0, "for_ms": 0, "left_ms": null});
    assert_eq!(listed, json!({ "faults": [ok] }));
}

#[tokio::test]
async fn a_bad_fault_is_refused_with_its_field_and_what_is_allowed() {
    let sandbox = Sandbox::start().await;
    for (body, field, hint) in [
        (r#"{"mode":"explode"}"#, json!("mode"), "`http_500`"),
        (r#"{"mode":"ok","speed":1}"#, json!("speed"), "latency_ms"),
        (r#"{"mode":"ok","rate":2}"#, json!("rate"), "0 to 1"),
        (r#"{"mode":"timeout","code":21610}"#, json!("code"), "goes with reject"),
        ("", json!(null), "EOF"),
    ] {
        let (status, problem) = sandbox.call(Method::PUT, "/faults/twilio-sms", body).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{body}");
        assert_eq!(problem["field"], field);
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{problem}");
    }
    let (status, problem) = sandbox.call(Method::PUT, "/faults/pigeon", r#"{"mode":"ok"}"#).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    assert_eq!(sandbox.send(&[]).await.0, 201);
}

#[tokio::test]
async fn messages_can_be_looked_up_in_every_mode() {
    let sandbox = Sandbox::start().await;
    let (_, sent) = sandbox.send(&[]).await;
    let sid = sent["sid"].as_str().unwrap();
    for mode in "ok reject http_500 http_429 timeout timeout_taken reset reset_taken accept_no_receipt failed_receipt \
                 late_receipt duplicate_receipt out_of_order receipt_first null"
        .split_whitespace()
    {
        sandbox.fault(&json!({ "mode": mode })).await;
        let listed = sandbox.listed().await;
        assert_eq!((&listed[0]["sid"], &listed[0]["to"]), (&json!(sid), &json!(PHONE)), "{mode}");
        assert_eq!(sandbox.fetched(sid).await["sid"], sid, "{mode}");
    }
}
