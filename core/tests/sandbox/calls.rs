//! What `GET /calls/{gateway}` counts.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::answer;
use crate::common::form;

/// `printf '482915 is your code.' | sha256sum`
const BODY_SHA256: &str = "61af2396c7a9f628ee25f2cddd634aa586059501521e2befa67f4e67de38a02b";

#[tokio::test]
async fn calls_are_counted_by_what_became_of_them() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.send(&[]).await.0, 201);
    assert_eq!(sandbox.send(&[("To", "nobody")]).await.0, 400);
    let stranger = sandbox.client.post(sandbox.messages_url()).form(&form(&[]));
    assert_eq!(answer(stranger).await.0, 401);
    for mode in ["reject", "reject", "http_500", "reset", "accept_no_receipt"] {
        sandbox.fault(&json!({ "mode": mode })).await;
        let _answer = sandbox.request(&[]).send().await;
    }
    for mode in ["timeout", "timeout_taken"] {
        sandbox.fault(&json!({ "mode": mode })).await;
        let waiting = sandbox.request(&[]).timeout(Duration::from_millis(300)).send().await;
        assert!(waiting.unwrap_err().is_timeout());
    }
    let calls = read(&sandbox, "").await;
    assert_eq!((&calls["gateway"], &calls["received"]), (&json!("twilio-sms"), &json!(10)));
    assert_eq!(calls["taken"], 3);
    let refused =
        json!({"http_500": 1, "invalid": 1, "reject": 2, "reset": 1, "timeout": 1, "unauthenticated": 1});
    assert_eq!(calls["refused"], refused);
    let seconds = calls["per_second"].as_array().unwrap();
    let sum = |name: &str| seconds.iter().map(|second| second[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("received"), sum("taken")), (10, 3));
}

#[tokio::test]
async fn duplicates_are_found_without_reading_texts() {
    let sandbox = Sandbox::start().await;
    sandbox.send(&[]).await;
    sandbox.send(&[("To", "+14155550001")]).await;
    assert_eq!(read(&sandbox, "").await["duplicates"], 0);
    sandbox.send(&[]).await;
    sandbox.fault(&json!({"mode": "reject"})).await;
    sandbox.send(&[]).await;

    let calls = read(&sandbox, "").await;
    let body_sha256 = BODY_SHA256;
    let messages = json!([
        {"to": "+14155550001", "body_sha256": body_sha256, "received": 1, "taken": 1},
        {"to": PHONE, "body_sha256": body_sha256, "received": 3, "taken": 2},
    ]);
    assert_eq!((&calls["messages"], &calls["duplicates"]), (&messages, &json!(1)));
    assert_eq!((&calls["left_off"], &calls["forgotten"]), (&json!(0), &json!(0)));
    let one = read(&sandbox, "?to=%2B14155550001").await;
    assert_eq!((one["messages"].as_array().unwrap().len(), &one["duplicates"]), (1, &json!(0)));
}

#[tokio::test]
async fn the_counts_begin_anew_when_they_are_deleted() {
    let sandbox = Sandbox::start().await;
    sandbox.send(&[]).await;
    assert_eq!(sandbox.call(Method::DELETE, "/calls/twilio-sms", "").await.0, 204);
    let calls = read(&sandbox, "").await;
    assert_eq!((&calls["received"], &calls["taken"], &calls["messages"]), (&json!(0), &json!(0), &json!([])));
    for method in [Method::GET, Method::DELETE] {
        let (status, problem) = sandbox.call(method, "/calls/pigeon", "").await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    }
}

async fn read(sandbox: &Sandbox, query: &str) -> Value {
    let (status, calls) = sandbox.call(Method::GET, &format!("/calls/twilio-sms{query}"), "").await;
    assert_eq!(status, 200);
    calls
}
