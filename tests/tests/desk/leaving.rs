//! What has to be settled before a tenant goes, and before it takes another currency.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

fn shop(currency: &str) -> Value {
    let login = json!({"brand": "Shop", "channels": ["sms"]});
    json!({"countries": ["DE"], "billing": {"currency": currency}, "services": {"login": login}})
}

async fn put(stack: &Stack, version: Option<&Value>, body: &Value) -> anyhow::Result<Reply> {
    let version = version.map(ToString::to_string);
    let at: Vec<_> = version.iter().map(|version| ("if-match", version.as_str())).collect();
    ops(stack, Method::PUT, "tenants/shop", &at, body).await
}

async fn remove(stack: &Stack, version: &Value) -> anyhow::Result<Reply> {
    let version = version.to_string();
    ops(stack, Method::DELETE, "tenants/shop", &[("if-match", &version)], &Value::Null).await
}

/// Once core's directory has the tenant in this currency.
async fn balance(stack: &Stack, currency: &str) -> anyhow::Result<Value> {
    let show = || ops(stack, Method::GET, "tenants/shop/balance", &[], &Value::Null);
    let is_it = |reply: &Reply| reply.status == 200 && reply.body["currency"] == currency;
    Ok(wait::until("the balance", show, is_it).await?.body)
}

fn credit(stack: &Stack, micros: &str, reference: &str) -> anyhow::Result<()> {
    let (went, said) =
        cli(stack, &["balance", "credit", "shop", "--micros", micros, "--reference", reference])?;
    anyhow::ensure!(went, "{said}");
    Ok(())
}

async fn a_name_that_is_used_again_inherits_neither_money_nor_endpoints(
    backing: Backing,
) -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, backing).await?;
    let made = put(&stack, None, &shop("USD")).await?;
    assert_eq!(made.status, 200, "{made:?}");
    let version = &made.body["version"];
    balance(&stack, "USD").await?;
    credit(&stack, "100000", "first")?;
    let (went, said) =
        cli(&stack, &["webhook", "add", "shop", "main", "--to-url", "https://old.example.com/x"])?;
    assert!(went, "{said}");

    let refused = remove(&stack, version).await?;
    assert_eq!((refused.status, refused.code()), (400, Some("invalid_request")));
    assert!(refused.text.contains("tiffin webhook remove shop main"), "{refused:?}");
    assert!(cli(&stack, &["webhook", "remove", "shop", "main"])?.0);
    let refused = remove(&stack, version).await?;
    assert_eq!((refused.status, refused.code()), (400, Some("invalid_request")));
    assert!(refused.text.contains("tiffin balance credit shop --micros -100000"), "{refused:?}");
    credit(&stack, "-100000", "last")?;
    assert_eq!(remove(&stack, version).await?.status, 200);
    // What was kept of it is exported still; of one that never was, nothing is said to be.
    for arguments in [&["export", "ledger"][..], &["export", "ledger", "--tenant", "shop"]] {
        let exported = || async { cli(&stack, arguments) };
        let said = wait::until("the books", exported, |(went, said)| *went && !said.is_empty()).await?.1;
        assert_eq!(said.lines().filter(|line| line.contains("\"tenant\":\"shop\"")).count(), 2, "{said}");
    }
    let (went, said) = cli(&stack, &["export", "orders", "--tenant", "nobody"])?;
    assert!(!went && said.contains("no tenant nobody"), "{said}");

    let again = put(&stack, None, &shop("EUR")).await?;
    assert_eq!(again.status, 200, "{again:?}");
    let account = balance(&stack, "EUR").await?;
    assert_eq!(
        (&account["available_micros"], &account["charged_micros"]),
        (&json!(0), &json!(0)),
        "{account}"
    );
    credit(&stack, "7000", "of the new one")?;
    assert_eq!(balance(&stack, "EUR").await?["available_micros"], 7_000);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_used_again_inherits_neither_money_nor_endpoints_on_memory() -> anyhow::Result<()> {
    a_name_that_is_used_again_inherits_neither_money_nor_endpoints(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_name_that_is_used_again_inherits_neither_money_nor_endpoints_on_redis() -> anyhow::Result<()> {
    a_name_that_is_used_again_inherits_neither_money_nor_endpoints(Backing::Own).await
}

#[tokio::test]
async fn an_account_that_holds_something_keeps_its_currency_and_one_without_prices_is_warned_of()
-> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    assert!(cli(&stack, &["route", "set", "twilio-sms", "--price-micros", "700"])?.0);
    let made = put(&stack, None, &shop("USD")).await?;
    balance(&stack, "USD").await?;
    credit(&stack, "100000", "first")?;
    let refused = put(&stack, Some(&made.body["version"]), &shop("EUR")).await?;
    assert_eq!((refused.status, refused.code()), (400, Some("invalid_request")), "{refused:?}");
    assert!(refused.text.contains("--micros -100000"), "{refused:?}");
    credit(&stack, "-100000", "last")?;
    let taken = put(&stack, Some(&made.body["version"]), &shop("EUR")).await?;
    assert_eq!(taken.status, 200, "{taken:?}");
    credit(&stack, "100000", "in euros")?;
    let books = ops(&stack, Method::GET, "tenants/shop/ledger", &[], &Value::Null).await?;
    let kinds: Vec<_> =
        books.body["entries"].as_array().into_iter().flatten().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["credit", "credit", "currency", "credit"], "{books:?}");

    let key = ops(&stack, Method::POST, "keys", &[], &json!({"tenant": "shop", "kind": "secret"})).await?;
    let client = stack.client.with_key(key.body["key"].as_str().unwrap_or_default());
    let body = login("+4915123456789");
    let name = fresh_key();
    let headers = [("idempotency-key", name.as_str())];
    let preflight = || client.call(Method::POST, "/v1/preflight", &headers, &body);
    let reply = wait::until("a preflight", preflight, |reply: &Reply| reply.status == 200).await?;
    let checks = reply.body["checks"].as_array().cloned().unwrap_or_default();
    let price = checks.iter().find(|check| check["name"] == "price").cloned().unwrap_or_default();
    assert_eq!(price["result"], "warn", "{reply:?}");
    assert!(price["detail"].as_str().is_some_and(|detail| detail.contains("EUR")), "{price}");
    let look = || async { Ok(stack.core.as_ref().map(|core| core.log()).unwrap_or_default()) };
    wait::until("a warning", look, |log| log.contains("no gateway has a price in its currency")).await?;
    Ok(())
}

#[tokio::test]
async fn check_config_warns_of_a_tenant_that_pays_in_a_currency_without_prices() -> anyhow::Result<()> {
    let edit = |toml: &str| format!("{toml}\n[tenants.dev.billing]\ncurrency = \"EUR\"\n");
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, edit).await?;
    let (went, said) = stack.run(&["check-config"])?;
    assert!(went && said.contains("tenants.dev.billing: no gateway has a price in EUR"), "{said}");
    Ok(())
}
