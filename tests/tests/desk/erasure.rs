//! What was said to providers and by them goes with the phone it was about, and with no other.

use redis::AsyncCommands;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_core::host;
use tiffin_core::store::Key;
use tiffin_core::store::Redis;
use tiffin_core::store::Store;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::SENDS_PER_ORDER_MAX;
use tiffin_shared::evidence;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Received;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::jobs;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

const UPLOAD: &str = "The user says that nothing came.";

async fn packet(stack: &Stack, id: &str) -> anyhow::Result<Reply> {
    ops(stack, Method::GET, &format!("orders/{id}/evidence"), &[], &Value::Null).await
}

async fn upload(stack: &Stack, id: &str, text: &str) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/orders/{id}/uploads?note=by%20phone", stack.client.core);
    let headers = [("authorization", bearer.as_str())];
    stack.client.raw(Method::POST, url, &headers, text.as_bytes().to_vec()).await
}

/// An order with all that a packet shows: a failed attempt, one that arrived, receipts, and what support adds. The packet.
async fn eventful(stack: &Stack, phone: &str) -> anyhow::Result<(String, Value)> {
    stack.client.fault("http_500").await?;
    let id = stack.client.order(phone).await?;
    stack.client.until_state(&id, "delivered").await?;
    stack.client.fault("ok").await?;
    assert_eq!(upload(stack, &id, UPLOAD).await?.status, 200);
    let look = || packet(stack, &id);
    let has_all = |reply: &Reply| {
        let attempts = reply.body["evidence"]["attempts"].as_array().cloned().unwrap_or_default();
        let exchanged = attempts.iter().all(|attempt| attempt["exchanges"][0].is_object());
        let receipts = attempts.last().map(|attempt| attempt["receipts"].to_string()).unwrap_or_default();
        attempts.len() > 1 && exchanged && receipts.contains("delivered")
    };
    let packet = wait::until("the whole packet", look, has_all).await?.body;
    assert_eq!(packet["evidence"]["uploads"][0]["text"], UPLOAD, "{packet}");
    Ok((id, packet["evidence"].clone()))
}

/// But for when it was made, and what is advised by then.
fn timeless(mut evidence: Value) -> Value {
    if let Some(fields) = evidence.as_object_mut() {
        fields.remove("made_at");
        fields.remove("advice");
    }
    evidence
}

/// What leads to the phone: what providers call its messages, and its mask.
fn names(evidence: &Value) -> Vec<String> {
    let attempts = evidence["attempts"].as_array().into_iter().flatten();
    let ids = attempts.filter_map(|attempt| attempt["provider_id"].as_str());
    ids.chain(evidence["to"].as_str()).map(str::to_owned).collect()
}

/// The packet is made still, is sealed, and says nothing of what was forgotten.
async fn says_nothing(stack: &Stack, id: &str, before: &Value) -> anyhow::Result<()> {
    let reply = packet(stack, id).await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    let packet = &reply.body["evidence"];
    for part in ["attempts", "uploads", "timeline", "clocks"] {
        assert_eq!(packet[part], json!([]), "{part}: {packet}");
    }
    assert!(packet.get("to").is_none_or(Value::is_null), "{packet}");
    assert_eq!(
        (&packet["order"], &packet["state"]),
        (&json!(id), &before["state"]),
        "its state is what it was"
    );
    assert!(packet["erased_at"].is_u64() && packet.get("advice").is_none(), "{packet}");
    let page =
        ops(stack, Method::GET, &format!("orders/{id}/evidence"), &[("accept", "text/html")], &Value::Null)
            .await?;
    assert!(
        page.text.contains("Erased on request") && !page.text.contains("No provider was called"),
        "{page:?}"
    );
    for name in names(before) {
        assert!(!reply.text.contains(&name), "{name}: {packet}");
    }
    assert!(!reply.text.contains(UPLOAD) && !reply.text.contains("by phone"), "{packet}");
    let file = stack.dir().join("erased.json");
    std::fs::write(&file, &reply.text)?;
    let (went, said) = stack.run(&["order", "evidence", "--verify", &file.display().to_string()])?;
    assert!(went && said.contains("unchanged since core sealed it"), "{said}");
    Ok(())
}

async fn a_phone_s_exchanges_go_with_it(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let (gone, stays) = (fresh_phone(), fresh_phone());
    let (erased, before) = eventful(&stack, &gone).await?;
    let (kept, its_own) = eventful(&stack, &stays).await?;
    assert!(names(&before).len() > 1, "{before}");

    let (went, said) = cli(&stack, &["erase", "--phone", &gone])?;
    assert!(went && said.contains("erased: 1 orders"), "{said}");
    says_nothing(&stack, &erased, &before).await?;
    let (_, its_own_now) = (kept.clone(), packet(&stack, &kept).await?.body["evidence"].clone());
    assert_eq!(timeless(its_own_now), timeless(its_own.clone()), "the other phone's stays");

    // What comes late is not kept, and nothing more is done.
    let late = upload(&stack, &erased, "It came at last.").await?;
    let wish = json!({"reason": "it never came"});
    let retry = ops(&stack, Method::POST, &format!("orders/{erased}/retry"), &[], &wish).await?;
    let cancel = ops(&stack, Method::POST, &format!("orders/{erased}/cancel"), &[], &Value::Null).await?;
    for refused in [late, retry, cancel] {
        assert!(refused.status == 404 && refused.text.contains("erased on request"), "{refused:?}");
    }
    let public =
        stack.client.call(Method::GET, &format!("/v1/orders/{erased}/evidence"), &[], &Value::Null).await?;
    assert_eq!(public.status, 404, "{public:?}");
    let rows = ops(&stack, Method::GET, "export/orders", &[], &Value::Null).await?;
    let row = rows.text.lines().find(|row| row.contains(&erased)).unwrap_or_default();
    let row: Value = serde_json::from_str(row)?;
    assert!(row["state"] == before["state"] && row["erased_at"].is_u64(), "{row}");
    says_nothing(&stack, &erased, &before).await?;
    if backing != Backing::Memory {
        no_key_leads_there(&stack, &[names(&before), vec![UPLOAD.to_owned()]].concat(), &kept).await?;
    }
    Ok(())
}

/// Of everything in the store, but what belongs to the order that stays.
async fn no_key_leads_there(stack: &Stack, names: &[String], kept: &str) -> anyhow::Result<()> {
    let client = redis::Client::open(stack.variable("REDIS_URL")?)?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let keys: Vec<String> = redis.keys(format!("{}:*", stack.variable("TIFFIN_STORE_PREFIX")?)).await?;
    let mut looked = 0;
    for key in keys.iter().filter(|key| !key.contains(kept) && !key.contains(":wake:")) {
        let value: Option<String> = redis.get(key).await?;
        let value = value.unwrap_or_default();
        for name in names {
            assert!(!key.contains(name) && !value.contains(name), "{name} is in {key}: {value}");
        }
        looked += 1;
    }
    assert!(looked > 5, "{keys:?}");
    Ok(())
}

async fn letters(stack: &Stack) -> anyhow::Result<Vec<String>> {
    let listed = ops(stack, Method::GET, "dead", &[], &Value::Null).await?;
    let letters = listed.body["letters"].as_array().cloned().unwrap_or_default();
    Ok(letters.iter().filter_map(|letter| letter["id"].as_str()).map(str::to_owned).collect())
}

/// Of orders that its ledger knows and of one that it does not; another phone's stay.
async fn a_phone_s_dead_letters_go_with_it(backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, backing).await?;
    let (gone, stays) = (fresh_phone(), fresh_phone());
    let mut buried = Vec::new();
    for phone in [&gone, &stays] {
        let order = stack.client.order(phone).await?;
        let ledger = OrderId::parse(&order)?.ledger();
        buried.push(jobs::poison_in(&stack, ledger, "no-such-service", "271828").await?);
        buried.push(jobs::poison_in(&stack, ledger, "no-such-service", "271829").await?);
    }
    wait::until("dead letters", || letters(&stack), |letters| letters.len() == 4).await?;
    let (went, said) = cli(&stack, &["erase", "--phone", &gone])?;
    assert!(went && said.contains("erased: 1 orders") && said.contains("2 dead letters"), "{said}");
    let mut left = letters(&stack).await?;
    left.sort();
    let mut expected = buried.split_off(2);
    expected.sort();
    assert_eq!(left, expected, "the other phone's stay");
    // Its ledger has no order any more, and a letter goes all the same.
    let ledger = OrderId::parse(&buried.remove(0))?.ledger();
    jobs::poison_in(&stack, ledger, "no-such-service", "271830").await?;
    wait::until("one more", || letters(&stack), |letters| letters.len() == 3).await?;
    let (went, said) = cli(&stack, &["erase", "--phone", &gone])?;
    assert!(went && said.contains("erased: 0 orders") && said.contains("1 dead letters"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_phone_s_dead_letters_go_with_it_standalone() -> anyhow::Result<()> {
    a_phone_s_dead_letters_go_with_it(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_phone_s_dead_letters_go_with_it_on_rabbitmq() -> anyhow::Result<()> {
    a_phone_s_dead_letters_go_with_it(Backing::Shared).await
}

/// Numbers run on over the sendings of an order: the last of them is far beyond those of one.
#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn what_was_said_of_every_sending_goes() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Shared).await?;
    let phone = fresh_phone();
    let order = OrderId::parse(&stack.client.order(&phone).await?)?;
    stack.client.until_state(&order.to_string(), "delivered").await?;
    let store = Redis::connect(stack.variable("REDIS_URL")?, stack.variable("TIFFIN_STORE_PREFIX")?).await?;
    let store = Store::Redis(store);
    let receipt = Item::Receipt(Received {
        at: host::now(),
        fate: "delivered".into(),
        code: None,
        scheme: "signed".into(),
        is_proven: true,
        headers: Vec::new(),
        body: None,
        provider_time: None,
    });
    let last = u32::try_from(ATTEMPTS_MAX)? * u32::from(SENDS_PER_ORDER_MAX);
    for n in [9, 24, last] {
        let (to, item) = (Some("+91••••••3210".into()), Box::new(receipt.clone()));
        let keep = evidence::Command::Keep { id: Bytes([7; 16]), to, item };
        let kept = store.apply::<Shelf>(&Key::exhibits(&order, n), &keep, host::now()).await?;
        assert!(kept.is_kept, "{n}");
    }
    let (went, said) = cli(&stack, &["erase", "--phone", &phone])?;
    assert!(went && said.contains("erased: 1 orders"), "{said}");
    for n in [9, 24, last] {
        let look = evidence::Command::Look;
        let left = store.apply::<Shelf>(&Key::exhibits(&order, n), &look, host::now()).await?;
        assert!(left.items.is_empty() && left.to.is_none(), "{n}: {left:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_phone_s_exchanges_go_with_it_at_the_edge() -> anyhow::Result<()> {
    a_phone_s_exchanges_go_with_it(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn a_phone_s_exchanges_go_with_it_standalone() -> anyhow::Result<()> {
    a_phone_s_exchanges_go_with_it(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_phone_s_exchanges_go_with_it_on_redis() -> anyhow::Result<()> {
    a_phone_s_exchanges_go_with_it(Front::Standalone, Backing::Shared).await
}
