//! `make run` and its kin, as a person starts them.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::process::Process;
use tiffin_tests::process::signal;
use tiffin_tests::servers::root;
use tiffin_tests::wait;

async fn told(state: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(state.join("dev.json"))?)?)
}

fn text(told: &Value, name: &str) -> anyhow::Result<String> {
    Ok(told.get(name).and_then(Value::as_str).with_context(|| format!("no {name} in {told}"))?.to_owned())
}

fn pid(told: &Value, name: &str) -> anyhow::Result<u32> {
    let pid = told.pointer(&format!("/pids/{name}/0")).and_then(Value::as_u64);
    Ok(u32::try_from(pid.with_context(|| format!("no pid of {name} in {told}"))?)?)
}

fn script(name: &str) -> Command {
    let mut command = Command::new(root().join("scripts").join(name));
    command.env_remove("REDIS_URL").env_remove("AMQP_URL");
    // What cargo tells this test of its own package would have core built anew, as no person's shell has it.
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_package(name)) {
        command.env_remove(name);
    }
    command
}

async fn a_first_code_arrives_and_everything_stops(mode: &str) -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-run-")?;
    let state = dir.path().join("state");
    let first = wait::free_ports(5)?;
    let mut command = script("run.sh");
    command.arg(mode).env("TIFFIN_STATE", &state);
    for (at, name) in (0..).zip(["EDGE_PORT", "CORE_PORT", "SANDBOX_PORT"]) {
        command.env(name, (first + at).to_string());
    }
    let mut run = Process::start(&mut command, &dir.path().join("run.log"))?;
    let before =
        wait::until("dev.json", || told(&state), |_| true).await.map_err(|e| e.context(run.log()))?;
    let at = |name| text(&before, name);
    let client = Client::new(at("edge")?, at("core")?, at("sandbox")?, at("secret_key")?)?;
    let phone = fresh_phone();
    let id = client.order(&phone).await?;
    assert_eq!(client.guess(&id, &client.code(&phone).await?).await?, "verified");

    // A core that dies is started again, and the file follows.
    signal("KILL", pid(&before, "core")?);
    let is_new = |told: &Value| pid(told, "core").ok() != pid(&before, "core").ok();
    let after = wait::until("another core", || told(&state), is_new).await?;
    let phone = fresh_phone();
    let ordered = wait::until("an order", || async { Ok(client.order(&phone).await) }, Result::is_ok).await?;
    assert_eq!(client.guess(&ordered?, &client.code(&phone).await?).await?, "verified");

    run.stop();
    assert!(!state.join("dev.json").exists(), "dev.json outlived the run");
    for name in ["core", "edge", "sandbox"] {
        let is_gone = || async { Ok(!Path::new(&format!("/proc/{}", pid(&after, name)?)).exists()) };
        wait::until("the end of its processes", is_gone, |gone| *gone).await?;
    }
    Ok(())
}

#[tokio::test]
async fn make_run_delivers_a_first_code_through_wrangler() -> anyhow::Result<()> {
    a_first_code_arrives_and_everything_stops("edge").await
}

#[tokio::test]
async fn make_standalone_delivers_a_first_code_from_one_process() -> anyhow::Result<()> {
    a_first_code_arrives_and_everything_stops("standalone").await
}

/// In one process here; by hand it is Redis, RabbitMQ and the edge.
#[tokio::test]
async fn the_playbook_plays_to_its_end() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-playbook-")?;
    let mut command = script("playbook.sh");
    command.env("TIFFIN_STATE", dir.path().join("state")).env("PLAYBOOK_MODE", "standalone");
    let played = tokio::task::spawn_blocking(move || command.output()).await??;
    let said = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success(), "{said}\n{}", String::from_utf8_lossy(&played.stderr));
    for line in [
        "pass balance         1.00 USD is left",
        "verified  advice: none",
        "409 cancel_too_early",
        "called_off      stopped",
        "That way was tried. What would be another: sms, voice.",
        "retry goes by voice",
        "unchanged since core sealed it",
        "is not what core sealed",
        "state       resolved",
        "refund                  0.045",
    ] {
        assert!(said.contains(line), "{line} is missing in\n{said}");
    }
    Ok(())
}
