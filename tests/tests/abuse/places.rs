//! An order from another country than its number's costs a challenge, never a refusal; and a server is told why.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::edge::CF_HEADER;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;
use crate::solver::solve;

/// Country of an Indian number's order, and the factors that it must come to.
const MATRIX: [(&str, &[&str]); 6] = [
    ("IN", &[]),
    ("DE", &["country_mismatch"]),
    ("US", &["country_mismatch"]),
    ("T1", &["tor"]),
    ("XX", &["unknown_country"]),
    ("EU", &["unknown_country"]),
];

/// An app's users, as Cloudflare sees where they are.
async fn at_the_edge(stack: &Stack, enforcing: &Key, recording: &Key, off: &Key) -> anyhow::Result<()> {
    for (country, factors) in MATRIX {
        let from = |key: &Key| {
            let cf = format!(r#"{{"country": "{country}"}}"#);
            // What a caller says of itself counts nothing.
            let caller = key.caller(stack).with("cf-ipcountry", "IN").with(CF_HEADER, &cf);
            caller.with(ip_header(Front::Edge), &fresh_ip())
        };
        for open in [recording, off] {
            let reply = from(open).order(&fresh_phone()).await?;
            assert_eq!(told(&reply), ACCEPTED, "{country}: {reply:?}");
            assert_eq!(reply.body["risk"], Value::Null, "an app is not told");
        }
        let (app, phone) = (from(enforcing), fresh_phone());
        let reply = app.order(&phone).await?;
        if factors.is_empty() {
            assert_eq!(told(&reply), ACCEPTED, "{country}: {reply:?}");
            continue;
        }
        assert_eq!(told(&reply), CHALLENGED, "{country}: {reply:?}");
        let answer = solve(&reply).await?.answer;
        let order = app.order_solved(&phone, &answer).await?;
        assert_eq!(told(&order), ACCEPTED, "{country}: solved, it goes on: {order:?}");
        assert_eq!(order.body["risk"], Value::Null, "an app is not told");
    }
    Ok(())
}

/// Servers that tell of their client: they may be told more.
async fn by_servers(stack: &Stack, enforcing: &Key, recording: &Key, off: &Key) -> anyhow::Result<()> {
    for (country, factors) in MATRIX {
        // A server names countries only.
        let Some(country) = (!["T1", "XX", "EU"].contains(&country)).then_some(country) else { continue };
        let body = |phone: &str| {
            let mut body = login(phone);
            body["client"] = json!({ "country": country });
            body
        };
        let ordered = |key: &Key, phone: String| {
            let (caller, body) = (key.caller(stack), body(&phone));
            async move { caller.create(&fresh_key(), &body).await }
        };
        let recorded = ordered(recording, fresh_phone()).await?;
        assert_eq!(told(&recorded), ACCEPTED, "{country}: {recorded:?}");
        let unseen = ordered(off, fresh_phone()).await?;
        assert_eq!((told(&unseen), &unseen.body["risk"]), (ACCEPTED, &Value::Null));
        if factors.is_empty() {
            assert_eq!(recorded.body["risk"], Value::Null);
            assert_eq!(told(&ordered(enforcing, fresh_phone()).await?), ACCEPTED);
            continue;
        }
        assert_eq!(recorded.body["risk"], json!({"tier": "normal", "factors": factors}));
        assert_eq!(recorded.body["channel"], "sms", "recording changes nothing");
        let phone = fresh_phone();
        let refused = ordered(enforcing, phone.clone()).await?;
        assert_eq!(told(&refused), CHALLENGED, "{country}: {refused:?}");
        let mut again = body(&phone);
        again["challenge"] = solve(&refused).await?.answer.into();
        let accepted = enforcing.caller(stack).create(&fresh_key(), &again).await?;
        assert_eq!(told(&accepted), ACCEPTED, "{accepted:?}");
        assert_eq!(accepted.body["risk"], json!({"tier": "elevated", "factors": factors}));
    }
    // Without a client nothing is said of places.
    let plain = enforcing.caller(stack).order(&fresh_phone()).await?;
    assert_eq!((told(&plain), &plain.body["risk"]), (ACCEPTED, &Value::Null));
    Ok(())
}

/// Who verified a code abroad lately is asked no more there.
async fn a_place_is_asked_about_once(stack: &Stack, key: &Key) -> anyhow::Result<()> {
    let (server, phone): (Caller, _) = (key.caller(stack), fresh_phone());
    let mut body = login(&phone);
    body["client"] = json!({"country": "DE"});
    let refused = server.create(&fresh_key(), &body).await?;
    assert_eq!(told(&refused), CHALLENGED);
    let mut solved = body.clone();
    solved["challenge"] = solve(&refused).await?.answer.into();
    let order = server.create(&fresh_key(), &solved).await?;
    let code = stack.client.code(&phone).await?;
    assert_eq!(server.verify(&order.id()?, &code).await?.body["result"], "verified");
    let again = server.create(&fresh_key(), &body).await?;
    assert_eq!((told(&again), &again.body["risk"]), (ACCEPTED, &Value::Null), "{again:?}");
    Ok(())
}

async fn places(front: Front) -> anyhow::Result<()> {
    let lines = [
        // A bucket that is always full: what is asked for here is asked for because of places.
        fleet::tenant(
            "enforcing",
            "countries = \"all\"\nlimits = { bucket = { capacity = 3, refill_ms = 1 } }",
        ),
        fleet::tenant("recording", "countries = \"all\"\ngeo = { mode = \"record_only\" }"),
        fleet::tenant("off", "countries = \"all\"\ngeo = { mode = \"off\" }"),
    ];
    let mut keys = Vec::new();
    for kind in [KeyKind::Secret, KeyKind::Publishable] {
        for name in ["enforcing", "recording", "off"] {
            keys.push(Key::of(name, kind)?);
        }
    }
    let stack = fleet::start(front, &lines.concat(), &keys).await?;
    by_servers(&stack, &keys[0], &keys[1], &keys[2]).await?;
    a_place_is_asked_about_once(&stack, &keys[0]).await?;
    if front == Front::Edge {
        at_the_edge(&stack, &keys[3], &keys[4], &keys[5]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn another_country_costs_a_challenge_at_the_wasm_edge() -> anyhow::Result<()> {
    places(Front::Edge).await
}

#[tokio::test]
async fn another_country_costs_a_challenge_standalone() -> anyhow::Result<()> {
    places(Front::Standalone).await
}
