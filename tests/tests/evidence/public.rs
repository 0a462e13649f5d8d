//! `GET /v1/orders/{id}/evidence`, at the edge and standalone.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes::encode;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::evidence::verify;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::delivered;
use crate::get;
use crate::ops;
use crate::with_email;

const JSON: &str = "application/json";

async fn start(front: Front) -> anyhow::Result<Stack> {
    Stack::start_with_settings(front, Backing::Memory, with_email).await
}

fn ring(stack: &Stack) -> anyhow::Result<Ring<Verifying>> {
    let text = stack.variable("TIFFIN_CORE_PUBLIC_KEYS")?;
    Ok(Ring::parse(text, |_, key| Verifying::new(key))?)
}

/// What differs between two packets of one order that were made one after the other.
fn timeless(text: &str) -> anyhow::Result<String> {
    let mut packet: Value = serde_json::from_str(text)?;
    packet["evidence"]["made_at"] = Value::Null;
    packet["seal"]["signature"] = Value::Null;
    packet["seal"]["digests"]["/made_at"] = Value::Null;
    Ok(packet.to_string())
}

#[tokio::test]
async fn the_packet_tells_the_whole_story_and_is_core_s_own_byte_for_byte() -> anyhow::Result<()> {
    for front in [Front::Edge, Front::Standalone] {
        let stack = start(front).await?;
        let id = delivered(&stack).await?;
        let reply = get(&stack.client, &id, "*/*").await?;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(JSON)), "{reply:?}");
        let core =
            ops(&stack, reqwest::Method::GET, &format!("orders/{id}/evidence"), JSON, Vec::new()).await?;
        assert_eq!(timeless(&reply.text)?, timeless(&core.text)?, "{front:?}");

        let checked = verify(&reply.text, &ring(&stack)?).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        let evidence = *checked.evidence;
        assert_eq!(evidence.order.to_string(), id);
        assert_eq!(evidence.account.email.as_deref(), Some("help@shop.example"));
        assert!(evidence.request.as_deref().is_some_and(|id| id.starts_with("req_") && id.len() == 26));
        assert!(evidence.to.as_deref().is_some_and(|to| to.starts_with("+91••••••")), "{:?}", evidence.to);
        assert!(evidence.timeline.len() >= 3, "{:?}", evidence.timeline);
        let attempt = evidence.attempts.first().expect("an attempt");
        assert!(attempt.provider_id.as_deref().is_some_and(|id| id.starts_with("SM")), "{attempt:?}");
        let exchange = attempt.exchanges.first().expect("an exchange");
        assert!(exchange.request.line.starts_with("POST http://127.0.0.1:"), "{exchange:?}");
        let body = exchange.request.body.as_ref().expect("a body");
        assert!(body.text.contains("000000 is your"), "{body:?}");
        assert!(attempt.receipts.iter().all(|it| it.is_proven && it.scheme.contains("X-Twilio-Signature")));
        let clock = evidence.clocks.first().expect("the provider tells its time");
        assert!(
            clock.offset_ms.unsigned_abs() <= clock.error_ms,
            "one clock is not apart from itself: {clock:?}"
        );

        let page = get(&stack.client, &id, "text/html").await?;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(
            page.header("content-security-policy").is_some_and(|it| it.starts_with("default-src 'none'"))
        );
        assert!(page.text.starts_with("<!doctype html>") && page.text.contains(&id));
    }
    Ok(())
}

#[tokio::test]
async fn only_the_tenant_s_secret_keys_get_it_and_both_fronts_refuse_alike() -> anyhow::Result<()> {
    let mut said = Vec::new();
    for front in [Front::Edge, Front::Standalone] {
        let stack = start(front).await?;
        let id = delivered(&stack).await?;
        let made_up = OrderId::new([1; 16], LedgerId::new([2; 16])).to_string();
        let ledger = OrderId::parse(&id)?.ledger();
        let unknown = OrderId::new([3; 16], ledger).to_string();
        let client = &stack.client;
        let publishable = client.with_key(&stack.keys.publishable);
        let replies = [
            ("publishable", 403, get(&publishable, &id, JSON).await?),
            ("no such key", 401, get(&client.with_key("sk_nobody"), &id, JSON).await?),
            ("made up", 404, get(client, &made_up, JSON).await?),
            ("unknown", 404, get(client, &unknown, JSON).await?),
            ("malformed", 404, get(client, "ord_x", JSON).await?),
            ("a type that there is not", 406, get(client, &id, "application/pdf").await?),
        ];
        for (name, status, reply) in &replies {
            assert_eq!(reply.status, *status, "{front:?}, {name}: {reply:?}");
        }
        // A made-up id is answered as an unknown one.
        assert_eq!(replies[2].2.text, replies[3].2.text);
        let texts = replies.map(|(name, _, reply)| {
            let kept = |header: &str| reply.header(header).map(str::to_owned);
            (name, reply.text.clone(), ["content-type", "cache-control", "vary"].map(kept))
        });
        said.push(texts);
    }
    assert_eq!(said[0], said[1]);
    Ok(())
}

#[tokio::test]
async fn an_order_of_another_tenant_or_of_a_service_that_the_key_is_not_for_does_not_exist()
-> anyhow::Result<()> {
    let key = |n: u8| write_key(KeyKind::Secret, [n; 24]);
    let entry = |n: u8, tenant: &str, services: Value| {
        let digest = encode(&key_digest(&key(n)).0);
        json!({"id": format!("k{n}"), "tenant": tenant, "kind": "secret", "digest": digest, "services": services})
    };
    let keys = json!([
        entry(1, "dev", json!([])),
        entry(2, "other", json!([])),
        entry(3, "dev", json!(["payment"])),
        entry(4, "dev", json!(["login"])),
    ]);
    let keys = keys.to_string();
    let other = |text: &str| format!("{text}\n[tenants.other.services.login]\nbrand = \"Other\"\n");
    let more = [("TIFFIN_API_KEYS", keys.as_str())];
    let mut stack = Stack::launch(Front::Standalone, Backing::Memory, &more, other).await?;
    stack.client = stack.client.with_key(&key(1));
    let id = delivered(&stack).await?;
    for (n, status) in [(1, 200), (2, 404), (3, 404), (4, 200)] {
        assert_eq!(get(&stack.client.with_key(&key(n)), &id, JSON).await?.status, status, "key {n}");
    }
    Ok(())
}

#[tokio::test]
async fn without_core_the_edge_says_to_come_back() -> anyhow::Result<()> {
    let mut stack = start(Front::Edge).await?;
    let id = delivered(&stack).await?;
    stack.core = None;
    let reply = get(&stack.client, &id, JSON).await?;
    assert_eq!((reply.status, reply.code()), (503, Some("unavailable")), "{reply:?}");
    assert!(reply.header("retry-after").is_some());
    Ok(())
}
