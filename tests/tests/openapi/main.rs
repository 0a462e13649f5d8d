//! The API keeps to its description: schemathesis makes requests from the one and checks the other, on both hosts.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use reqwest::Method;
use tiffin_shared::http::OPENAPI;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// Fewer than these calls with both good and bad requests, and nothing was proved.
const CASES_MIN: u64 = 500;

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

/// Test cases that the report counts.
fn cases(report: &str) -> u64 {
    let counted = report.lines().filter_map(|line| line.split_once(" generated"));
    let number =
        |(before, _): (&str, &str)| before.rsplit(' ').next().and_then(|word| word.parse::<u64>().ok());
    counted.filter_map(number).sum()
}

async fn keeps_to_its_description(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let client = &stack.client;
    let url = format!("{}/openapi.json", client.edge);
    let own = root().join("tests/tests/openapi");
    let mut command = Command::new(schemathesis()?);
    // It keeps what it learned in its folder.
    command.current_dir(stack.dir()).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &own);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_COLOR", "1");
    command.arg("--config-file").arg(own.join("schemathesis.toml")).args(["run", &url]);
    command.args(["-H", &format!("Authorization: Bearer {}", client.key)]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let report = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(cases(&report) > CASES_MIN, "too few requests: {report}");
    println!("{report}");
    Ok(())
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
