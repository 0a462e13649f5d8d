//! A gateway by configuration against the one that the sandbox has for it.

use serde_json::json;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::callback::Told;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::DOOR;
use crate::bench::TEXT;

/// As in docs/GATEWAYS.md.
const KEYS: &str = "name = 'own'\nkind = 'http'\nurl = '{base}/http/messages'\ncontent_type = 'application/json'\n\
    body = '{\"to\": \"{to}\", \"text\": \"{text}\", \"reference\": \"{reference}\", \"callback_url\": \"{callback_url}\"}'\n\
    success = { pointer = '/status', equals = 'queued' }\nid = '/id'\ncode = '/error/code'\n";
const RECEIPTS: &str = "[callback]\nid = '/id'\nstatus = '/status'\ncode = '/code'\nreference = '/reference'\n\
    delivered = ['DELIVRD']\nfailed = ['UNDELIV']\nsent = ['ENROUTE']\n";
const BEARER: &str = "auth = 'header'\nauth_prefix = 'Bearer '\n";
const SIGNED: &str = "signature_header = 'X-Signature'\nsignature = 'hmac-sha256-hex'\n";
const SECRETS: [(&str, &str); 2] = [("token", "a token"), ("callback_secret", DOOR)];

#[tokio::test]
async fn a_message_arrives_and_its_unsigned_receipts_come_through_the_door() {
    let bench = Bench::start(&format!("{KEYS}{BEARER}{RECEIPTS}"), &SECRETS, &[]).await;
    assert!(bench.gateway().only_hints());
    let provider_id = bench.taken().await;
    assert_eq!(bench.inbox().await, [TEXT]);
    let posted = bench.posted(2).await;
    assert_eq!(posted[0].path, format!("/callbacks/own/{DOOR}"));
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
}

#[tokio::test]
async fn signed_receipts_count_as_signed() {
    let secrets = [("token", "a token"), ("signature_secret", "a secret")];
    for signed in [SIGNED.to_owned(), SIGNED.replace("hex'", "base64'\nsignature_prefix = 'v1,'")] {
        let bench = Bench::start(&format!("{KEYS}{BEARER}{signed}{RECEIPTS}"), &secrets, &[]).await;
        assert!(!bench.gateway().only_hints());
        let provider_id = bench.taken().await;
        let posted = bench.posted(2).await;
        assert_eq!(posted[1].path, "/callbacks/own");
        let told = Told { attempt: Some(Bench::reference()), provider_id, fate: Fate::Delivered, cost: None };
        assert_eq!(bench.hear(&posted[1]).await, Ok(told.into()));
        let forged = Bench::altered(&posted[1], "DELIVRD", "UNDELIV");
        assert_eq!(bench.hear(&forged).await, Err(CallbackError::Signature));
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let basic = "auth = 'basic'\nuser = 'tiffin'\n";
    let secrets = [("token", "a token"), ("password", "a password"), ("callback_secret", DOOR)];
    for (auth, wrong) in [(BEARER, ("token", "another")), (basic, ("password", "another"))] {
        let keys = format!("{KEYS}{auth}{RECEIPTS}");
        let bench = Bench::start(&keys, &secrets, &[wrong]).await;
        assert_eq!(bench.send().await, CallOutcome::Failed(Reason::AuthFailed));
        Bench::start(&keys, &secrets, &[]).await.taken().await;
    }
}

#[tokio::test]
async fn faults_are_told_by_the_configured_rules() {
    let bench = Bench::start(&format!("{KEYS}{BEARER}{RECEIPTS}"), &SECRETS, &[]).await;
    for (script, outcome) in [
        (json!({"mode": "reject"}), CallOutcome::Failed(Reason::Rejected)),
        (json!({"mode": "http_500"}), CallOutcome::Failed(Reason::ProviderDown)),
        (
            json!({"mode": "http_429", "retry_after_s": 7}),
            CallOutcome::Throttled { retry_after_ms: Some(7_000) },
        ),
    ] {
        bench.fault(&script).await;
        assert_eq!(bench.send().await, outcome, "{script}");
    }
    bench.fault(&json!({"mode": "failed_receipt", "code": "E7"})).await;
    let provider_id = bench.taken().await;
    let fate = Fate::Failed { code: Some("E7".into()), fallback: Reason::Rejected };
    let told = Told { attempt: Some(Bench::reference()), provider_id, fate, cost: None };
    assert_eq!(bench.hear(&bench.posted(2).await[1]).await, Ok(told.into()));
}
