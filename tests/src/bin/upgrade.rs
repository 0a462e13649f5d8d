//! `scripts/upgrade-drill.sh`: from one version to the next under load, and what it cost.
//!
//! `upgrade BASE HEAD edge|standalone [workers|fronts]`: two folders with a version each, what the front is, and which
//! processes are replaced first.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tiffin_tests::chaos::show;
use tiffin_tests::stack::Front;
use tiffin_tests::upgrade::installation::Installation;
use tiffin_tests::upgrade::installation::Kind;
use tiffin_tests::upgrade::load::Load;
use tiffin_tests::upgrade::tally;
use tiffin_tests::upgrade::tally::Tally;
use tiffin_tests::upgrade::version::Version;

/// Orders a second. Of one workerd on a machine that builds, fewer are asked.
const fn per_second(front: Front) -> u32 {
    match front {
        Front::Edge => 8,
        Front::Standalone => 25,
    }
}
/// Orders between two steps.
const BETWEEN: usize = 100;
/// Receipts take their time, so that orders are under way whenever a process goes.
const LATE: &str = r#"{"mode": "late_receipt", "rate": 0.5, "receipt_after_ms": 2000}"#;
/// Silence beyond which a second message would have been sent.
const SILENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (base, head, front, first) = match words.as_slice() {
        [base, head, "edge"] => (base, head, Front::Edge, Kind::Worker),
        [base, head, "standalone"] | [base, head, "standalone", "workers"] => {
            (base, head, Front::Standalone, Kind::Worker)
        }
        [base, head, "standalone", "fronts"] => (base, head, Front::Standalone, Kind::Front),
        _ => anyhow::bail!("usage: upgrade BASE HEAD edge|standalone [workers|fronts]"),
    };
    let dir = TempDir::with_prefix("tiffin-upgrade-")?;
    let base = Version::read("base", Path::new(base), dir.path())?;
    let head = Version::read("head", Path::new(head), dir.path())?;
    let mut installation = Installation::start(dir, front, &base, &head).await?;
    let script: serde_json::Value = serde_json::from_str(LATE)?;
    installation.client.fault_as("twilio-sms", &script).await?;

    let load = Load::start(&installation.client, per_second(front));
    load.until_accepted(BETWEEN).await?;
    let mut kinds = installation.kinds();
    kinds.sort_by_key(|kind| *kind != first);
    for kind in kinds {
        installation.add(&head, kind).await?;
        load.until_accepted(BETWEEN).await?;
        installation.drop_oldest(kind).await?;
        show(&format!("a {kind:?} was replaced, {} orders accepted", load.seen.accepted()));
        load.until_accepted(BETWEEN).await?;
    }
    if front == Front::Edge {
        installation.start_edge(&head).await?;
        show(&format!("the edge was replaced, {} orders accepted", load.seen.accepted()));
        load.until_accepted(BETWEEN).await?;
    }
    let seen = load.stop().await?;
    installation.client.fault_as("twilio-sms", &json!({"mode": "ok"})).await?;
    tokio::time::sleep(SILENCE).await;
    let tally = tally::count(&installation, &head, &seen).await?;
    for line in tally::complaints(&installation)? {
        show(&line);
    }
    print(&tally);
    anyhow::ensure!(tally.lost == 0 && tally.refused == 0, "orders were lost");
    Ok(())
}

fn print(tally: &Tally) {
    let Tally { accepted, delivered, lost, duplicates, verified, refused, dead, requests, failed, took } =
        tally;
    let [p50, p99, max] = took.map(|took| took.as_millis());
    show(&format!(
        "accepted {accepted}, delivered {delivered}, lost {lost}, duplicates {duplicates}, verified {verified}, \
         never accepted {refused}, dead letters {dead}"
    ));
    show(&format!("{requests} requests; failed and made again: {failed:?}"));
    show(&format!("acceptance to arrival: p50 {p50} ms, p99 {p99} ms, longest {max} ms"));
}
