//! Vonage's SMS API: the adapter against the sandbox.

use reqwest::Method;
use serde_json::json;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;

use crate::bench::Bench;
use crate::bench::DOOR;
use crate::common::answer;

const KEYS: &str = "name = 'vonage'\nkind = 'vonage_sms'\nbase_url = '{base}'\n\
                    api_key = 'abcd1234'\nfrom = 'AcmeInc'";
const SECRETS: [(&str, &str); 2] = [("api_secret", "api secret"), ("signature_secret", "signature secret")];
const UNSIGNED: [(&str, &str); 2] = [("api_secret", "api secret"), ("callback_secret", DOOR)];

#[tokio::test]
async fn a_message_arrives_and_its_signed_receipts_are_heard() {
    for method in ["md5", "md5hash", "sha1", "sha256", "sha512"] {
        let keys = format!("{KEYS}\nsignature_method = '{method}'");
        let bench = Bench::start(&keys, &SECRETS, &[]).await;
        bench.arrives().await;
    }
}

#[tokio::test]
async fn unsigned_receipts_come_through_the_door_with_the_secret() {
    let bench = Bench::start(KEYS, &UNSIGNED, &[]).await;
    bench.arrives().await;
    assert_eq!(bench.posted(1).await[0].path, format!("/callbacks/vonage/{DOOR}"));
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let refused = CallOutcome::Failed(Reason::AuthFailed);
    for secrets in
        [vec![("api_secret", "wrong")], vec![("api_secret", "api secret"), ("signature_secret", "wrong")]]
    {
        assert_eq!(bench.send_as(KEYS, &secrets).await, refused);
    }
    let other = KEYS.replace("abcd1234", "wxyz9876");
    assert_eq!(bench.send_as(&other, &SECRETS).await, refused);
    let sha1 = format!("{KEYS}\nsignature_method = 'sha1'");
    assert_eq!(bench.send_as(&sha1, &SECRETS).await, refused);
    assert!(bench.inbox().await.is_empty());
    assert_eq!(bench.check().await.unwrap(), "the balance is 10.28 EUR");
}

#[tokio::test]
async fn refusals_and_failures_have_their_meaning() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    bench.fault(&json!({"mode": "reject"})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::Blocked));
    bench.fault(&json!({"mode": "reject", "code": 9})).await;
    assert_eq!(bench.send().await, CallOutcome::Failed(Reason::InsufficientBalance));
    bench.fault(&json!({"mode": "failed_receipt"})).await;
    let provider_id = bench.taken().await;
    let failed = Fate::Failed { code: Some("err-2".into()), fallback: Reason::Rejected };
    bench.hears(&provider_id, &[Fate::Sent, failed]).await;
}

#[tokio::test]
async fn faults_are_told_apart() {
    Bench::start(KEYS, &SECRETS, &[]).await.faults_are_told_apart().await;
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_statuses() {
    let bench = Bench::start(KEYS, &SECRETS, &[]).await;
    let usual = [
        ("api_key", "abcd1234"),
        ("api_secret", "api secret"),
        ("from", "AcmeInc"),
        ("to", "919876543210"),
        ("text", "1234"),
    ];
    let send = async |name: &'static str, value: &str| {
        let mut form = std::collections::BTreeMap::from(usual.map(|(name, value)| (name, value.to_owned())));
        form.insert(name, value.to_owned());
        let request = bench
            .sandbox
            .client
            .request(Method::POST, format!("{}/sms/json", bench.sandbox.base))
            .form(&form);
        answer(request).await.1["messages"][0]["status"].as_str().unwrap().to_owned()
    };
    let long = "a".repeat(1_601);
    for (name, value, status) in [
        ("text", "1234", "0"),
        ("to", "", "2"),
        ("to", "+919876543210", "3"),
        ("from", "", "2"),
        ("text", "", "2"),
        ("text", &long, "12"),
        ("ttl", "19999", "3"),
        ("type", "binary", "3"),
        ("callback", "ftp://example.com", "23"),
        ("sig", "00", "32"),
        ("api_secret", "wrong", "4"),
    ] {
        assert_eq!(send(name, value).await, status, "{name} {value}");
    }
}
