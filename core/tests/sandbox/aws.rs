//! The adapters for AWS against AWS as the sandbox plays it.

use serde_json::json;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::callback::Told;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::TEXT;

const SMS: &str = "name = 'aws'\nkind = 'aws_sms'\nregion = 'eu-central-1'\naccess_key_id = 'AKIAIOSFODNN7EXAMPLE'\n\
                   topic_arn = 'arn:aws:sns:eu-central-1:123456789012:receipts'\nfrom = 'TIFFIN'\n\
                   base_url = '{base}/aws'";
const SNS: &str = "name = 'aws'\nkind = 'aws_sns'\nregion = 'eu-central-1'\naccess_key_id = 'AKIAIOSFODNN7EXAMPLE'\n\
                   from = 'TIFFIN'\nbase_url = '{base}/aws'";
const SECRETS: [(&str, &str); 2] = [("secret_access_key", "a key"), ("session_token", "a token")];

#[tokio::test]
async fn a_message_arrives_and_its_signed_events_name_the_attempt() {
    let bench = Bench::start(SMS, &SECRETS, &[]).await;
    let provider_id = bench.taken().await;
    assert_eq!(bench.inbox().await, [TEXT]);
    let posted = bench.posted(2).await;
    let told = |fate| {
        Heard::from(Told {
            attempt: Some(Bench::reference()),
            provider_id: provider_id.clone(),
            fate,
            cost: None,
        })
    };
    assert_eq!(bench.hear(&posted[0]).await, Ok(told(Fate::Sent)));
    assert_eq!(bench.hear(&posted[1]).await, Ok(told(Fate::Delivered)));
    let forged = Bench::altered(&posted[1], "DELIVERED", "BLOCKED");
    assert_eq!(bench.hear(&forged).await, Err(CallbackError::Signature));
    let accepted = "accepted; AWS keeps the account in its sandbox: only verified numbers";
    assert_eq!(bench.check().await, Ok(accepted.into()));
}

#[tokio::test]
async fn a_subscription_is_confirmed_by_a_visit() {
    let bench = Bench::start(SMS, &SECRETS, &[]).await;
    assert_eq!(bench.post("/aws/subscribe/aws").await, 204);
    let heard = bench.hear(&bench.posted(1).await[0]).await.unwrap();
    assert_eq!((heard.told.len(), &heard.reply), (0, &None));
    let address = heard.visit.unwrap();
    assert!(
        address.starts_with(&format!("{}/aws/?Action=ConfirmSubscription&", bench.sandbox.base)),
        "{address}"
    );
    assert_eq!(bench.visit(&address).await, 200);
}

#[tokio::test]
async fn a_wrong_key_is_refused_by_both() {
    for keys in [SMS, SNS] {
        for wrong in [("secret_access_key", "another"), ("session_token", "another")] {
            let bench = Bench::start(keys, &SECRETS, &[wrong]).await;
            assert_eq!(bench.send().await, CallOutcome::Failed(Reason::AuthFailed));
            assert!(bench.check().await.unwrap_err().contains("code InvalidSignatureException"));
            assert!(bench.inbox().await.is_empty());
        }
    }
}

#[tokio::test]
async fn faults_are_told_in_the_providers_words() {
    let bench = Bench::start(SMS, &SECRETS, &[]).await;
    for (script, outcome) in [
        (json!({"mode": "reject"}), CallOutcome::Failed(Reason::OptedOut)),
        (
            json!({"mode": "reject", "code": "SENDER_ID_NOT_REGISTERED"}),
            CallOutcome::Failed(Reason::SenderUnapproved),
        ),
        (json!({"mode": "reject", "code": "AccessDeniedException"}), CallOutcome::Failed(Reason::AuthFailed)),
        (json!({"mode": "http_500"}), CallOutcome::Failed(Reason::ProviderDown)),
        (
            json!({"mode": "http_429", "retry_after_s": 7}),
            CallOutcome::Throttled { retry_after_ms: Some(7_000) },
        ),
    ] {
        bench.fault(&script).await;
        assert_eq!(bench.send().await, outcome, "{script}");
    }
    bench.fault(&json!({"mode": "failed_receipt", "code": "TEXT_SPAM"})).await;
    let provider_id = bench.taken().await;
    let posted = bench.posted(2).await;
    let fate = Fate::Failed { code: Some("TEXT_SPAM".into()), fallback: Reason::Rejected };
    let told = Told { attempt: Some(Bench::reference()), provider_id, fate, cost: None };
    assert_eq!(bench.hear(&posted[1]).await, Ok(told.into()));
}

#[tokio::test]
async fn sns_delivers_and_tells_nothing() {
    let bench = Bench::start(SNS, &SECRETS, &[]).await;
    bench.taken().await;
    assert_eq!(bench.inbox().await, [TEXT]);
    for (script, outcome) in [
        (json!({"mode": "reject", "code": "OptedOut"}), CallOutcome::Failed(Reason::OptedOut)),
        (json!({"mode": "http_500"}), CallOutcome::Failed(Reason::ProviderDown)),
        (json!({"mode": "http_429"}), CallOutcome::Throttled { retry_after_ms: Some(1_000) }),
    ] {
        bench.fault(&script).await;
        assert_eq!(bench.send().await, outcome, "{script}");
    }
    let accepted = "accepted; AWS keeps the account in its sandbox: only verified numbers";
    assert_eq!(bench.check().await, Ok(accepted.into()));
    assert!(bench.posted(0).await.is_empty());
}
