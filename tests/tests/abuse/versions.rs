//! Cores that do not agree: what changed last is served, and a revoked key stays revoked.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use tempfile::TempDir;
use tiffin_core::host;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::Pushed;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::fleet::API_KEYS;
use crate::fleet::Key;
use crate::fleet::digests;

/// A key's change is everywhere within this.
const CHANGED_WITHIN: Duration = Duration::from_secs(60);
/// How far the other core's clock is ahead, in milliseconds.
const AHEAD_MS: u64 = 3_600_000;

fn write(file: &Path, keys: &[&Key]) -> anyhow::Result<()> {
    let next = file.with_extension("next");
    std::fs::write(&next, digests(keys.iter().copied())?)?;
    Ok(std::fs::rename(next, file)?)
}

async fn until_known(stack: &Stack, key: &Key, known: bool) -> anyhow::Result<()> {
    let caller = key.caller(stack);
    let unknown = OrderId::new([1; 16], LedgerId::new([1; 16])).to_string();
    let status = if known { 404 } else { 401 };
    let look = || caller.fetch(&unknown);
    wait::until_within(CHANGED_WITHIN, "the key's change", look, |reply| reply.status == status).await?;
    Ok(())
}

/// What another core, with these keys and a clock that is ahead, pushes.
async fn push(stack: &Stack, keys: &[&Key]) -> anyhow::Result<Pushed> {
    let config = stack.keys.config(&Variables::new())?;
    let signing = config.core_keys(false)?.signing.current().clone();
    let mut directory = config.directory()?;
    directory.keys = keys.iter().map(|key| key.entry.clone()).collect();
    let snapshot = Snapshot::sign(&directory, host::now().0 + AHEAD_MS, &signing)?;
    let outgoing = internal::directory(&snapshot, &signing, &host::entropy()?, host::now())?;
    let headers: Vec<_> = outgoing.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{}{}", stack.client.edge, outgoing.path);
    let reply = stack.client.raw(Method::POST, url, &headers, outgoing.body.into_bytes()).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(serde_json::from_value(reply.body)?)
}

#[tokio::test]
async fn a_core_whose_clock_is_behind_still_revokes_and_no_other_brings_the_key_back() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-versions-")?;
    let (kept, mut bad) = (Key::of("dev", KeyKind::Secret)?, Key::of("dev", KeyKind::Secret)?);
    let file = dir.path().join("api-keys.json");
    write(&file, &[&kept])?;
    let (path, first) = (file.display().to_string(), digests([&kept])?);
    let more = [(API_KEYS, first.as_str()), ("TIFFIN_API_KEYS_FILE", path.as_str())];
    let stack = Stack::start_with(Front::Edge, Backing::Memory, &more).await?;
    until_known(&stack, &kept, true).await?;
    let pushed = push(&stack, &[&kept, &bad]).await?;
    assert!(pushed.same && pushed.revoked.is_empty(), "{pushed:?}");
    until_known(&stack, &bad, true).await?;

    // By its own clock this core's change is an hour older than what the edge has.
    let mut revoked = Key { text: bad.text.clone(), entry: bad.entry.clone() };
    revoked.entry.revoked = true;
    write(&file, &[&kept, &revoked])?;
    until_known(&stack, &bad, false).await?;
    until_known(&stack, &kept, true).await?;

    // The other one, restarted with what it had.
    let pushed = push(&stack, &[&kept, &bad]).await?;
    assert_eq!((pushed.same, pushed.revoked.as_slice()), (false, [bad.entry.digest].as_slice()));
    bad.entry.revoked = true;
    assert!(push(&stack, &[&kept, &bad]).await?.same);
    until_known(&stack, &bad, false).await
}
