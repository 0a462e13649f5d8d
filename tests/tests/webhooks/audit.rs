//! Changes of endpoints are in the audit log: who, what, before and after, and no key.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

async fn rows(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/audit", stack.client.core);
    let reply = stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?;
    let rows = reply.body["rows"].as_array().cloned().unwrap_or_default();
    Ok(rows.into_iter().map(|row| row["body"].clone()).collect())
}

async fn what_changes_an_endpoint_is_audited(backing: Backing) -> anyhow::Result<()> {
    let stack = receiver::stack(backing).await?;
    let hooks = Receiver::start(|n, _| status(if n == 0 { 410 } else { 200 })).await?;
    let mut secrets =
        vec![receiver::add(&stack, "main", &hooks.url, &json!({"events": ["order.sent"]})).await?];
    let path = |verb: &str| format!("/dev/main{verb}");
    let rotate = json!({"overlap_hours": 2});
    let rotated = receiver::ops(&stack, Method::POST, &path("/rotate"), &rotate).await?;
    secrets.extend(rotated.body["key"].as_str().map(str::to_owned));
    let tested = receiver::ops(&stack, Method::POST, &path("/test"), &Value::Null).await?;
    assert_eq!(tested.status, 200, "{tested:?}");
    let look = || receiver::view(&stack, "main");
    wait::until("its end, by 410", look, |view| view["disabled"]["why"] == "gone").await?;
    let is_told = |rows: &Vec<Value>| rows.iter().any(|row| row["what"] == "webhook.disable dev/main");
    wait::until("that to be audited", || rows(&stack), is_told).await?;
    let enabled = receiver::ops(&stack, Method::POST, &path("/enable"), &Value::Null).await?;
    assert_eq!(enabled.status, 200, "{enabled:?}");
    let removed = receiver::ops(&stack, Method::DELETE, &path(""), &Value::Null).await?;
    assert_eq!(removed.status, 200, "{removed:?}");
    let missing = receiver::ops(&stack, Method::DELETE, &path(""), &Value::Null).await?;
    assert_eq!(missing.status, 404, "{missing:?}");

    let rows = rows(&stack).await?;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row["what"].as_str().unwrap_or_default(), row["before"].clone(), row["after"].clone()))
        .collect();
    let endpoint = json!({"url": hooks.url, "events": ["order.sent"]});
    let expected = [
        ("webhook.add dev/main", Value::Null, endpoint.clone()),
        ("webhook.rotate dev/main", Value::Null, json!({"overlap_hours": 2})),
        ("webhook.test dev/main", Value::Null, Value::Null),
        ("webhook.disable dev/main", Value::Null, json!({"why": "gone"})),
        ("webhook.enable dev/main", Value::Null, Value::Null),
        ("webhook.remove dev/main", endpoint, Value::Null),
    ];
    assert_eq!(seen, expected);
    assert!(rows.iter().all(|row| row["at"].as_u64().is_some()), "{rows:?}");
    let by = |n: usize| &rows[n]["by"];
    assert_eq!(by(3)["name"], "rule", "{rows:?}");
    for n in [0, 1, 2, 4, 5] {
        assert!(by(n)["token"].as_str().is_some_and(|token| !token.is_empty()), "{rows:?}");
    }
    let text = json!(rows).to_string();
    assert_eq!(secrets.len(), 2);
    assert!(
        secrets.iter().all(|secret| !text.contains(secret.as_str())) && !text.contains("whsec"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn what_changes_an_endpoint_is_audited_on_memory() -> anyhow::Result<()> {
    what_changes_an_endpoint_is_audited(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn what_changes_an_endpoint_is_audited_on_redis() -> anyhow::Result<()> {
    what_changes_an_endpoint_is_audited(Backing::Shared).await
}
