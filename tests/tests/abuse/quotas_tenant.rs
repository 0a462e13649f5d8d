//! A tenant's quota of orders a day: counted by core, and refused at the front door within the time the directory takes.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;
use crate::quotas;
use crate::quotas::Told;
use crate::quotas::retry_after_s;

const QUOTA: u64 = 5;
const DAY_S: u64 = 86_400;
/// A wait may be this much longer than the day, so that not everyone comes back at midnight.
const JITTER_S: u64 = 30;

/// An order that was accepted, to ask for again.
struct Made {
    key: String,
    phone: String,
    id: String,
}

fn tenant_day(reply: &Reply) -> anyhow::Result<Told> {
    let limits = quotas::read_all(reply)?;
    let limit = limits.into_iter().find(|limit| limit.name == "tenant-day");
    let limit = limit.ok_or_else(|| anyhow::anyhow!("no tenant-day in {reply:?}"))?;
    assert_eq!((limit.quota, limit.window_s), (QUOTA, DAY_S), "{reply:?}");
    assert!(limit.reset_s <= DAY_S + JITTER_S, "{reply:?}");
    Ok(limit)
}

/// The result of this check in a preflight, which spends nothing.
async fn quota_check(caller: &Caller, phone: &str) -> anyhow::Result<Value> {
    let reply = caller.post("/v1/preflight", Some(&fresh_key()), &login(phone)).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    let mut checks = reply.body["checks"].as_array().into_iter().flatten();
    Ok(checks.find(|check| check["name"] == "quota").map_or(Value::Null, |check| check["result"].clone()))
}

/// Orders the quota, and returns when the front door has heard of it.
async fn spend(server: &Caller) -> anyhow::Result<Vec<Made>> {
    let mut made = Vec::new();
    for _ in 0..QUOTA {
        let (key, phone) = (fresh_key(), fresh_phone());
        let reply = server.create(&key, &login(&phone)).await?;
        assert_eq!(told(&reply), ACCEPTED, "{reply:?}");
        assert!(tenant_day(&reply)?.remaining > 0, "{reply:?}");
        made.push(Made { key, phone, id: reply.id()? });
    }
    let phone = fresh_phone();
    wait::until("the quota is spent", || quota_check(server, &phone), |result| result == "fail").await?;
    Ok(made)
}

async fn one_more_waits_for_the_next_day(server: &Caller) -> anyhow::Result<()> {
    let phone = fresh_phone();
    let refused = server.order(&phone).await?;
    assert_eq!(told(&refused), (429, Some("rate_limited")), "{refused:?}");
    let detail = refused.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("5 orders of the day"), "{refused:?}");
    let (limit, wait_s) = (tenant_day(&refused)?, retry_after_s(&refused)?);
    assert_eq!((limit.remaining, limit.reset_s), (0, wait_s), "{refused:?}");
    let left_s = DAY_S - tiffin_core::host::now().0 / 1_000 % DAY_S;
    assert!((left_s.saturating_sub(1)..=left_s + 60 + JITTER_S).contains(&wait_s), "{wait_s}, {left_s}");
    Ok(())
}

/// Nothing of an order that was made is lost: it is answered again, verified, and sent once more.
async fn what_was_ordered_goes_on(server: &Caller, made: &[Made]) -> anyhow::Result<()> {
    for Made { key, phone, id } in made {
        let again = server.create(key, &login(phone)).await?;
        assert_eq!((told(&again), again.id()?), (ACCEPTED, id.clone()), "{again:?}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    let [Made { key, phone, id }, second, ..] = made else { anyhow::bail!("too few") };
    let other =
        server.create(key, &json!({"to": {"phone": phone}, "service": "login", "locale": "de"})).await?;
    assert_eq!(told(&other), (422, Some("idempotency_mismatch")), "{other:?}");
    let code = server.client.code(phone).await?;
    assert_eq!(server.verify(id, &code).await?.body["result"], "verified");
    let (path, key, body) = (format!("/v1/orders/{}/resend", second.id), fresh_key(), json!({}));
    let resend = || server.post(&path, Some(&key), &body);
    let resent = wait::until("a resend", resend, |reply| reply.status == 202).await?;
    assert_eq!(told(&resent), ACCEPTED, "a resend is no new order: {resent:?}");
    Ok(())
}

/// A stranger meets the refusal of any limit, learns no figures, and pays no token of the network.
async fn a_stranger_learns_nothing(stack: &Stack, front: Front, keys: &[Key; 4]) -> anyhow::Result<()> {
    let [_, app, _, elsewhere] = keys;
    let ip = fresh_ip();
    let [app, elsewhere] = [app, elsewhere].map(|key| key.caller(stack).with(ip_header(front), &ip));
    for _ in 0..5 {
        let refused = app.order(&fresh_phone()).await?;
        assert_eq!(told(&refused), (429, Some("rate_limited")), "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with("Too many orders for this address."), "{refused:?}");
        assert_eq!((refused.header("ratelimit"), refused.header("ratelimit-policy")), (None, None));
        assert_eq!(retry_after_s(&refused)? % 60, 0, "{refused:?}");
    }
    assert_eq!(quota_check(&app, &fresh_phone()).await?, Value::Null);
    let reply = elsewhere.order(&fresh_phone()).await?;
    assert_eq!((told(&reply), quotas::read(&reply)?.remaining), (ACCEPTED, 2), "{reply:?}");
    Ok(())
}

async fn a_quota_of_five(front: Front) -> anyhow::Result<()> {
    let capped = format!("countries = \"all\"\norders_per_day = {QUOTA}\nlimits = {{ resend_after_ms = 0 }}");
    let tenants = [("capped", capped.as_str()), ("free", "countries = \"all\"")];
    let lines: String = tenants.iter().map(|(name, more)| fleet::tenant(name, more)).collect();
    let keys = [
        Key::of("capped", KeyKind::Secret)?,
        Key::of("capped", KeyKind::Publishable)?,
        Key::of("free", KeyKind::Secret)?,
        Key::of("free", KeyKind::Publishable)?,
    ];
    let stack = fleet::start(front, &lines, &keys).await?;
    let server = keys[0].caller(&stack);
    // Before anything is spent a stranger sees the network's limit alone.
    let app = keys[1].caller(&stack).with(ip_header(front), &fresh_ip());
    let refused = app.create(&fresh_key(), &json!({})).await?;
    assert_eq!((refused.status, refused.header("ratelimit")), (400, None));

    let made = spend(&server).await?;
    one_more_waits_for_the_next_day(&server).await?;
    what_was_ordered_goes_on(&server, &made).await?;
    a_stranger_learns_nothing(&stack, front, &keys).await?;

    let neighbour = keys[2].caller(&stack);
    for _ in 0..=QUOTA {
        let reply = neighbour.order(&fresh_phone()).await?;
        assert_eq!((told(&reply), reply.header("ratelimit")), (ACCEPTED, None), "{reply:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tenant_orders_its_quota_of_the_day_and_no_more_at_the_wasm_edge() -> anyhow::Result<()> {
    a_quota_of_five(Front::Edge).await
}

#[tokio::test]
async fn a_tenant_orders_its_quota_of_the_day_and_no_more_standalone() -> anyhow::Result<()> {
    a_quota_of_five(Front::Standalone).await
}
