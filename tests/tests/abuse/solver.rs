//! A client that solves challenges: PBKDF2 under Node, with no code of ours.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tiffin_tests::client::Reply;
use tiffin_tests::servers::root;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// A heavy challenge on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the script found.
pub struct Solution {
    /// Solves the challenge.
    pub answer: String,
    /// Claim to, without the work.
    pub lazy: Vec<String>,
    /// The same work, under other parameters than were issued.
    pub altered: Vec<String>,
}

/// Solves the challenge in a refusal.
pub async fn solve(refused: &Reply) -> anyhow::Result<Solution> {
    let challenge = &refused.body["challenge"];
    anyhow::ensure!(challenge["type"] == "altcha", "no challenge of ours in {refused:?}");
    let mut script = Command::new(root().join("edge/node_modules/.bin/node"))
        .arg(root().join("tests/tests/abuse/solve.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    script.stdin.take().context("a pipe")?.write_all(challenge.to_string().as_bytes()).await?;
    let output = timeout(TIMEOUT, script.wait_with_output()).await.context("the solver hangs")??;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout)?;
    Ok(Solution {
        answer: found["answer"].as_str().context("no answer")?.to_owned(),
        lazy: texts(&found["lazy"])?,
        altered: texts(&found["altered"])?,
    })
}

fn texts(list: &Value) -> anyhow::Result<Vec<String>> {
    let list = list.as_array().filter(|list| !list.is_empty()).context("no list")?;
    list.iter().map(|text| Ok(text.as_str().context("no text")?.to_owned())).collect()
}
