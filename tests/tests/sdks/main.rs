//! Providers' own libraries: what we sign they accept, what they sign we accept, and neither takes what was altered. They
//! write the requests that our adapters write, and the sandbox takes theirs.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use anyhow::Context;
use proptest::strategy::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tiffin_tests::servers::root;
use tiffin_tests::tools;

mod message;
mod plivo;
mod vonage;

/// Cases of each scheme; more with `TIFFIN_SDK_CASES`.
const CASES: usize = 64;

/// Asks a library about all cases at once.
fn ask(library: &str, variable: &str, script: &str, cases: &[Value]) -> anyhow::Result<Vec<Value>> {
    let mut child = Command::new(tools::python(library, variable)?)
        .arg(root().join("tests/tests/sdks").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    let json = serde_json::to_vec(cases)?;
    // It reads all before it writes: a thread of its own is for a pipe that is smaller than the cases.
    let writer = thread::spawn(move || stdin.write_all(&json));
    let output = child.wait_with_output()?;
    writer.join().unwrap()?;
    anyhow::ensure!(output.status.success(), "{script} failed");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    anyhow::ensure!(answers.len() == cases.len(), "an answer for each case");
    Ok(answers)
}

/// So many values, the same ones each time.
fn samples<S: Strategy>(strategy: &S) -> Vec<S::Value> {
    let count = std::env::var("TIFFIN_SDK_CASES").ok().and_then(|count| count.parse().ok());
    let mut runner = TestRunner::deterministic();
    let sample = |_| strategy.new_tree(&mut runner).unwrap().current();
    (0..count.unwrap_or(CASES)).map(sample).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
