//! The modes that accept a message, and then tell of it wrongly, late or never.

use reqwest::Method;
use serde_json::json;

use crate::common::Receiver;
use crate::common::Sandbox;
use crate::common::eventually;

#[tokio::test]
async fn a_message_without_a_receipt_stays_sent_and_never_arrives() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "accept_no_receipt"})).await;
    let (status, lost) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    assert_eq!((status, &lost["status"]), (201, &json!("queued")));
    let sid = lost["sid"].as_str().unwrap();
    eventually("sent", async || sandbox.fetched(sid).await["status"] == "sent").await;

    // A later message goes all the way, and by then the lost one has had its time.
    sandbox.fault(&json!({"mode": "ok"})).await;
    let (_, kept) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    eventually("the later message", async || receiver.statuses() == ["sent", "delivered"]).await;
    assert!(receiver.calls().iter().all(|call| kept["sid"] == call["MessageSid"].as_str()));
    assert_eq!(sandbox.fetched(sid).await["status"], "sent");
    let inbox = sandbox.inbox("").await;
    assert_eq!((inbox.len(), &inbox[0]["id"]), (1, &kept["sid"]));
    let (_, statuses) = sandbox.call(Method::GET, "/inbox/statuses", "").await;
    assert_eq!(statuses["statuses"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_message_is_called_back_with_its_code() {
    let sandbox = Sandbox::start().await;
    for (script, code) in [
        (json!({"mode": "failed_receipt"}), "30003"),
        (json!({"mode": "failed_receipt", "code": 30_007}), "30007"),
    ] {
        let receiver = Receiver::start(0).await;
        sandbox.fault(&script).await;
        let (status, sent) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
        assert_eq!((status, &sent["error_code"]), (201, &json!(null)));
        eventually("both callbacks", async || receiver.statuses() == ["sent", "undelivered"]).await;
        let calls = receiver.calls();
        assert!(!calls[0].contains_key("ErrorCode"));
        assert_eq!((&*calls[1]["ErrorCode"], &*calls[1]["verified"]), (code, "true"));
        let fetched = sandbox.fetched(sent["sid"].as_str().unwrap()).await;
        assert_eq!(fetched["status"], "undelivered");
        assert_eq!(fetched["error_code"].to_string(), code);
        assert!(fetched["error_message"].is_string());
    }
    assert!(sandbox.inbox("").await.is_empty());
}

#[tokio::test]
async fn late_callbacks_come_after_their_message_arrived() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "late_receipt", "receipt_after_ms": 3_000})).await;
    let (_, sent) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    let sid = sent["sid"].as_str().unwrap();
    eventually("delivered", async || sandbox.fetched(sid).await["status"] == "delivered").await;
    assert!(receiver.calls().is_empty() || receiver.elapsed_ms() >= 3_000);
    eventually("both callbacks", async || receiver.statuses() == ["sent", "delivered"]).await;
    assert!(receiver.elapsed_ms() >= 3_000);
}

#[tokio::test]
async fn each_callback_comes_twice() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "duplicate_receipt"})).await;
    sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    let twice = ["sent", "sent", "delivered", "delivered"];
    eventually("four callbacks", async || receiver.statuses() == twice).await;
    assert_eq!(receiver.calls()[0], receiver.calls()[1]);
    assert_eq!(sandbox.inbox("").await.len(), 1);
}

#[tokio::test]
async fn delivered_is_called_back_before_sent() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "out_of_order"})).await;
    let (_, sent) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    eventually("both callbacks", async || receiver.statuses() == ["delivered", "sent"]).await;
    assert_eq!(sandbox.fetched(sent["sid"].as_str().unwrap()).await["status"], "delivered");
}

#[tokio::test]
async fn the_callbacks_are_through_before_the_answer() {
    let sandbox = Sandbox::start().await;
    // The receiver refuses the first call, so that an answer which does not wait would come first.
    let receiver = Receiver::start(1).await;
    sandbox.fault(&json!({"mode": "receipt_first"})).await;
    let (status, sent) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    assert_eq!(receiver.statuses(), ["sent", "sent", "delivered"]);
    assert_eq!((status, &sent["status"]), (201, &json!("queued")));
    assert_eq!(sandbox.inbox("").await[0]["id"], sent["sid"]);
}

#[tokio::test]
async fn a_benchmarks_messages_are_delivered_at_once_and_not_kept() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "null"})).await;
    for count in 1..=20 {
        assert_eq!(sandbox.send(&[("StatusCallback", &receiver.url)]).await.0, 201);
        eventually("the callback", async || receiver.calls().len() == count).await;
    }
    assert!(receiver.statuses().iter().all(|status| status == "delivered"));
    assert!(receiver.calls().iter().all(|call| call["verified"] == "true"));
    assert!(receiver.connections() < 10, "{} connections", receiver.connections());
    assert!(sandbox.inbox("").await.is_empty() && sandbox.listed().await.is_empty());
    let (_, calls) = sandbox.call(Method::GET, "/calls/twilio-sms", "").await;
    assert_eq!((&calls["taken"], &calls["duplicates"]), (&json!(20), &json!(1)));
}
