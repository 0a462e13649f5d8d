//! What operators see of abuse, and let go: a pumped prefix, a client network, a locked phone.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::start;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;

/// Room for six orders at once: what locks a phone is then its guesses.
const LIMITS: &str = "countries = \"all\"\nlimits = { bucket = { capacity = 6, refill_ms = 1000 } }";
const PUMPED: &str = "+91987654";
/// Eleven unverified orders are too many.
const SMALL: [(&str, &str); 3] = [
    ("TIFFIN_GUARD_MODE", "enforce"),
    ("TIFFIN_GUARD_PREFIX_FLOOR", "10"),
    ("TIFFIN_GUARD_SAMPLES_MIN", "10"),
];

async fn ops(stack: &Stack, method: Method, path: &str, body: &Value) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
    let url = format!("{}/ops/v1/{path}", stack.client.core);
    stack.client.raw(method, url, &[("authorization", &bearer)], body).await
}

async fn post(stack: &Stack, path: &str, body: &Value) -> anyhow::Result<Reply> {
    ops(stack, Method::POST, path, body).await
}

async fn audit(stack: &Stack) -> anyhow::Result<Reply> {
    ops(stack, Method::GET, "audit", &Value::Null).await
}

async fn a_locked_phone_is_unlocked(front: Front) -> anyhow::Result<()> {
    let key = Key::of("quick", KeyKind::Secret)?;
    let mut stack = fleet::start(front, &fleet::tenant("quick", LIMITS), std::slice::from_ref(&key)).await?;
    let (server, phone) = (key.caller(&stack), fresh_phone());
    let mut used_up = String::new();
    for _ in 0..4 {
        used_up = server.order(&phone).await?.id()?;
        for _ in 0..5 {
            server.verify(&used_up, "0000").await?;
        }
    }
    let id = server.order(&phone).await?.id()?;
    // Those before it may have been superseded before they were sent.
    wait::until("the message", || server.fetch(&id), |reply| reply.body["state"] == "delivered").await?;
    let code = stack.client.code(&phone).await?;
    assert_eq!(server.verify(&id, &code).await?.body["result"], "locked");

    let wish = json!({"tenant": "quick", "phone": phone, "reason": "The owner calls, and is known."});
    let unlocked = post(&stack, "phones/unlock", &wish).await?;
    assert_eq!(
        unlocked.body,
        json!({"unlocked": true, "wrong_in_a_row": 20, "wrong_today": 20}),
        "{unlocked:?}"
    );
    assert_ne!(server.verify(&used_up, "0000").await?.body["result"], "wrong_code", "five-guesses");
    assert_eq!(server.verify(&id, &code).await?.body["result"], "verified");
    let again = post(&stack, "phones/unlock", &wish).await?;
    assert_eq!(again.body["unlocked"], false, "{again:?}");
    for refused in [false, false, true] {
        let next = wait::until("room", || server.order(&phone), |reply| reply.status == 202).await?.id()?;
        server.verify(&next, "0000").await?;
        let again = post(&stack, "phones/unlock", &wish).await?;
        if refused {
            assert_eq!(told(&again), (429, Some("rate_limited")), "{again:?}");
            assert!(again.header("retry-after").is_some(), "{again:?}");
        } else {
            assert_eq!(again.body, json!({"unlocked": true, "wrong_in_a_row": 1, "wrong_today": 1}));
        }
    }
    let rows = audit(&stack).await?.text;
    assert!(rows.contains("phone.unlock ") && rows.contains("The owner calls"), "{rows}");
    assert!(!rows.contains(phone.trim_start_matches('+')), "a number in the audit");

    for (bad, status, why) in [
        (json!({"tenant": "quick", "phone": "12", "reason": "x"}), 422, "invalid_phone"),
        (json!({"tenant": "quick", "phone": phone}), 400, "invalid_request"),
        (json!({"tenant": "quick", "phone": phone, "reason": ""}), 400, "invalid_request"),
        (json!({"tenant": "quick", "phone": phone, "reason": phone}), 400, "invalid_request"),
        (json!({"tenant": "nobody", "phone": phone, "reason": "x"}), 404, "not_found"),
    ] {
        let refused = post(&stack, "phones/unlock", &bad).await?;
        assert_eq!(told(&refused), (status, Some(why)), "{bad}: {refused:?}");
    }
    if let Some(mut edge) = stack.edge.take() {
        edge.kill();
        let gone = post(&stack, "phones/unlock", &wish).await?;
        assert_eq!(told(&gone), (503, Some("unavailable")), "{gone:?}");
        let gone = post(&stack, "abuse/network", &json!({"ip": "192.0.2.7"})).await?;
        assert_eq!(told(&gone), (503, Some("unavailable")), "{gone:?}");
    }
    Ok(())
}

async fn a_challenged_network_is_shown_and_let_go(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    let ip = fresh_ip();
    let app = Caller::app(&stack, front).with(ip_header(front), &ip);
    for _ in 0..3 {
        assert_eq!(told(&app.order(&fresh_phone()).await?), ACCEPTED);
    }
    assert_eq!(told(&app.order(&fresh_phone()).await?), CHALLENGED);
    let named = json!({"ip": ip});
    let seen = post(&stack, "abuse/network", &named).await?;
    assert_eq!(seen.body["orders_left"], 0, "{seen:?}");
    assert!(seen.body["challenge_until"].is_u64() && seen.body["blocked_until"].is_null(), "{seen:?}");
    assert!(seen.body["site"].is_null() && seen.body["guesses_left"] == 10, "{seen:?}");
    let released = post(&stack, "abuse/network/release", &named).await?;
    assert_eq!(released.status, 200, "{released:?}");
    assert_eq!(post(&stack, "abuse/network", &named).await?.body["orders_left"], 3);
    assert_eq!(told(&app.order(&fresh_phone()).await?), ACCEPTED);
    let site = post(&stack, "abuse/network", &json!({"ip": "2001:db8:1:2::7"})).await?;
    assert_eq!(
        (&site.body["orders_left"], &site.body["site"]["orders_left"]),
        (&json!(3), &json!(30)),
        "{site:?}"
    );
    let rows = audit(&stack).await?.text;
    assert!(rows.contains("abuse.network.release ") && !rows.contains(&ip), "{rows}");
    for bad in [json!({"ip": "nowhere"}), json!({}), json!([]), json!({"ip": "1.2.3.4/8"})] {
        let refused = post(&stack, "abuse/network", &bad).await?;
        assert_eq!(told(&refused), (400, Some("invalid_request")), "{bad}: {refused:?}");
    }
    Ok(())
}

async fn a_pumped_prefix_is_listed_with_why_and_let_go(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start_with(front, Backing::Memory, &SMALL).await?;
    let server = Caller::new(&stack.client, &stack.keys.secret);
    for n in 0..12 {
        assert_eq!(told(&server.order(&format!("{PUMPED}{n:04}")).await?), ACCEPTED, "{n}");
    }
    let list = || ops(&stack, Method::GET, "abuse", &Value::Null);
    let is_listed = |reply: &Reply| reply.body["verdicts"][0].is_object();
    let listed = wait::until("a verdict", list, is_listed).await?;
    let verdict = &listed.body["verdicts"][0];
    assert_eq!(
        (&verdict["verdict"], &verdict["enforced"]),
        (&json!("challenge"), &json!(true)),
        "{listed:?}"
    );
    let why = verdict["why"].as_str().unwrap_or_default();
    assert!(why.contains("orders in 10 minutes unverified"), "{listed:?}");
    assert!(verdict["label"].as_str().unwrap_or_default().starts_with("prefix "), "{listed:?}");
    assert!(verdict["since"].as_u64() < verdict["until"].as_u64(), "{listed:?}");
    let prefix = listed.body["watched"].as_array().into_iter().flatten();
    let prefix = prefix.into_iter().find(|row| row["subject"] == verdict["subject"]);
    assert!(
        prefix.is_some_and(|row| row["sent"].as_u64() > Some(10) && row["verdict"] == "challenge"),
        "{listed:?}"
    );
    assert!(!listed.text.contains("987654"), "a number in the list: {listed:?}");

    let minds = |reply: &Reply| {
        let mut checks = reply.body["checks"].as_array().into_iter().flatten();
        checks.any(|check| check["name"] == "limits" && check["result"] == "warn")
    };
    let body = login(&format!("{PUMPED}9999"));
    let look = || server.post("/v1/preflight", Some("look"), &body);
    wait::until("a challenge", look, minds).await?;
    assert_eq!(told(&server.order(&format!("{PUMPED}0100")).await?), CHALLENGED);
    let wish = json!({"tenant": verdict["tenant"], "subject": verdict["subject"]});
    let released = post(&stack, "abuse/release", &wish).await?;
    assert_eq!((released.status, &released.body["released"]), (200, &json!(true)), "{released:?}");
    wait::until("orders that pass", look, |reply| reply.status == 200 && !minds(reply)).await?;
    assert_eq!(told(&server.order(&format!("{PUMPED}0101")).await?), ACCEPTED);
    let rows = audit(&stack).await?.text;
    assert!(rows.contains("abuse.release dev/IN/"), "{rows}");
    for (bad, status) in [
        (json!({"tenant": "dev", "subject": "nowhere"}), 400),
        (json!({"tenant": "dev"}), 400),
        (json!({"tenant": "dev/IN", "subject": "IN"}), 400),
        (json!({"tenant": "nobody", "subject": "IN"}), 404),
    ] {
        let refused = post(&stack, "abuse/release", &bad).await?;
        assert_eq!(refused.status, status, "{bad}: {refused:?}");
    }
    let (done, said) = stack.run_with(&["abuse", "list"], &[("TIFFIN_OPS_URL", &stack.client.core)])?;
    assert!(done && said.contains("watched: dev IN"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_locked_phone_is_unlocked_at_the_wasm_edge() -> anyhow::Result<()> {
    a_locked_phone_is_unlocked(Front::Edge).await
}

#[tokio::test]
async fn a_locked_phone_is_unlocked_standalone() -> anyhow::Result<()> {
    a_locked_phone_is_unlocked(Front::Standalone).await
}

#[tokio::test]
async fn a_challenged_network_is_let_go_at_the_wasm_edge() -> anyhow::Result<()> {
    a_challenged_network_is_shown_and_let_go(Front::Edge).await
}

#[tokio::test]
async fn a_challenged_network_is_let_go_standalone() -> anyhow::Result<()> {
    a_challenged_network_is_shown_and_let_go(Front::Standalone).await
}

#[tokio::test]
async fn a_pumped_prefix_is_let_go_at_the_wasm_edge() -> anyhow::Result<()> {
    a_pumped_prefix_is_listed_with_why_and_let_go(Front::Edge).await
}

#[tokio::test]
async fn a_pumped_prefix_is_let_go_standalone() -> anyhow::Result<()> {
    a_pumped_prefix_is_listed_with_why_and_let_go(Front::Standalone).await
}
