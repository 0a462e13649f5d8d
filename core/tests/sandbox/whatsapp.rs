//! WhatsApp's adapter against its provider in the sandbox.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::Reason;

use crate::common::PHONE;
use crate::peer::CODE;
use crate::peer::Peer;
use crate::peer::secret;
use crate::peer::wrong_secret;

async fn whatsapp() -> Peer {
    let keys = "from = '106540352242922'\ntemplate = 'login_code'\nbusiness_account_id = '102290129340398'";
    Peer::start("whatsapp_cloud", keys).await
}

#[tokio::test]
async fn a_whatsapp_message_arrives_and_its_receipts_name_the_attempt() {
    let peer = whatsapp().await;
    let id = peer.send().await;
    let inbox = peer.sandbox.inbox("").await;
    assert_eq!((&inbox[0]["to"], &inbox[0]["channel"]), (&json!(PHONE), &json!("whatsapp")));
    assert!(inbox[0]["text"].as_str().unwrap().contains(CODE) && inbox[0]["id"] == id);
    peer.hears(&id, &[Fate::Sent, Fate::Delivered]).await;
    assert!(peer.check().await.contains("GREEN"));
}

#[tokio::test]
async fn whatsapp_refuses_strangers_and_fails_with_metas_codes() {
    let peer = whatsapp().await;
    match peer.send_as(wrong_secret).await {
        Ok(Answered::Refused(refusal)) => assert_eq!(refusal.code.as_deref(), Some("190")),
        other => panic!("not refused: {other:?}"),
    }
    peer.fault(&json!({"mode": "reject"})).await;
    assert_eq!(peer.refused().await.as_deref(), Some("131026"));
    peer.fault(&json!({"mode": "http_429", "retry_after_s": 3})).await;
    match peer.send_as(secret).await {
        Ok(Answered::Refused(refusal)) => {
            assert_eq!((refusal.code.as_deref(), refusal.retry_after_ms), (Some("130429"), Some(3_000)));
        }
        other => panic!("not refused: {other:?}"),
    }
    peer.fault(&json!({"mode": "failed_receipt", "code": "131049"})).await;
    let id = peer.send().await;
    let failed = Fate::Failed { code: Some("131049".into()), fallback: Reason::Rejected };
    peer.hears(&id, &[Fate::Sent, failed]).await;
    assert!(peer.sandbox.inbox("").await.is_empty());
}
