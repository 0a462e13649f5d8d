//! Telegram's adapter against its provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::Reason;

use crate::peer::CODE;
use crate::peer::Peer;
use crate::peer::secret;
use crate::peer::wrong_secret;

#[tokio::test]
async fn a_telegram_message_arrives_and_its_reports_name_the_attempt() {
    let peer = Peer::start("telegram", "").await;
    let id = peer.send().await;
    let inbox = peer.sandbox.inbox("").await;
    assert_eq!((&inbox[0]["channel"], &inbox[0]["id"]), (&json!("telegram"), &json!(id)));
    assert!(inbox[0]["text"].as_str().unwrap().contains(CODE));
    peer.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert_eq!(peer.check().await, "the token is accepted");
}

#[tokio::test]
async fn telegram_refuses_strangers_and_fails_with_its_own_errors() {
    let peer = Peer::start("telegram", "").await;
    match peer.send_as(wrong_secret).await {
        Ok(Answered::Refused(refusal)) => assert_eq!(refusal.code.as_deref(), Some("ACCESS_TOKEN_INVALID")),
        other => panic!("not refused: {other:?}"),
    }
    peer.fault(&json!({"mode": "reject"})).await;
    assert_eq!(peer.refused().await.as_deref(), Some("PHONE_NUMBER_NOT_FOUND"));
    peer.fault(&json!({"mode": "http_429", "retry_after_s": 3})).await;
    match peer.send_as(secret).await {
        Ok(Answered::Refused(refusal)) => assert_eq!(refusal.retry_after_ms, Some(3_000)),
        other => panic!("not refused: {other:?}"),
    }
    peer.fault(&json!({"mode": "failed_receipt"})).await;
    let id = peer.send().await;
    let failed = Fate::Failed { code: Some("expired".into()), fallback: Reason::Rejected };
    peer.hears(&id, &[Fate::Sent, failed]).await;
    assert!(peer.sandbox.inbox("").await.is_empty());
}
