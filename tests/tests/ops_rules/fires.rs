//! A gateway's outage as Prometheus sees it, from the first failed call to the end by the runbook.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::config::names::METRICS_TOKEN;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::process::Process;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::read;

/// Calls enough to open a breaker, and some.
const ORDERS: usize = 30;
const ALERT: &str = "TiffinBreakerOpen";

/// A Prometheus of this test alone.
struct Prometheus {
    url: String,
    _process: Process,
    _dir: TempDir,
}

impl Prometheus {
    /// Looks at core each second, by the repository's alerts with every wait of theirs shortened.
    async fn start(stack: &Stack) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("tiffin-prometheus-")?;
        let port = wait::free_ports(1)?;
        write_settings(stack, dir.path())?;
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::start(&mut command, &dir.path().join("prometheus.log"))?;
        let it = Self { url: format!("http://127.0.0.1:{port}"), _process: process, _dir: dir };
        let look = || it.value(stack, "up{job=\"tiffin\"}");
        wait::until("a first scrape", look, |up| *up == Some(1.0)).await?;
        Ok(it)
    }

    async fn ask(&self, stack: &Stack, path: &str) -> anyhow::Result<Value> {
        let reply = stack.client.raw(Method::GET, format!("{}{path}", self.url), &[], Vec::new()).await?;
        anyhow::ensure!(reply.body["status"] == "success", "{reply:?}");
        Ok(reply.body["data"].clone())
    }

    /// The first value of a query.
    async fn value(&self, stack: &Stack, query: &str) -> anyhow::Result<Option<f64>> {
        let mut path = String::from("/api/v1/query?query=");
        for byte in query.bytes() {
            write!(path, "%{byte:02X}")?;
        }
        let found = self.ask(stack, &path).await?;
        Ok(found["result"][0]["value"][1].as_str().and_then(|text| text.parse().ok()))
    }

    /// What fires of an alert.
    async fn firing(&self, stack: &Stack, name: &str) -> anyhow::Result<Vec<Value>> {
        let all = self.ask(stack, "/api/v1/alerts").await?["alerts"].as_array().cloned().unwrap_or_default();
        let is_it = |alert: &Value| alert["labels"]["alertname"] == name && alert["state"] == "firing";
        Ok(all.into_iter().filter(is_it).collect())
    }
}

fn write_settings(stack: &Stack, dir: &Path) -> anyhow::Result<()> {
    let shortened = |line: &str| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 2s\n"),
        _ => format!("{line}\n"),
    };
    let rules: String = read("ops/prometheus/alerts.yml").lines().map(shortened).collect();
    std::fs::write(dir.join("alerts.yml"), rules)?;
    std::fs::write(dir.join("token"), stack.variable(METRICS_TOKEN)?)?;
    let example = read("ops/prometheus/prometheus.yml");
    let example = example.split("\n  # `rabbitmq-plugins").next().unwrap();
    let settings = example
        .replace("15s", "1s")
        .replace("/etc/prometheus/tiffin-metrics-token", &dir.join("token").display().to_string())
        .replace("127.0.0.1:8788", stack.client.core.trim_start_matches("http://"));
    Ok(std::fs::write(dir.join("prometheus.yml"), settings)?)
}

fn tiffin(stack: &Stack, arguments: &[&str]) -> anyhow::Result<String> {
    let core = stack.client.core.clone();
    let (is_well, said) = stack.run_with(arguments, &[("TIFFIN_OPS_URL", &core)])?;
    anyhow::ensure!(is_well, "tiffin {arguments:?}: {said}");
    Ok(said)
}

#[tokio::test]
#[ignore = "needs prometheus: make test"]
async fn an_outage_of_a_gateway_fires_and_the_runbook_ends_it() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let prometheus = Prometheus::start(&stack).await?;
    assert!(prometheus.firing(&stack, ALERT).await?.is_empty());
    stack.client.fault("http_500").await?;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        orders.push(stack.client.order(&fresh_phone()).await?);
    }
    let look = || prometheus.firing(&stack, ALERT);
    let firing = wait::until("the alert", look, |firing| !firing.is_empty()).await?;
    let [alert] = firing.as_slice() else { panic!("{firing:?}") };
    assert_eq!(alert["labels"]["gateway"], "twilio-sms");
    assert_eq!(alert["annotations"]["runbook_url"], "docs/OPERATIONS.md#tiffinbreakeropen");
    let failed = "sum(tiffin_attempts_total{gateway=\"twilio-sms\",outcome=\"transient\"})";
    assert!(prometheus.value(&stack, failed).await?.is_some_and(|failed| failed >= 3.0));
    // The others carry its orders: the runbook's first word.
    for order in &orders {
        stack.client.until_state(order, "delivered").await?;
    }
    let dark = prometheus.firing(&stack, "TiffinCountryDark").await?;
    assert!(dark.is_empty(), "{dark:?}");
    assert!(tiffin(&stack, &["route", "list"])?.contains("open"));
    // It is well again: forced in, and let go once calls go through.
    stack.client.fault("ok").await?;
    tiffin(&stack, &["route", "close", "twilio-sms"])?;
    let order = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&order, "delivered").await?;
    tiffin(&stack, &["route", "release", "twilio-sms"])?;
    let look = || prometheus.firing(&stack, ALERT);
    wait::until("the alert's end", look, Vec::is_empty).await?;
    let state = prometheus.value(&stack, "max(tiffin_breaker_state{gateway=\"twilio-sms\"})").await?;
    assert_eq!(state, Some(0.0));
    Ok(())
}
