//! Health, readiness, and the pages that problems point at.

use reqwest::Method;
use serde_json::json;
use tiffin_shared::problem::Code;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// Codes of the contract, with their statuses.
const CODES: [(&str, u16); 29] = [
    ("invalid_request", 400),
    ("idempotency_key_missing", 400),
    ("unauthenticated", 401),
    ("insufficient_balance", 402),
    ("challenge_required", 403),
    ("destination_not_allowed", 403),
    ("binding_required", 422),
    ("blocked", 403),
    ("not_found", 404),
    ("forbidden", 403),
    ("idempotency_in_flight", 409),
    ("nothing_changed", 409),
    ("cancel_too_early", 409),
    ("cancel_too_late", 409),
    ("body_too_large", 413),
    ("idempotency_mismatch", 422),
    ("invalid_phone", 422),
    ("unknown_service", 422),
    ("no_route", 422),
    ("rate_limited", 429),
    ("unavailable", 503),
    ("managed_by_file", 409),
    ("not_acceptable", 406),
    ("precondition_failed", 412),
    ("price_exceeded", 422),
    ("quote_expired", 422),
    ("quote_mismatch", 422),
    ("role_required", 403),
    ("unsupported_media_type", 415),
];

/// As a browser or a probe asks: without a key.
async fn get(client: &Client, path: &str) -> anyhow::Result<Reply> {
    client.raw(Method::GET, format!("{}{path}", client.edge), &[], Vec::new()).await
}

async fn every_page_answers(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let client = &stack.client;
    let ready = match (front, backing) {
        (Front::Edge, _) => json!({"status": "ready"}),
        (Front::Standalone, Backing::Memory) => {
            json!({"status": "ready", "store": "memory", "bus": "memory"})
        }
        (Front::Standalone, _) => json!({"status": "ready", "store": "redis", "bus": "rabbitmq"}),
    };
    for (path, expected) in [("/healthz", json!({"status": "ok"})), ("/readyz", ready)] {
        let reply = get(client, path).await?;
        assert_eq!((reply.status, &reply.body), (200, &expected), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        assert!(reply.header("x-request-id").is_some(), "{path}");
    }
    assert_eq!(CODES.len(), Code::ALL.len());
    for (code, status) in CODES {
        let reply = get(client, &format!("/problems/{code}")).await?;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(reply.text.starts_with(&format!("{code} ({status})\n")), "{}", reply.text);
        assert!(reply.text.lines().filter(|line| !line.is_empty()).count() == 3, "{}", reply.text);
    }
    for path in ["/problems/nope", "/problems/", "/problems/not_found/"] {
        let reply = get(client, path).await?;
        assert_eq!((reply.status, reply.code()), (404, Some("not_found")), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn health_and_problem_pages_answer_at_the_wasm_edge() -> anyhow::Result<()> {
    every_page_answers(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn health_and_problem_pages_answer_standalone() -> anyhow::Result<()> {
    every_page_answers(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn readiness_names_redis_and_rabbitmq() -> anyhow::Result<()> {
    every_page_answers(Front::Standalone, Backing::Shared).await
}
