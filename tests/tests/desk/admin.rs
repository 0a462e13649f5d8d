//! Administration by API and command line: in effect at every front door, refused where the file rules, never lost, audited.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

fn shop() -> Value {
    let dlt = json!({"entity_id": "1101000000000000001", "header": "TIFFIN", "category": "service_implicit"});
    let text = "{code} is your {brand} code.";
    let template =
        json!({"channel": "sms", "locale": "en", "text": text, "dlt_template_id": "1107000000000000001"});
    let login = json!({"brand": "Shop", "channels": ["sms"], "dlt": dlt, "templates": [template]});
    json!({"countries": "all", "services": {"login": login}})
}

pub async fn audit(stack: &Stack) -> anyhow::Result<Vec<Value>> {
    let (mut rows, mut from) = (Vec::new(), 0);
    loop {
        let page = ops(stack, Method::GET, &format!("audit?from={from}"), &[], &Value::Null).await?;
        rows.extend(page.body["rows"].as_array().cloned().unwrap_or_default());
        match page.body["next"].as_u64() {
            Some(next) => from = next,
            None => return Ok(rows),
        }
    }
}

async fn a_tenant_is_made_used_and_ended_without_a_restart(
    front: Front,
    backing: Backing,
) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let asha = [("x-operator", "asha")];
    let made = ops(&stack, Method::PUT, "tenants/shop", &asha, &shop()).await?;
    assert_eq!((made.status, &made.body["managed_by"]), (200, &json!("store")), "{made:?}");
    let version = made.body["version"].to_string();
    let key = ops(&stack, Method::POST, "keys", &asha, &json!({"tenant": "shop", "kind": "secret"})).await?;
    assert_eq!(key.status, 200, "{key:?}");
    let (id, secret) =
        (key.body["id"].as_str().unwrap_or_default(), key.body["key"].as_str().unwrap_or_default());

    let shop_client = stack.client.with_key(secret);
    let phone = fresh_phone();
    let body = json!({"to": {"phone": phone}, "service": "login"});
    let order = || async { shop_client.create(&fresh_key(), &body).await };
    wait::until("the new tenant's order", order, |reply: &Reply| reply.status == 202).await?;
    let message = wait::until("its message", || stack.client.inbox(&phone), |all| !all.is_empty()).await?;
    assert!(message[0]["text"].as_str().is_some_and(|text| text.contains("Shop")), "{message:?}");

    // What is there is changed by who has seen it as it is, and by nobody else.
    let blind = ops(&stack, Method::PUT, "tenants/shop", &asha, &shop()).await?;
    assert_eq!((blind.status, blind.code()), (412, Some("precondition_failed")), "{blind:?}");
    let stale = ops(&stack, Method::PUT, "tenants/shop", &[("if-match", "\"99\"")], &shop()).await?;
    assert_eq!(stale.status, 412, "{stale:?}");
    let service = json!({"brand": "Shop Pay", "risk": "high"});
    let path = "tenants/shop/services/pay";
    let added = ops(&stack, Method::PUT, path, &[("if-match", &version)], &service).await?;
    assert_eq!((added.status, &added.body["tenant"]["services"]["pay"]["brand"]), (200, &json!("Shop Pay")));

    let revoked = ops(&stack, Method::POST, &format!("keys/{id}/revoke"), &asha, &Value::Null).await?;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    wait::until("the key's end", order, |reply: &Reply| reply.status == 401).await?;
    let version = added.body["version"].to_string();
    let removed =
        ops(&stack, Method::DELETE, "tenants/shop", &[("if-match", &version)], &Value::Null).await?;
    assert_eq!(removed.status, 200, "{removed:?}");

    let rows = audit(&stack).await?;
    let what: Vec<_> = rows.iter().map(|row| row["body"]["what"].as_str().unwrap_or_default()).collect();
    let key_made = format!("key.make {id}");
    let key_revoked = format!("key.revoke {id}");
    let expected = ["tenant.put shop", &key_made, "service.put shop/pay", &key_revoked, "tenant.remove shop"];
    assert_eq!(what, expected);
    assert_eq!(rows[0]["body"]["by"]["name"], "asha");
    assert_eq!(rows[2]["body"]["after"]["services"]["pay"]["brand"], "Shop Pay", "{}", rows[2]);
    assert!(rows[2]["body"]["after"]["services"].get("login").is_none(), "only the change: {}", rows[2]);
    let text = json!(rows).to_string();
    assert!(!text.contains(secret) && !text.contains("digest"), "{text}");
    Ok(())
}

async fn what_the_file_names_is_the_files(stack: &Stack) -> anyhow::Result<()> {
    let listed = ops(stack, Method::GET, "tenants", &[], &Value::Null).await?;
    assert_eq!(listed.body["tenants"][0]["managed_by"], "file", "{listed:?}");
    for (method, path, body) in [
        (Method::PUT, "tenants/dev", shop()),
        (Method::DELETE, "tenants/dev", Value::Null),
        (Method::PUT, "tenants/dev/services/login", json!({"brand": "X"})),
        (Method::POST, "keys/dev-secret/revoke", Value::Null),
    ] {
        let reply = ops(stack, method, path, &[], &body).await?;
        let keys = ops(stack, Method::GET, "keys", &[], &Value::Null).await?;
        assert!(
            reply.code() == Some("managed_by_file") || path.starts_with("keys"),
            "{path}: {reply:?} {keys:?}"
        );
    }
    for (path, body) in [
        ("tenants/Shop", shop()),
        ("tenants/shop", json!({"services": {"login": {"brand": ""}}})),
        (
            "tenants/shop",
            json!({"services": {"login": {"brand": "X", "channels": ["telegram"]}}, "nonsense": 1}),
        ),
        ("tenants/shop", json!([1])),
    ] {
        let reply = ops(stack, Method::PUT, path, &[], &body).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{path}: {reply:?}");
    }
    let key = json!({"tenant": "nobody", "kind": "secret"});
    let reply = ops(stack, Method::POST, "keys", &[], &key).await?;
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(audit(stack).await?.is_empty(), "what was refused changed nothing");
    Ok(())
}

async fn two_operators_lose_nothing(stack: &Stack) -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    let mut makers = tokio::task::JoinSet::new();
    for n in 0..24 {
        let name = format!("t{n}");
        wanted.push(name.clone());
        let (client, bearer) = (stack.client.clone(), stack.variable("TIFFIN_OPERATOR_TOKEN")?.to_owned());
        makers.spawn(async move {
            let url = format!("{}/ops/v1/tenants/{name}", client.core);
            let headers = [("authorization", format!("Bearer {bearer}"))];
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.raw(Method::PUT, url, &headers, shop().to_string().into_bytes()).await
        });
    }
    while let Some(made) = makers.join_next().await {
        let made = made??;
        assert_eq!(made.status, 200, "{made:?}");
    }
    let listed = ops(stack, Method::GET, "tenants", &[], &Value::Null).await?;
    let names: Vec<_> =
        listed.body["tenants"].as_array().into_iter().flatten().map(|row| &row["id"]).collect();
    assert!(wanted.iter().all(|name| names.contains(&&json!(name))), "{listed:?}");
    // Of two who saw the same, one is told.
    let version = ops(stack, Method::GET, "tenants/t0", &[], &Value::Null).await?.body["version"].to_string();
    let at = [("if-match", version.as_str())];
    let body = shop();
    let (one, other) = tokio::join!(
        ops(stack, Method::PUT, "tenants/t0", &at, &body),
        ops(stack, Method::PUT, "tenants/t0", &at, &body),
    );
    let mut statuses = [one?.status, other?.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let rows = audit(stack).await?;
    assert_eq!(rows.len(), 25, "each change is audited once");
    Ok(())
}

/// Who has a weight of 0 begins no order, though nothing else speaks against it.
async fn weights_share_the_orders(stack: &Stack, version: &str) -> anyhow::Result<()> {
    for (gateway, at, first) in
        [("twilio-sms", Some(version), "twilio-sms-2"), ("twilio-sms-2", None, "twilio-sms")]
    {
        let set = ["route", "set", gateway, "--weight", "0", "--version"];
        let set: Vec<&str> = set.iter().copied().take(if at.is_some() { 6 } else { 5 }).chain(at).collect();
        let (went, said) = cli(stack, &set)?;
        assert!(went, "{said}");
        for _ in 0..3 {
            let id = stack.client.order(&fresh_phone()).await?;
            let order = stack.client.until_state(&id, "delivered").await?;
            assert_eq!(order["attempts"][0]["gateway"], first, "{order}");
        }
        let version = said.rsplit_once("version ").unwrap_or_default().1.trim_end_matches([')', '\n']);
        let (went, said) = cli(stack, &["route", "unset", gateway, "--version", version])?;
        assert!(went, "{said}");
    }
    Ok(())
}

async fn routes_and_command_line(stack: &Stack) -> anyhow::Result<()> {
    let (went, said) =
        cli(stack, &["route", "set", "twilio-sms", "--priority", "9", "--price-micros", "700"])?;
    assert!(went && said.contains("700"), "{said}");
    let routes = ops(stack, Method::GET, "routes", &[], &Value::Null).await?;
    let all = routes.body["routes"].as_array().cloned().unwrap_or_default();
    let one = all.iter().find(|route| route["gateway"] == "twilio-sms").cloned().unwrap_or_default();
    assert_eq!((&one["priority"], &one["price_micros"]), (&json!(9), &json!(700)), "{one}");
    assert_eq!(one["prices"], json!([{"amount_micros": 700, "currency": "USD"}]), "{one}");
    let (went, said) = cli(stack, &["route", "stats", "--country", "IN"])?;
    assert!(went && said.contains("PRICE") && said.contains("0.0007 USD"), "{said}");
    let phone = fresh_phone();
    let id = stack.client.order(&phone).await?;
    let order = stack.client.until_state(&id, "delivered").await?;
    assert_ne!(order["attempts"][0]["gateway"], "twilio-sms", "others go first now: {order}");
    weights_share_the_orders(stack, &one["version"].to_string()).await?;

    let file = stack.dir().join("mart.toml");
    std::fs::write(&file, "countries = [\"IN\"]\n[services.login]\nbrand = \"Mart\"\n")?;
    let file = file.display().to_string();
    let (went, said) = cli(stack, &["tenant", "put", "mart", "--file", &file])?;
    assert!(went && said.contains("Mart"), "{said}");
    let (went, said) = cli(stack, &["tenant", "put", "mart", "--file", &file])?;
    assert!(!went && said.contains("412") && said.contains("version"), "{said}");
    let (went, said) = cli(stack, &["key", "make", "--tenant", "mart", "--id", "till"])?;
    assert!(went && said.contains("sk_"), "{said}");
    let (went, said) = cli(stack, &["key", "list"])?;
    assert!(went && said.contains("till") && !said.contains("sk_"), "{said}");
    let (went, said) = cli(stack, &["route", "open", "twilio-sms-2"])?;
    assert!(went, "{said}");
    let (went, said) = cli(stack, &["audit"])?;
    assert!(went && said.contains("tenant.put mart") && said.contains("asha"), "{said}");
    assert!(said.contains("route.open twilio-sms-2") && said.contains("key.make till"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_tenant_is_made_used_and_ended_without_a_restart_at_the_edge() -> anyhow::Result<()> {
    a_tenant_is_made_used_and_ended_without_a_restart(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn a_tenant_is_made_used_and_ended_without_a_restart_standalone() -> anyhow::Result<()> {
    a_tenant_is_made_used_and_ended_without_a_restart(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
async fn the_file_rules_and_the_command_line_works() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    what_the_file_names_is_the_files(&stack).await?;
    routes_and_command_line(&stack).await
}

#[tokio::test]
async fn two_operators_lose_nothing_on_memory() -> anyhow::Result<()> {
    two_operators_lose_nothing(&Stack::start(Front::Standalone, Backing::Memory).await?).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn two_operators_lose_nothing_on_redis_and_what_is_set_outlives_the_process() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Shared).await?;
    two_operators_lose_nothing(&stack).await?;
    stack.core()?.kill();
    stack.start_core("ingest,deliver,callbacks,ops").await?;
    let listed = ops(&stack, Method::GET, "tenants", &[], &Value::Null).await?;
    assert!(listed.body["tenants"].as_array().is_some_and(|all| all.len() >= 25), "{listed:?}");
    assert_eq!(audit(&stack).await?.len(), 25);
    Ok(())
}

/// What would be refused of the file, and what no front door could read, is refused of an operator; the rest is counted alike.
#[tokio::test]
async fn a_tenant_by_api_is_as_one_by_file() -> anyhow::Result<()> {
    let stack = &Stack::start(Front::Standalone, Backing::Memory).await?;
    let refused = async |path: &str, body: &Value, why: &str| {
        let reply = ops(stack, Method::PUT, path, &[], body).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{path}: {reply:?}");
        assert!(reply.text.contains(why), "{path}: {reply:?}");
        anyhow::Ok(())
    };
    let route = "routes/twilio-sms/settings";
    refused(route, &json!({"price_micros": 1_000_000_000_001_u64}), "is above").await?;
    refused(
        "tenants/odd",
        &json!({"countries": "all", "support_email": "nobody", "services": {}}),
        "support_email",
    )
    .await?;
    let long = json!({"countries": "all", "services": {"login": {"brand": "x".repeat(70_000)}}});
    let reply = ops(stack, Method::PUT, "tenants/long", &[], &long).await?;
    assert_eq!((reply.status, reply.code()), (413, Some("body_too_large")), "{reply:?}");

    let unset = ops(stack, Method::GET, route, &[], &Value::Null).await?;
    assert_eq!((unset.status, &unset.body["version"]), (200, &Value::Null), "{unset:?}");
    let priced = ops(stack, Method::PUT, route, &[], &json!({"price_micros": 7_000})).await?;
    let kept = ops(stack, Method::GET, route, &[], &Value::Null).await?;
    assert_eq!((kept.status, &kept.body), (200, &priced.body), "{kept:?}");

    let price = json!({"price_micros": 7_000});
    assert_eq!(ops(stack, Method::PUT, "routes/twilio-sms-2/settings", &[], &price).await?.status, 200);

    // A text of several segments is quoted as such, and a registration that is missing is told of.
    let words = format!("{{code}} {} {{brand}}", "नमस्ते ".repeat(20));
    let long = json!({"channel": "sms", "locale": "en", "text": words});
    let login = json!({"brand": "Wordy", "channels": ["sms"], "templates": [long]});
    let wordy =
        json!({"countries": "all", "support_email": "help@wordy.example", "services": {"login": login}});
    let made = ops(stack, Method::PUT, "tenants/wordy", &[], &wordy).await?;
    assert_eq!(made.status, 200, "{made:?}");
    let key = ops(stack, Method::POST, "keys", &[], &json!({"tenant": "wordy", "kind": "secret"})).await?;
    // This process serves what it has just acknowledged.
    let client = stack.client.with_key(key.body["key"].as_str().unwrap_or_default());
    let ask = json!({"to": {"phone": "+4915112345678"}, "service": "login"});
    let preflight = async |ask| {
        client.call(Method::POST, "/v1/preflight", &[("idempotency-key", &fresh_key())], ask).await
    };
    let german = preflight(&ask).await?;
    let channel = &german.body["quote"]["channels"][0];
    assert!(channel["units"].as_u64().is_some_and(|units| units > 1), "{german:?}");
    let ask = json!({"to": {"phone": fresh_phone()}, "service": "login"});
    let indian = preflight(&ask).await?;
    let checks = indian.body["checks"].as_array().into_iter().flatten();
    let registration: Vec<_> = checks.filter(|check| check["name"] == "registration").collect();
    assert_ne!(registration[0]["result"], "pass", "{indian:?}");
    Ok(())
}

/// A ledger knows its number by name alone, so that the beginning of a number is looked at when a message is about to leave.
#[tokio::test]
async fn a_number_that_was_blocked_since_gets_no_further_message() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let login = json!({"brand": "Shop", "channels": ["sms"]});
    let limits = json!({"resend_after_ms": 0});
    let mut shop = json!({"countries": "all", "limits": limits, "services": {"login": login}});
    let made = ops(&stack, Method::PUT, "tenants/shop", &[], &shop).await?;
    let key = ops(&stack, Method::POST, "keys", &[], &json!({"tenant": "shop", "kind": "secret"})).await?;
    let client = stack.client.with_key(key.body["key"].as_str().unwrap_or_default());
    let phone = "+4915112345670";
    let body = json!({"to": {"phone": phone}, "service": "login"});
    let id = client.create(&fresh_key(), &body).await?.id()?;
    client.until_state(&id, "delivered").await?;

    shop["blocked"] = json!(["+49151"]);
    let version = made.body["version"].to_string();
    let put = ops(&stack, Method::PUT, "tenants/shop", &[("if-match", &version)], &shop).await?;
    assert_eq!(put.status, 200, "{put:?}");
    let path = format!("/v1/orders/{id}/resend");
    let resent = client.call(Method::POST, &path, &[("idempotency-key", &fresh_key())], &json!({})).await?;
    assert_eq!(resent.status, 202, "{resent:?}");
    let look = || client.fetch(&id);
    let is_blocked = |reply: &Reply| reply.body["attempts"][1]["reason"] == "blocked";
    let after = wait::until("the refusal", look, is_blocked).await?;
    assert_eq!(after.body["attempts"].as_array().map(Vec::len), Some(2), "no other way is tried: {after:?}");
    assert_eq!(stack.client.inbox(phone).await?.len(), 1);
    Ok(())
}
