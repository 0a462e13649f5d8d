//! `POST /v1/preflight`: what an order would come to. Nothing is sent, and nothing is spent.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common::refusal;
use crate::common::replaced;

/// Every check, in the order they are made.
const CHECKS: [&str; 10] = [
    "service",
    "number",
    "country",
    "inventory",
    "sender",
    "registration",
    "breaker",
    "balance",
    "price",
    "idempotency_key",
];
const LIMITS: &str = "limits";

async fn preflight(client: &Client, key: &str, body: &Value) -> anyhow::Result<Reply> {
    client.call(Method::POST, "/v1/preflight", &[("idempotency-key", key)], body).await
}

/// Names and results of the checks.
fn checks(reply: &Reply) -> Vec<(&str, &str)> {
    let checks = reply.body["checks"].as_array().into_iter().flatten();
    checks.filter_map(|check| Some((check["name"].as_str()?, check["result"].as_str()?))).collect()
}

/// So many checks that pass, and then these.
fn passing(count: usize, then: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    CHECKS.into_iter().take(count).map(|name| (name, "pass")).chain(then.iter().copied()).collect()
}

async fn every_check_is_named_and_nothing_is_sent_or_spent(front: Front) -> anyhow::Result<()> {
    let edit = |toml: &str| replaced(toml, "countries = \"all\"", "countries = [\"IN\"]");
    let stack = Stack::start_with_settings(front, Backing::Memory, edit).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    for _ in 0..5 {
        let reply = preflight(client, &key, &login(&phone)).await?;
        assert_eq!((reply.status, &reply.body["ok"]), (200, &json!(true)), "{reply:?}");
        assert_eq!(checks(&reply), passing(10, &[(LIMITS, "pass")]), "{reply:?}");
        assert_eq!(
            reply.body["predicted"],
            json!({"channel": "sms", "waiting_ms": 12_000, "delivered_percent": null})
        );
        assert_eq!(
            (&reply.body["quote"], reply.body["checks"][1]["detail"].as_str()),
            (&json!(null), Some("mobile, IN"))
        );
    }
    let to = |phone: &str, service: &str| json!({"to": {"phone": phone}, "service": service});
    let failing = [
        (0, "service", to(&phone, "logout"), "login, payment"),
        (1, "country", to("+4915112345678", "login"), "DE"),
        (0, "number", to("+911234", "login"), "number"),
        (0, "number", to("98765", "login"), "to.phone"),
        (3, "inventory", to(&phone, "payment"), "high-risk"),
        (3, "inventory", json!({"to": {"phone": phone}, "service": "login", "channel": "voice"}), "route"),
    ];
    for (passed, name, body, words) in failing {
        let reply = preflight(client, &fresh_key(), &body).await?;
        assert_eq!((reply.status, &reply.body["ok"]), (200, &json!(false)), "{body}: {reply:?}");
        assert_eq!(checks(&reply), passing(passed, &[(name, "fail")]), "{body}: {reply:?}");
        let detail = reply.body["checks"][passed]["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{body}: {reply:?}");
        assert_eq!(reply.body["predicted"], json!(null));
        // An order is refused for the same reason.
        let order = client.create(&fresh_key(), &body).await?;
        assert_eq!((order.status / 100, &order.body["detail"]), (4, &json!(detail)), "{order:?}");
    }

    // Three orders pass, the first of them under the key of the preflights.
    let first = client.create(&key, &login(&phone)).await?;
    assert_eq!((first.status, first.header("idempotency-replayed")), (202, None), "{first:?}");
    client.until_state(&first.id()?, "delivered").await?;
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    let used = preflight(client, &key, &login(&phone)).await?;
    assert_eq!((&used.body["ok"], checks(&used)), (&json!(true), passing(9, &[("idempotency_key", "warn")])));
    let mut other = login(&phone);
    other["locale"] = json!("hi");
    let mismatch = preflight(client, &key, &other).await?;
    assert_eq!(
        (&mismatch.body["ok"], checks(&mismatch)),
        (&json!(false), passing(9, &[("idempotency_key", "fail")]))
    );
    client.order(&phone).await?;
    client.order(&phone).await?;
    let full = preflight(client, &fresh_key(), &login(&phone)).await?;
    assert_eq!(
        (&full.body["ok"], checks(&full)),
        (&json!(false), passing(10, &[(LIMITS, "fail")])),
        "{full:?}"
    );
    assert_eq!(client.create(&fresh_key(), &login(&phone)).await?.status, 429);
    Ok(())
}

async fn a_request_that_is_no_order_is_no_preflight(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, body) = (&stack.client, login(&fresh_phone()));
    let without = client.call(Method::POST, "/v1/preflight", &[], &body).await?;
    assert_eq!(refusal(&without), (400, Some("idempotency_key_missing")));
    for bad in [
        json!({}),
        json!({"to": {}, "service": "login"}),
        json!({"to": {"phone": "+919876543210"}, "service": "login", "x": 1}),
    ] {
        let reply = preflight(client, &fresh_key(), &bad).await?;
        assert_eq!(refusal(&reply), (400, Some("invalid_request")), "{bad}: {reply:?}");
    }
    let nobody = preflight(&client.with_key("sk_nobody"), &fresh_key(), &body).await?;
    assert_eq!(refusal(&nobody), (401, Some("unauthenticated")));
    let read = client.call(Method::GET, "/v1/preflight", &[], &Value::Null).await?;
    assert_eq!(refusal(&read), (404, Some("not_found")));
    Ok(())
}

#[tokio::test]
async fn every_check_is_named_at_the_wasm_edge() -> anyhow::Result<()> {
    every_check_is_named_and_nothing_is_sent_or_spent(Front::Edge).await
}

#[tokio::test]
async fn every_check_is_named_standalone() -> anyhow::Result<()> {
    every_check_is_named_and_nothing_is_sent_or_spent(Front::Standalone).await
}

#[tokio::test]
async fn a_request_that_is_no_order_is_no_preflight_at_the_wasm_edge() -> anyhow::Result<()> {
    a_request_that_is_no_order_is_no_preflight(Front::Edge).await
}

#[tokio::test]
async fn a_request_that_is_no_order_is_no_preflight_standalone() -> anyhow::Result<()> {
    a_request_that_is_no_order_is_no_preflight(Front::Standalone).await
}
