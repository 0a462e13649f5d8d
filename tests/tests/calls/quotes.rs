//! What an order may cost: quotes of preflights, and `max_price`.

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

/// Of a text message to India, through the first account and the second.
const CHEAP: u64 = 2_300;
const DEAR: u64 = 9_000;

/// With a price list for each account.
fn priced(toml: &str) -> String {
    let list = |toml: &str, gateway: &str, micros: u64| {
        let name = format!("name = \"{gateway}\"\n");
        let list = format!("{name}prices = {{ USD = {{ IN = {micros}, default = 45000 }} }}\n");
        replaced(toml, &name, &list)
    };
    list(&list(toml, "twilio-sms", CHEAP), "twilio-sms-2", DEAR)
}

async fn preflight(client: &Client, body: &Value) -> anyhow::Result<Reply> {
    client.call(Method::POST, "/v1/preflight", &[("idempotency-key", &fresh_key())], body).await
}

fn check<'a>(reply: &'a Reply, name: &str) -> (Option<&'a str>, &'a str) {
    let found = reply.body["checks"].as_array().into_iter().flatten().find(|check| check["name"] == name);
    let text = |key: &str| found.and_then(|check| check[key].as_str());
    (text("result"), text("detail").unwrap_or_default())
}

fn with(body: &Value, key: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[key] = value;
    body
}

fn at_most(body: &Value, amount_micros: u64) -> Value {
    with(body, "max_price", json!({"amount_micros": amount_micros, "currency": "USD"}))
}

async fn a_quote_binds_the_order_that_comes_with_it(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(front, Backing::Memory, priced).await?;
    let (client, body) = (&stack.client, login(&fresh_phone()));
    let told = preflight(client, &body).await?;
    let quote = &told.body["quote"];
    let channel = json!({"channel": "sms", "unit_micros": DEAR, "units": 1, "total_micros": DEAR});
    assert_eq!((&quote["channels"], &quote["currency"]), (&json!([channel]), &json!("USD")), "{told:?}");
    assert_eq!(
        (&quote["most_micros"], check(&told, "price")),
        (&json!(DEAR), (Some("pass"), "at most 0.009 USD"))
    );

    let (key, quoted) = (fresh_key(), with(&body, "quote", quote["id"].clone()));
    let order = client.create(&key, &quoted).await?;
    assert_eq!(order.status, 202, "{order:?}");
    client.until_state(&order.id()?, "delivered").await?;
    // The quote is no part of the content: who asks again after its minute has another one.
    for again in [&body, &quoted, &with(&body, "quote", json!("quo_over"))] {
        let replayed = client.create(&key, again).await?;
        assert_eq!(
            (replayed.status, replayed.header("idempotency-replayed")),
            (202, Some("true")),
            "{replayed:?}"
        );
    }

    let foreign = with(&login("+14155552671"), "quote", quote["id"].clone());
    for other in [foreign, with(&body, "quote", json!("quo_none"))] {
        let refused = client.create(&fresh_key(), &other).await?;
        assert_eq!(refusal(&refused), (422, Some("quote_mismatch")), "{refused:?}");
        let looked = preflight(client, &other).await?;
        assert_eq!(
            (&looked.body["ok"], check(&looked, "price").0),
            (&json!(false), Some("fail")),
            "{looked:?}"
        );
        assert_eq!(json!(check(&looked, "price").1), refused.body["detail"]);
    }
    Ok(())
}

async fn no_way_above_the_ceiling_is_taken(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(front, Backing::Memory, priced).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let body = login(&phone);
    let refused = client.create(&fresh_key(), &at_most(&body, CHEAP - 1)).await?;
    assert_eq!(refusal(&refused), (422, Some("price_exceeded")), "{refused:?}");
    let euros = json!({"amount_micros": DEAR, "currency": "EUR"});
    for bad in
        [euros, json!({"amount_micros": -1, "currency": "USD"}), json!("0.01"), json!({"amount_micros": 1})]
    {
        let refused = client.create(&fresh_key(), &with(&body, "max_price", bad.clone())).await?;
        assert_eq!(refusal(&refused), (400, Some("invalid_request")), "{bad}: {refused:?}");
    }
    let told = preflight(client, &at_most(&body, DEAR - 1)).await?;
    assert_eq!((&told.body["ok"], check(&told, "price").0), (&json!(true), Some("warn")), "{told:?}");
    assert_eq!(told.body["quote"]["most_micros"], CHEAP);

    // The first account fails; the second is there, and costs more than the order may.
    client.fault("reject").await?;
    let order = client.create(&fresh_key(), &at_most(&body, DEAR - 1)).await?;
    assert_eq!(order.status, 202, "{order:?}");
    let failed = client.until_state(&order.id()?, "failed").await?;
    let gateways = failed["attempts"].as_array().into_iter().flatten().map(|attempt| &attempt["gateway"]);
    assert!(gateways.clone().all(|gateway| gateway == "twilio-sms") && gateways.count() > 0, "{failed}");
    assert_eq!(client.inbox(&phone).await?, Vec::<Value>::new());
    Ok(())
}

async fn an_app_is_told_no_prices_and_names_none(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(front, Backing::Memory, priced).await?;
    let (app, body) = (stack.client.with_key(&stack.keys.publishable), login(&fresh_phone()));
    let told = preflight(&app, &body).await?;
    let checks = told.body["checks"].as_array().into_iter().flatten();
    let names: Vec<_> = checks.map(|check| &check["name"]).collect();
    assert_eq!(names, ["service", "number", "country", "inventory", "idempotency_key"], "{told:?}");
    assert_eq!(check(&told, "inventory"), (Some("pass"), "a route leads there"));
    assert_eq!(
        (&told.body["quote"], &told.body["predicted"]["delivered_percent"]),
        (&json!(null), &json!(null))
    );
    for other in [at_most(&body, DEAR), with(&body, "quote", json!("quo_none"))] {
        let refused = app.create(&fresh_key(), &other).await?;
        assert_eq!(refusal(&refused), (400, Some("invalid_request")), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_quote_binds_its_order_at_the_wasm_edge() -> anyhow::Result<()> {
    a_quote_binds_the_order_that_comes_with_it(Front::Edge).await
}

#[tokio::test]
async fn a_quote_binds_its_order_standalone() -> anyhow::Result<()> {
    a_quote_binds_the_order_that_comes_with_it(Front::Standalone).await
}

#[tokio::test]
async fn no_way_above_the_ceiling_is_taken_at_the_wasm_edge() -> anyhow::Result<()> {
    no_way_above_the_ceiling_is_taken(Front::Edge).await
}

#[tokio::test]
async fn no_way_above_the_ceiling_is_taken_standalone() -> anyhow::Result<()> {
    no_way_above_the_ceiling_is_taken(Front::Standalone).await
}

#[tokio::test]
async fn an_app_is_told_no_prices_at_the_wasm_edge() -> anyhow::Result<()> {
    an_app_is_told_no_prices_and_names_none(Front::Edge).await
}

#[tokio::test]
async fn an_app_is_told_no_prices_standalone() -> anyhow::Result<()> {
    an_app_is_told_no_prices_and_names_none(Front::Standalone).await
}
