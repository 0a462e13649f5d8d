//! API keys come and go without a restart, and the edge serves on by what it was told last.

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;
use tiffin_core::host;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::Caller;
use crate::caller::told;
use crate::fleet::API_KEYS;
use crate::fleet::Key;
use crate::fleet::digests;

/// A revoked key ends within this, everywhere.
const REVOKED_WITHIN: Duration = Duration::from_secs(60);

fn write(file: &Path, keys: &[&Key]) -> anyhow::Result<()> {
    // At once, as an operator's tools do it: core must never read half of it.
    let next = file.with_extension("next");
    std::fs::write(&next, digests(keys.iter().copied())?)?;
    Ok(std::fs::rename(next, file)?)
}

/// Whether the key is known: 404 for an order that never was, or 401.
async fn until_known(caller: &Caller, known: bool) -> anyhow::Result<()> {
    let unknown = OrderId::new([1; 16], LedgerId::new([1; 16])).to_string();
    let status = if known { 404 } else { 401 };
    let look = || caller.fetch(&unknown);
    wait::until_within(REVOKED_WITHIN, "the key's change", look, |reply| reply.status == status).await?;
    Ok(())
}

/// Replaces one key by another while everything runs. The stack, the new key, and how long it took.
async fn rotated(front: Front, dir: &Path) -> anyhow::Result<(Stack, Key, Duration)> {
    let (old, new) = (Key::of("dev", KeyKind::Secret)?, Key::of("dev", KeyKind::Secret)?);
    let file = dir.join("api-keys.json");
    write(&file, &[&old])?;
    let path = file.display().to_string();
    let first = digests([&old])?;
    let more = [(API_KEYS, first.as_str()), ("TIFFIN_API_KEYS_FILE", path.as_str())];
    let stack = Stack::start_with(front, Backing::Memory, &more).await?;
    let (by_old, by_new) = (old.caller(&stack), new.caller(&stack));
    until_known(&by_old, true).await?;
    let (phone, key) = (fresh_phone(), fresh_key());
    assert_eq!(told(&by_old.create(&key, &login(&phone)).await?), ACCEPTED);
    assert_eq!(by_new.order(&fresh_phone()).await?.status, 401);

    write(&file, &[&new])?;
    let changed = Instant::now();
    until_known(&by_new, true).await?;
    until_known(&by_old, false).await?;
    let took = changed.elapsed();
    assert!(took < REVOKED_WITHIN, "{took:?}");
    assert_eq!(told(&by_new.order(&fresh_phone()).await?), ACCEPTED);
    // What it did while it was good opens nothing either: not even a replay.
    let replay = by_old.create(&key, &login(&phone)).await?;
    assert_eq!(told(&replay), (401, Some("unauthenticated")), "{replay:?}");
    Ok((stack, new, took))
}

#[tokio::test]
async fn a_new_key_works_and_a_revoked_one_ends_within_a_minute_standalone() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-keys-")?;
    let (_, _, took) = rotated(Front::Standalone, dir.path()).await?;
    println!("standalone: the keys changed after {:.1} s", took.as_secs_f64());
    Ok(())
}

/// After that, the edge is restarted with neither core nor the key-value copy: its own object has the directory.
#[tokio::test]
async fn a_new_key_works_within_a_minute_at_the_wasm_edge_and_then_without_core() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-keys-")?;
    let (mut stack, key, took) = rotated(Front::Edge, dir.path()).await?;
    println!("edge: the keys changed after {:.1} s", took.as_secs_f64());
    let (phone, caller) = (fresh_phone(), key.caller(&stack));
    let order = caller.order(&phone).await?;
    assert_eq!(told(&order), ACCEPTED);
    let code = stack.client.code(&phone).await?;

    stack.core = None;
    stack.edge = None;
    let copy = stack.dir().join("edge/kv");
    anyhow::ensure!(std::fs::read_dir(&copy)?.next().is_some(), "the copy is elsewhere");
    std::fs::remove_dir_all(&copy)?;
    stack.start_edge().await?;
    // The worker's own variable does not know this key.
    let verified = caller.verify(&order.id()?, &code).await?;
    assert_eq!(verified.body["result"], "verified", "{verified:?}");
    assert_eq!(told(&caller.order(&fresh_phone()).await?), ACCEPTED);
    let deployed = Caller::new(&stack.client, &stack.keys.secret);
    assert_eq!(deployed.order(&fresh_phone()).await?.status, 401, "the newer directory counts");
    Ok(())
}

/// Nobody ever pushed anything, and there is no core: the deployed directory serves.
#[tokio::test]
async fn a_fresh_edge_serves_by_the_directory_it_was_deployed_with() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-fresh-")?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let port = wait::free_ports(2)?;
    let _edge = edge::start(&dir.path().join("edge"), port, &edge_variables(&keys, port + 1)?)?;
    let at = |port| format!("http://127.0.0.1:{port}");
    let client = Client::new(at(port), at(port + 1), at(port + 1), keys.secret.clone())?;
    let health = || client.raw(reqwest::Method::GET, format!("{}/healthz", client.edge), &[], Vec::new());
    wait::until("the edge", health, |reply| reply.status == 200).await?;
    for key in [&keys.secret, &keys.publishable] {
        let reply = Caller::new(&client, key).order(&fresh_phone()).await?;
        assert_eq!(told(&reply), ACCEPTED, "{reply:?}");
    }
    let stranger = tiffin_shared::directory::write_key(KeyKind::Secret, host::random()?);
    assert_eq!(Caller::new(&client, &stranger).order(&fresh_phone()).await?.status, 401);
    Ok(())
}
