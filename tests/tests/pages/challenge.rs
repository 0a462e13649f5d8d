//! The stock widget and library of ALTCHA solve our challenges, and our verifier takes their answers.

use std::process::Stdio;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::Bound;
use tiffin_shared::challenge::Challenge;
use tiffin_shared::challenge::altcha;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::Ring;
use tiffin_shared::time::UnixMs;
use tiffin_tests::servers::root;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::CHROMIUM;

/// Light and heavy, twice, on a busy machine; the script's own limits are shorter, and say what was waited for.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(240);
const KEY: [u8; 32] = [0x5a; 32];

/// The widget judges the expiry by the browser's clock, so the challenges are made now.
#[tokio::test]
#[ignore = "needs Chromium and Node: make test"]
async fn the_stock_widget_and_library_solve_our_challenges() -> anyhow::Result<()> {
    anyhow::ensure!(
        std::path::Path::new(CHROMIUM).exists(),
        "{CHROMIUM} is missing: run scripts/setup.sh all"
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
    let now = UnixMs(now.try_into()?);
    let text = format!("k1:{}", bytes::encode(&KEY));
    let keys = Ring::parse(&text, |id, key| Ok(ChallengeKey::new(id, key)))?;
    let tenant = TenantId::parse("shop")?;
    let visitor = Bytes([4; 16]);
    let bound = Bound { tenant: &tenant, ledger: LedgerId::new([7; 16]), visitor: Some(&visitor) };
    let elsewhere = Bound { ledger: LedgerId::new([8; 16]), ..bound };
    let costs = [Cost::Light, Cost::Heavy];
    let challenges: Vec<_> = costs
        .iter()
        .zip(now.0.to_le_bytes())
        .map(|(cost, seed)| altcha::issue(&keys, &bound, *cost, &Entropy::new([seed; 32]), now))
        .map(Challenge::Altcha)
        .collect();
    let answers = solve(&challenges).await?;
    for solver in ["library", "widget"] {
        for (cost, answer) in costs.iter().zip(list(&answers, solver)?) {
            let answer = answer.as_str().context("an answer is text")?;
            anyhow::ensure!(altcha::check(&keys, answer, &bound, *cost, now).is_ok(), "{solver}: {answer}");
            let other = altcha::check(&keys, answer, &elsewhere, *cost, now);
            anyhow::ensure!(other == Err(altcha::Error::OtherOrder), "{solver}: {other:?}");
        }
    }
    println!("{}", answers["notes"]);
    Ok(())
}

fn list<'a>(answers: &'a Value, name: &str) -> anyhow::Result<&'a Vec<Value>> {
    let list = answers[name].as_array().context("a list of answers")?;
    anyhow::ensure!(list.len() == 2, "{name} solved {} of 2", list.len());
    Ok(list)
}

async fn solve(challenges: &[Challenge]) -> anyhow::Result<Value> {
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let question = json!({"key": key, "challenges": challenges}).to_string();
    let mut script = Command::new(root().join("edge/node_modules/.bin/node"))
        .arg(root().join("tests/tests/pages/challenge.mjs"))
        .env("CHROMIUM", CHROMIUM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    script.stdin.take().context("a pipe")?.write_all(question.as_bytes()).await?;
    let output = timeout(SCRIPT_TIMEOUT, script.wait_with_output()).await.context("the browser hangs")??;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    anyhow::ensure!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
