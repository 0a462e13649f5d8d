//! An order's trace, as OpenTelemetry's own classes read what a collector is sent.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::collector::Collector;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::tools;
use tiffin_tests::wait;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

struct Scene {
    stack: Stack,
    collector: Collector,
    dir: TempDir,
}

impl Scene {
    async fn start(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let dir = TempDir::new()?;
        let collector = Collector::start(&dir.path().join("otlp.json")).await?;
        let mut variables = vec![
            ("TIFFIN_TELEMETRY_OTLP_URL", collector.url.as_str()),
            ("TIFFIN_OTLP_HEADERS", "x-tenant=acme, authorization=Bearer secret"),
            ("TIFFIN_LOG_FORMAT", "json"),
        ];
        variables.extend(more);
        let stack = Stack::start_with(Front::Edge, Backing::Memory, &variables).await?;
        Ok(Self { stack, collector, dir })
    }

    async fn order(&self, phone: &str, flags: &str) -> anyhow::Result<String> {
        let client = &self.stack.client;
        let traceparent = format!("00-{TRACE}-{SPAN}-{flags}");
        let (key, bearer) = (fresh_key(), format!("Bearer {}", self.stack.keys.secret));
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
            ("traceparent", traceparent.as_str()),
        ];
        let url = format!("{}/v1/orders", client.edge);
        let body = serde_json::to_vec(&login(phone))?;
        client.raw(reqwest::Method::POST, url, &headers, body).await?.id()
    }

    async fn verified(&self, id: &str, phone: &str) -> anyhow::Result<()> {
        let client = &self.stack.client;
        client.until_state(id, "delivered").await?;
        let code = client.code(phone).await?;
        anyhow::ensure!(client.guess(id, &code).await? == "verified");
        Ok(())
    }

    /// What the collector has of this order.
    async fn spans(&self, order: &str) -> anyhow::Result<Vec<Value>> {
        let look = || std::future::ready(Ok(self.collector.requests().join("\n")));
        let text = wait::until("an export", look, |text: &String| text.contains(order)).await?;
        assert!(std::fs::read(self.dir.path().join("otlp.json"))?.len() >= text.len());
        let spans = read(&text)?;
        Ok(spans.into_iter().filter(|span| span["attributes"]["tiffin.order"] == order).collect())
    }
}

fn read(text: &str) -> anyhow::Result<Vec<Value>> {
    let mut child = Command::new(tools::python("opentelemetry-proto", "OPENTELEMETRY_PROTO_VERSION")?)
        .arg(root().join("tests/tests/traces/collector.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("a pipe")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "OpenTelemetry's classes do not read it");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn one<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

fn time(span: &Value, which: &str) -> u64 {
    span[which].as_u64().unwrap()
}

#[tokio::test]
#[ignore = "needs Python: make test"]
async fn an_order_is_one_trace_from_the_edge_to_its_receipt() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    let phone = fresh_phone();
    let id = scene.order(&phone, "01").await?;
    scene.verified(&id, &phone).await?;
    let spans = scene.spans(&id).await?;

    assert!(spans.iter().all(|span| span["trace"] == TRACE), "{spans:#?}");
    let order = one(&spans, "order");
    assert_eq!((&order["parent"], &order["flags"]), (&json!(SPAN), &json!(0x301)));
    let attempt = one(&spans, "attempt");
    for name in ["accept", "hand_over", "queue", "attempt", "verify"] {
        assert_eq!(one(&spans, name)["parent"], order["id"], "{name}");
    }
    for name in ["call", "wait", "receipt"] {
        for span in named(&spans, name) {
            assert_eq!(span["parent"], attempt["id"], "{name}");
        }
    }
    assert!(!named(&spans, "report").is_empty(), "{spans:#?}");
    // Each begins where the one before it ends, or later.
    let way = ["accept", "hand_over", "queue", "call", "wait"].map(|name| one(&spans, name));
    for (before, after) in way.iter().zip(way.iter().skip(1)) {
        assert!(time(before, "end") <= time(after, "start"), "{before} {after}");
    }
    let arrived = named(&spans, "receipt").last().map(|span| time(span, "end"));
    assert_eq!(arrived, Some(time(one(&spans, "wait"), "end")));
    for span in &spans {
        assert!(time(span, "start") <= time(span, "end") && time(span, "start") >= time(order, "start"));
        assert_eq!(span["is_error"], false, "{span}");
    }
    let services = ["accept", "call"].map(|name| &one(&spans, name)["service"]);
    assert_eq!(services, [&json!("tiffin-edge"), &json!("tiffin-core")]);

    // No number, and nothing of it; the request's id and the order's are what leads elsewhere.
    let text = scene.collector.requests().join("\n");
    assert!(!text.contains(&phone[phone.len() - 8..]), "the export tells the number");
    assert!(order["attributes"]["tiffin.request_id"].as_str().unwrap().starts_with("req_"));
    let headers = scene.collector.headers();
    assert!(headers.iter().all(|headers| headers["authorization"] == "Bearer secret"));
    assert!(headers.iter().all(|headers| headers["x-tenant"] == "acme"));

    // The order's record and the log tell the same trace.
    let core = scene.stack.client.core.clone();
    let token = scene.stack.variable(OPERATOR_TOKEN)?.to_owned();
    let shown = scene
        .stack
        .run_with(&["order", "show", &id], &[("TIFFIN_OPS_URL", core.as_str()), (OPERATOR_TOKEN, &token)]);
    let (is_well, said) = shown?;
    assert!(is_well && said.contains(TRACE) && said.contains("req_"), "{said}");
    let log = scene.stack.core.as_ref().unwrap().log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = lines.iter().find(|line| line["fields"]["message"] == "attempt").unwrap();
    assert_eq!((&line["span"]["order"], &line["span"]["trace_id"]), (&json!(id), &json!(TRACE)));
    assert_eq!(line["span"]["request_id"], order["attributes"]["tiffin.request_id"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Python: make test"]
async fn a_failover_is_two_attempts_and_the_first_one_is_an_error() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    scene.stack.client.fault_of("twilio-sms", "http_500").await?;
    let phone = fresh_phone();
    let id = scene.order(&phone, "01").await?;
    scene.verified(&id, &phone).await?;
    let spans = scene.spans(&id).await?;
    let attempts = named(&spans, "attempt");
    let gateways: Vec<_> = attempts.iter().map(|it| &it["attributes"]["tiffin.gateway"]).collect();
    assert_eq!(gateways, ["twilio-sms", "twilio-sms-2"]);
    assert_eq!((&attempts[0]["is_error"], &attempts[1]["is_error"]), (&json!(true), &json!(false)));
    assert!(!attempts[0]["message"].as_str().unwrap().is_empty());
    assert!(time(attempts[0], "end") <= time(attempts[1], "start"));
    let calls = named(&spans, "call");
    assert_eq!([&calls[0]["parent"], &calls[1]["parent"]], [&attempts[0]["id"], &attempts[1]["id"]]);
    assert_eq!((&calls[0]["is_error"], &calls[1]["is_error"]), (&json!(true), &json!(false)));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Python: make test"]
async fn a_collector_that_is_away_costs_spans_and_no_orders() -> anyhow::Result<()> {
    let scene = Scene::start(&[("TIFFIN_TELEMETRY_QUEUE_MAX", "3")]).await?;
    scene.collector.answers(StatusCode::BAD_REQUEST);
    // Its caller does not record it.
    let phone = fresh_phone();
    let unsampled = scene.order(&phone, "00").await?;
    scene.verified(&unsampled, &phone).await?;
    let phone = fresh_phone();
    let id = scene.order(&phone, "01").await?;
    scene.verified(&id, &phone).await?;
    let log = || std::future::ready(Ok(scene.stack.core.as_ref().map_or(String::new(), |core| core.log())));
    let log = wait::until("a dropped batch", log, |log| log.contains("spans were not exported")).await?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let dropped = lines.filter_map(|line| line["fields"]["dropped"].as_u64()).max();
    // Three found room, and were refused; the others found none.
    assert!(dropped.is_some_and(|dropped| dropped > 6), "{dropped:?}");
    assert!(scene.collector.requests().is_empty());
    Ok(())
}
