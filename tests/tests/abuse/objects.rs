//! What is left in Durable Objects: nothing of who only looked, and nothing when a state is over.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::Caller;
use crate::caller::start;

/// A guess's token is back after 12 s; the platform then takes its time to ring, and to close the file.
const FORGOTTEN_S_MAX: u64 = 120;
/// In SQLite's file format, where the first page tells how many tables and indices the schema has.
const SCHEMA_CELLS_AT: usize = 103;

/// Objects of this class whose storage holds something, beside what the platform's emulation keeps of its own.
fn kept(stack: &Stack, class: &str) -> anyhow::Result<usize> {
    let dir = stack.dir().join("edge/ledgers").join(format!("tiffin-{class}"));
    let files = match fs::read_dir(dir) {
        Ok(files) => files.collect::<Result<Vec<_>, _>>()?,
        Err(_) => return Ok(0),
    };
    let files = files.into_iter().map(|file| file.path());
    let objects = files.filter(|path| {
        path.extension() == Some(OsStr::new("sqlite")) && path.file_stem() != Some(OsStr::new("metadata"))
    });
    Ok(objects.filter(|path| holds_a_state(path)).count())
}

fn holds_a_state(path: &Path) -> bool {
    let names_it = |bytes: &[u8]| bytes.windows(17).any(|window| window == b"CREATE TABLE cell");
    let page = fs::read(path).unwrap_or_default();
    let in_page = page.get(SCHEMA_CELLS_AT..SCHEMA_CELLS_AT + 2).is_some_and(|cells| cells != [0, 0]);
    // What was not written back into it yet.
    let log = fs::read(path.with_extension("sqlite-wal")).unwrap_or_default();
    in_page && names_it(&page) || names_it(&log)
}

#[tokio::test]
async fn a_look_leaves_nothing_in_a_durable_object() -> anyhow::Result<()> {
    let stack = start(Front::Edge).await?;
    let app = Caller::app(&stack, Front::Edge);
    stack.client.order(&fresh_phone()).await?;
    assert_eq!(kept(&stack, "LedgerObject")?, 1, "the objects' files are elsewhere");
    for _ in 0..5 {
        let reply = app.post("/v1/preflight", Some(&fresh_key()), &login(&fresh_phone())).await?;
        assert_eq!((reply.status, &reply.body["ok"]), (200, &true.into()), "{reply:?}");
    }
    assert_eq!(kept(&stack, "LedgerObject")?, 1);
    // Its first state makes the object whole, after a look as well.
    let phone = fresh_phone();
    app.post("/v1/preflight", Some(&fresh_key()), &login(&phone)).await?;
    let id = stack.client.order(&phone).await?;
    let code = stack.client.code(&phone).await?;
    assert_eq!(stack.client.guess(&id, &code).await?, "verified");
    assert_eq!(kept(&stack, "LedgerObject")?, 2);
    Ok(())
}

#[tokio::test]
async fn a_durable_object_is_empty_after_its_alarm() -> anyhow::Result<()> {
    let stack = start(Front::Edge).await?;
    let app = Caller::app(&stack, Front::Edge);
    let reply = app.post("/v1/preflight", Some(&fresh_key()), &login(&fresh_phone())).await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(kept(&stack, "VisitorObject")?, 1, "the objects' files are elsewhere");
    let deadline = Instant::now() + Duration::from_secs(FORGOTTEN_S_MAX);
    while kept(&stack, "VisitorObject")? > 0 {
        assert!(Instant::now() < deadline, "the state is over, and still there");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
