//! Pages in a real Chromium: the sandbox's inbox here, bot challenges beside it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::process::Command;
use tokio::time::timeout;

mod challenge;

const CHROMIUM: &str = "/usr/bin/chromium";
/// Playwright's own limits are shorter, and say what was waited for.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(90);

/// The script orders the codes itself, so that it knows what was on the page before.
#[tokio::test]
#[ignore = "needs Chromium and Node: make test"]
async fn the_inbox_page_shows_codes_live_and_copies_them_on_any_width() -> anyhow::Result<()> {
    anyhow::ensure!(
        std::path::Path::new(CHROMIUM).exists(),
        "{CHROMIUM} is missing: run scripts/setup.sh all"
    );
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let node = root().join("edge/node_modules/.bin/node");
    let script = Command::new(node)
        .arg(root().join("tests/tests/pages/inbox.mjs"))
        .env("CHROMIUM", CHROMIUM)
        .env("SANDBOX", &stack.client.sandbox)
        .env("API", &stack.client.edge)
        .env("KEY", &stack.client.key)
        .env("PHONES", [fresh_phone(), fresh_phone()].join(","))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(SCRIPT_TIMEOUT, script).await.context("the browser hangs")??;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    anyhow::ensure!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    println!("{}", said(&output.stdout).trim());
    Ok(())
}
