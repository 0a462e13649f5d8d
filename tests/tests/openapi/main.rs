//! The API keeps to its description: schemathesis makes requests from the one and checks the other, on both hosts.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::http::OPENAPI;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// Fewer requests than these, good and bad, and nothing was proved.
const CASES_MIN: u64 = 500;
/// Where every order is past its window: a message arrives at once.
const NEVER_ACCEPTED: &str = "POST /v1/orders/{id}/cancel";

fn schemathesis() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let version = versions.lines().find_map(|line| line.strip_prefix("SCHEMATHESIS_VERSION="));
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let tools = tools.context("HOME is not set")?;
    let program = tools.join(format!("schemathesis-{}/bin/st", version.unwrap_or_default()));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    Ok(program)
}

/// Requests enough, and of every call some that were good.
fn proves_something(report: &Value) -> anyhow::Result<()> {
    let cases = report["test_cases"]["generated"].as_u64().unwrap_or(0);
    anyhow::ensure!(cases >= CASES_MIN, "only {cases} requests");
    let calls = report["valid_rates"].as_object().context("the report has no rates")?;
    for (call, phases) in calls.iter().filter(|(call, _)| *call != NEVER_ACCEPTED) {
        let phases = phases.as_object().into_iter().flat_map(Map::values);
        let accepted: u64 = phases.filter_map(|phase| phase["accepted"].as_u64()).sum();
        anyhow::ensure!(accepted > 0, "{call}: no request was good");
    }
    anyhow::ensure!(calls.len() > 10, "calls are missing: {:?}", calls.keys());
    Ok(())
}

async fn keeps_to_its_description(front: Front) -> anyhow::Result<()> {
    // A resend need not wait.
    let at_once = |text: &str| text.replace("resend_after_ms = 30000", "resend_after_ms = 0");
    let stack = Stack::start_with_settings(front, Backing::Memory, at_once).await?;
    let client = &stack.client;
    let own = root().join("tests/tests/openapi");
    let report = stack.dir().join("report.json");
    let mut command = Command::new(schemathesis()?);
    // It keeps what it learned in its folder.
    command.current_dir(stack.dir()).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &own);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_COLOR", "1");
    command.arg("--config-file").arg(own.join("schemathesis.toml"));
    command.arg("run").arg(format!("{}/openapi.json", client.edge));
    command.args(["-H", &format!("Authorization: Bearer {}", client.key)]);
    command.args(["--report", "json", "--report-json-path"]).arg(&report);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "{said}\n{warned}");
    proves_something(&serde_json::from_slice(&std::fs::read(&report)?)?)
}

#[tokio::test]
async fn the_wasm_edge_keeps_to_its_description() -> anyhow::Result<()> {
    keeps_to_its_description(Front::Edge).await
}

#[tokio::test]
async fn core_keeps_to_its_description() -> anyhow::Result<()> {
    keeps_to_its_description(Front::Standalone).await
}

#[tokio::test]
async fn both_hosts_serve_the_committed_bytes_to_anyone() -> anyhow::Result<()> {
    for front in [Front::Edge, Front::Standalone] {
        let stack = Stack::start(front, Backing::Memory).await?;
        let url = format!("{}/openapi.json", stack.client.edge);
        let reply = stack.client.raw(Method::GET, url.clone(), &[], Vec::new()).await?;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert!(reply.text == OPENAPI, "{front:?} serves another document");
        let head = stack.client.raw(Method::HEAD, url, &[], Vec::new()).await?;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
    }
    Ok(())
}

/// Too unlikely to be generated: fields in the very order of ours.
#[tokio::test]
async fn an_array_of_the_fields_is_refused() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let client = &stack.client;
    let id = client.order(&fresh_phone()).await?;
    let calls = [
        ("/v1/factors".to_owned(), json!(["ada", "Shop", null, 6])),
        (format!("/v1/orders/{id}/verify"), json!(["123456", null])),
        (format!("/v1/orders/{id}/resend"), json!(["auto"])),
    ];
    for (path, body) in calls {
        let key = fresh_key();
        let reply = client.call(Method::POST, &path, &[("idempotency-key", &key)], &body).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{path}");
    }
    Ok(())
}
