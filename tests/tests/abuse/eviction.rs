//! Durable Objects come and go: what they counted stays, and one that cannot be read lets nothing through.

use std::ffi::OsStr;
use std::fs;

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::ACCEPTED;
use crate::caller::Caller;
use crate::caller::told;

/// A phone's tokens, and an order's guesses.
const TOKENS: usize = 3;
const GUESSES: usize = 5;

/// Five guesses that are all wrong.
fn wrong(code: &str) -> Vec<String> {
    (0..=GUESSES).map(|n| format!("{n:06}")).filter(|guess| guess != code).take(GUESSES).collect()
}

#[tokio::test]
async fn tokens_and_guesses_outlive_the_object_at_the_wasm_edge() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let (server, phone) = (Caller::new(&stack.client, &stack.keys.secret), fresh_phone());
    let mut id = String::new();
    for _ in 0..TOKENS {
        let reply = server.order(&phone).await?;
        assert_eq!(told(&reply), ACCEPTED, "{reply:?}");
        id = reply.id()?;
    }
    stack.client.until_state(&id, "sent").await?;
    let code = stack.client.code(&phone).await?;
    let guesses = wrong(&code);
    for (n, guess) in guesses.iter().enumerate() {
        // Each guess, and at last the order, finds an object that was made anew from its storage.
        stack.edge = None;
        stack.start_edge().await?;
        let reply = server.verify(&id, guess).await?;
        assert_eq!(reply.body["result"], "wrong_code", "guess {n}: {reply:?}");
        assert_eq!(reply.body["guesses_left"], GUESSES - n - 1);
    }
    assert_eq!(server.verify(&id, &code).await?.body["result"], "locked");
    let fourth = server.order(&phone).await?;
    assert_eq!(told(&fourth), (429, Some("rate_limited")), "{fourth:?}");
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_verifies_nothing_and_harms_no_other() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let (server, phone) = (Caller::new(&stack.client, &stack.keys.secret), fresh_phone());
    let id = server.order(&phone).await?.id()?;
    let code = stack.client.code(&phone).await?;
    stack.edge = None;
    spoil(&stack)?;
    stack.start_edge().await?;
    for guess in [code.as_str(), "000000"] {
        let reply = server.verify(&id, guess).await?;
        assert_eq!(told(&reply), (503, Some("unavailable")), "{reply:?}");
    }
    let again = server.order(&phone).await?;
    assert_eq!(told(&again), (503, Some("unavailable")), "{again:?}");

    let other = fresh_phone();
    let id = server.order(&other).await?.id()?;
    let code = stack.client.code(&other).await?;
    assert_eq!(server.verify(&id, &code).await?.body["result"], "verified");
    Ok(())
}

/// Every ledger's rows become noise, as after a broken disk.
fn spoil(stack: &Stack) -> anyhow::Result<()> {
    let mut spoilt = 0;
    for file in fs::read_dir(stack.dir().join("edge/ledgers/tiffin-LedgerObject"))? {
        let path = file?.path();
        if path.file_stem() == Some(OsStr::new("metadata")) {
            continue;
        }
        match path.extension().and_then(OsStr::to_str) {
            Some("sqlite") => {
                fs::write(&path, vec![0xa5; 8_192])?;
                spoilt += 1;
            }
            Some(_) => fs::remove_file(&path)?,
            None => {}
        }
    }
    anyhow::ensure!(spoilt == 1, "{spoilt} ledgers: the objects' files are elsewhere");
    Ok(())
}
