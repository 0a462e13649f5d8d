//! Twilio's own library beside ours: the same requests, and each other's signatures.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod requests;
mod signatures;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use anyhow::Context;
use serde_json::Value;
use tiffin_tests::servers::root;

fn python() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let version = versions.lines().find_map(|line| line.strip_prefix("TWILIO_VERSION="));
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let program =
        tools.context("HOME is not set")?.join(format!("twilio-{}/bin/python", version.unwrap_or_default()));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    Ok(program)
}

/// Twilio's library, asked about all of them at once.
fn library(questions: &[Value]) -> anyhow::Result<Vec<Value>> {
    let mut script = Command::new(python()?)
        .arg(root().join("tests/tests/twilio/sdk.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = script.stdin.take().context("a pipe")?;
    let json = serde_json::to_vec(questions)?;
    // It reads all before it writes: a thread of its own is for a pipe that is smaller than the questions.
    let writer = thread::spawn(move || stdin.write_all(&json));
    let output = script.wait_with_output()?;
    writer.join().unwrap()?;
    anyhow::ensure!(output.status.success(), "the library failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}
