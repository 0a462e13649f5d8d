//! What a key is for: pages by their origin, services by name. Elsewhere it opens nothing and tells nothing.

use reqwest::Method;
use serde_json::Value;
use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::ACCEPTED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;

const ORIGIN: &str = "https://shop.example";
const READABLE: &str = "access-control-allow-origin";
const STRANGE_ORIGINS: [&str; 8] = [
    "https://evil.example",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example/",
    "https://shop.example, https://evil.example",
    "null",
];

async fn a_pages_key_is_for_that_page(page: &Caller, any: &Caller, server: &Caller) -> anyhow::Result<()> {
    assert_eq!(told(&page.order(&fresh_phone()).await?), (401, Some("unauthenticated")), "without an origin");
    for origin in STRANGE_ORIGINS {
        let reply = page.with("origin", origin).order(&fresh_phone()).await?;
        assert_eq!(told(&reply), (401, Some("unauthenticated")), "{origin}");
        assert_ne!(reply.header(READABLE), Some(origin));
    }
    let phone = fresh_phone();
    let reply = page.with("origin", ORIGIN).order(&phone).await?;
    assert_eq!((told(&reply), reply.header(READABLE)), (ACCEPTED, Some(ORIGIN)));
    assert_eq!(reply.header("vary"), Some("Origin"));
    let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
    for name in ["location", "ratelimit", "retry-after", "x-request-id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    // Refusals can be read as well, or the page could not show the challenge.
    let again = page.with("origin", ORIGIN).verify(&reply.id()?, "not a code").await?;
    assert_eq!((again.status, again.header(READABLE).is_some()), (400, true));
    let open = any.with("origin", "https://any.example").order(&fresh_phone()).await?;
    assert_eq!((told(&open), open.header(READABLE)), (ACCEPTED, Some("https://any.example")));
    // A secret key belongs in no page: its replies cannot be read there.
    let secret = server.with("origin", ORIGIN).order(&fresh_phone()).await?;
    assert_eq!((told(&secret), secret.header(READABLE)), (ACCEPTED, None));
    Ok(())
}

async fn a_browser_may_ask_whether_a_page_may_call(stack: &Stack) -> anyhow::Result<()> {
    for path in ["/v1/orders", "/v1/orders/ord_x/verify", "/v1/preflight"] {
        let headers = [
            ("origin", ORIGIN),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization, content-type, idempotency-key"),
        ];
        let url = format!("{}{path}", stack.client.edge);
        let reply = stack.client.raw(Method::OPTIONS, url, &headers, Vec::new()).await?;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{path}");
        assert!([Some("*"), Some(ORIGIN)].contains(&reply.header(READABLE)));
        let names = |header: &str| reply.header(header).unwrap_or_default().to_lowercase();
        assert!(names("access-control-allow-methods").contains("post"));
        for name in ["authorization", "content-type", "idempotency-key"] {
            assert!(names("access-control-allow-headers").contains(name), "{reply:?}");
        }
        // With credentials a page could ride on cookies; there are none to ride on.
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
    Ok(())
}

async fn a_services_key_sees_no_other_service(server: &Caller, narrow: [&Caller; 2]) -> anyhow::Result<()> {
    let phone = fresh_phone();
    let order = server.order(&phone).await?;
    let (id, code) = (order.id()?, server.client.code(&phone).await?);
    for caller in narrow {
        let refused = caller.order(&fresh_phone()).await?;
        assert_eq!(told(&refused), (422, Some("unknown_service")), "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("payment") && !detail.contains("login"), "{detail}");
        assert_eq!(told(&caller.fetch(&id).await?), (404, Some("not_found")));
        for call in ["cancel", "resend"] {
            let path = format!("/v1/orders/{id}/{call}");
            let reply = caller.post(&path, Some(&fresh_key()), &Value::Null).await?;
            assert_eq!(told(&reply), (404, Some("not_found")), "{call}: {reply:?}");
        }
    }
    let [secret, publishable] = narrow;
    assert_eq!(told(&secret.verify(&id, &code).await?), (404, Some("not_found")));
    let guess = publishable.verify(&id, &code).await?;
    assert_eq!((guess.status, guess.text.as_str()), (200, r#"{"result":"not_verified"}"#));
    assert_eq!(server.fetch(&id).await?.body["guesses_left"], 5, "those guesses were none");
    assert_eq!(server.verify(&id, &code).await?.body["result"], "verified");
    let mut unknown = login(&fresh_phone());
    unknown["service"] = "admin".into();
    let reply = server.create(&fresh_key(), &unknown).await?;
    assert_eq!(told(&reply), (422, Some("unknown_service")));
    Ok(())
}

async fn scopes(front: Front) -> anyhow::Result<()> {
    let keys = [
        Key::of("dev", KeyKind::Publishable)?.at("https://other.example").at(ORIGIN),
        Key::of("dev", KeyKind::Publishable)?,
        Key::of("dev", KeyKind::Secret)?,
        Key::of("dev", KeyKind::Secret)?.only_for("payment")?,
        Key::of("dev", KeyKind::Publishable)?.only_for("payment")?,
    ];
    let stack = fleet::start(front, "", &keys).await?;
    let caller = |key: &Key| key.caller(&stack).with(ip_header(front), &fresh_ip());
    let [page, any, server, secret, publishable] = keys.each_ref().map(caller);
    a_pages_key_is_for_that_page(&page, &any, &server).await?;
    a_browser_may_ask_whether_a_page_may_call(&stack).await?;
    a_services_key_sees_no_other_service(&server, [&secret, &publishable]).await
}

#[tokio::test]
async fn a_key_opens_what_it_is_for_at_the_wasm_edge() -> anyhow::Result<()> {
    scopes(Front::Edge).await
}

#[tokio::test]
async fn a_key_opens_what_it_is_for_standalone() -> anyhow::Result<()> {
    scopes(Front::Standalone).await
}
