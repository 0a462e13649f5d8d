//! Twilio's own library beside ours: the same requests, and each other's signatures.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod requests;
mod signatures;

use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use anyhow::Context;
use serde_json::Value;
use tiffin_tests::servers::root;
use tiffin_tests::tools;

/// Twilio's library, asked about all of them at once.
fn library(questions: &[Value]) -> anyhow::Result<Vec<Value>> {
    let mut script = Command::new(tools::python("twilio", "TWILIO_VERSION")?)
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
