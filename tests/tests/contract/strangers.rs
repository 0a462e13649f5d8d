//! What a stranger can do who took the publishable key out of an app: nothing to others' orders, words or storage.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

const SEEN: [&str; 10] =
    ["advice", "cancel", "channel", "created_at", "expires_at", "id", "resend_at", "service", "state", "to"];

fn names(body: &Value) -> Vec<&str> {
    // Of a message on its way only.
    let lasting = |name: &&str| *name != "waiting";
    body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).filter(lasting).collect()
}

async fn an_app_sees_little_and_spoils_nothing(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (server, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let (phone, key) = (fresh_phone(), fresh_key());
    let created = app.create(&key, &login(&phone)).await?;
    assert_eq!((created.status, names(&created.body)), (202, SEEN.to_vec()));
    // One of the bucket is kept for who solves, and one for the tenant's server.
    let kept = app.create(&fresh_key(), &login(&phone)).await?;
    assert_eq!((kept.status, kept.code()), (403, Some("challenge_required")));
    let fetched = app.fetch(&created.id()?).await?;
    assert_eq!((fetched.status, names(&fetched.body)), (200, SEEN.to_vec()));

    // The same key from a server is a key of its own.
    let other =
        server.create(&key, &json!({"to": {"phone": phone}, "service": "login", "client_ref": "x"})).await?;
    assert_eq!((other.status, other.header("idempotency-replayed")), (202, None));
    assert_ne!(other.id()?, created.id()?);
    assert_eq!(server.create(&fresh_key(), &login(&phone)).await?.status, 202);
    let refused = app.create(&fresh_key(), &login(&phone)).await?;
    let retry_after_s: u64 = refused.header("retry-after").unwrap_or_default().parse()?;
    // A minute or two, or a little more where the network has nothing left either.
    assert!(refused.status == 429 && (60..=132).contains(&retry_after_s), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn an_app_sees_little_and_spoils_nothing_at_the_wasm_edge() -> anyhow::Result<()> {
    an_app_sees_little_and_spoils_nothing(Front::Edge).await
}

#[tokio::test]
async fn an_app_sees_little_and_spoils_nothing_standalone() -> anyhow::Result<()> {
    an_app_sees_little_and_spoils_nothing(Front::Standalone).await
}

#[tokio::test]
async fn only_a_server_names_a_payment_and_never_an_address() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let (server, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let phone = fresh_phone();
    let order = |payee: &str| {
        let binding = json!({"amount": "499.00", "currency": "INR", "payee": payee});
        json!({"to": {"phone": phone}, "service": "login", "binding": binding})
    };
    let by_app = app.create(&fresh_key(), &order("Blue Tailor")).await?;
    assert_eq!((by_app.status, by_app.code()), (400, Some("invalid_request")));
    for payee in ["you. STOP it at https://evil.example/x", "you or +19995550", "evil.example"] {
        let refused = server.create(&fresh_key(), &order(payee)).await?;
        assert_eq!((refused.status, refused.code()), (400, Some("invalid_request")), "{payee}");
    }
    assert_eq!(server.create(&fresh_key(), &order("Blue Tailor")).await?.status, 202);
    server.code(&phone).await?;
    let messages = server.inbox(&phone).await?;
    assert!(messages[0]["text"].as_str().is_some_and(|text| text.contains("499.00 INR to Blue Tailor")));
    assert_eq!(messages.len(), 1);
    Ok(())
}

#[tokio::test]
async fn made_up_order_ids_make_no_durable_object() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let objects =
        || std::fs::read_dir(stack.dir().join("edge/ledgers/tiffin-LedgerObject")).map_or(0, Iterator::count);
    let made = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&made, "delivered").await?;
    let before = objects();
    assert!(before > 0, "the objects' files are elsewhere");
    for n in 0..50 {
        let id = OrderId::new([n; 16], LedgerId::new([n; 16])).to_string();
        assert_eq!(stack.client.fetch(&id).await?.status, 404);
        let path = format!("/v1/orders/{id}/verify");
        let verified = stack.client.call(Method::POST, &path, &[], &json!({"code": "123456"})).await?;
        assert_eq!(verified.status, 404);
    }
    assert_eq!(objects(), before);
    Ok(())
}
