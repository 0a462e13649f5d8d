//! Evidence of a period for one supplier: all of it, each packet good by itself, or an error.

use std::collections::BTreeSet;

use anyhow::Context;
use futures::StreamExt;
use futures::stream;
use redis::AsyncCommands;
use serde_json::Value;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::copy;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::common::ops;

/// More than two pages.
const ORDERS: usize = 2 * PAGE_ROWS + 22;
const AT_ONCE: usize = 16;
/// Some lines, and not all of them.
const CUT_BYTES: u64 = 60_000;

/// Closed orders, all through the first gateway.
async fn closed(backing: Backing) -> anyhow::Result<(Stack, BTreeSet<String>)> {
    let stack = Stack::start(Front::Standalone, backing).await?;
    let order = |_| async {
        let phone = fresh_phone();
        let id = stack.client.order(&phone).await?;
        stack.client.until_state(&id, "delivered").await?;
        let code = stack.client.code(&phone).await?;
        anyhow::ensure!(stack.client.guess(&id, &code).await? == "verified");
        Ok(id)
    };
    let ids: Vec<anyhow::Result<String>> =
        stream::iter(0..ORDERS).map(order).buffer_unordered(AT_ONCE).collect().await;
    let ids: BTreeSet<_> = ids.into_iter().collect::<anyhow::Result<_>>()?;
    let rows = async || {
        let reply = ops(&stack, reqwest::Method::GET, "export/orders", &[], &Value::Null).await?;
        Ok(reply.text.lines().count())
    };
    wait::until("all to be closed", rows, |count| *count == ORDERS).await?;
    Ok((stack, ids))
}

/// What the command line prints, of core at `url`.
fn exported(stack: &Stack, url: &str) -> anyhow::Result<(bool, String)> {
    let arguments = ["export", "evidence", "--gateway", "twilio-sms", "--since", "2001-01-01"];
    stack.run_with(&arguments, &[("TIFFIN_OPS_URL", url), (OPERATOR_TOKEN, stack.variable(OPERATOR_TOKEN)?)])
}

fn all_come_out_whole(stack: &Stack, ids: &BTreeSet<String>) -> anyhow::Result<()> {
    let (went, said) = exported(stack, &stack.client.core)?;
    assert!(went, "{said}");
    let file = stack.dir().join("packet.json");
    let name = file.display().to_string();
    let mut seen = BTreeSet::new();
    for line in said.lines() {
        let line: Value = serde_json::from_str(line)?;
        let id = line["packet"]["evidence"]["order"].as_str().context("no packet")?.to_owned();
        assert_eq!(line["order"].as_str().or(line["row"]["order"].as_str()), Some(id.as_str()));
        std::fs::write(&file, line["packet"].to_string())?;
        let (is_well, said) = stack.run(&["order", "evidence", "--verify", &name])?;
        assert!(is_well && said.contains("unchanged since core sealed it") && said.contains(&id), "{said}");
        assert!(seen.insert(id), "twice");
    }
    assert_eq!(seen, *ids);
    Ok(())
}

fn is_told_to_be_cut(went: bool, said: &str) {
    let whole = said.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert!(!went, "a part went for the whole: {whole} lines");
    assert!(said.contains("the export was cut short: what was printed is not whole"), "{whole} lines");
    assert!(whole > 0 && whole < ORDERS, "{whole} lines are not the middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_s_evidence_comes_whole_and_a_cut_connection_is_told() -> anyhow::Result<()> {
    let (stack, ids) = closed(Backing::Memory).await?;
    all_come_out_whole(&stack, &ids)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let core = stack.client.core.trim_start_matches("http://").to_owned();
    let cut = tokio::spawn(async move {
        let (from, _) = listener.accept().await?;
        let (mut asked, mut told) = from.into_split();
        let (answers, mut questions) = TcpStream::connect(core).await?.into_split();
        let asking = tokio::spawn(async move { copy(&mut asked, &mut questions).await });
        copy(&mut answers.take(CUT_BYTES), &mut told).await?;
        told.shutdown().await?;
        asking.abort();
        Ok::<_, std::io::Error>(())
    });
    let (went, said) = exported(&stack, &url)?;
    cut.await??;
    is_told_to_be_cut(went, &said);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_supplier_s_evidence_comes_whole_and_a_store_that_fails_is_told() -> anyhow::Result<()> {
    let (stack, ids) = closed(Backing::Shared).await?;
    all_come_out_whole(&stack, &ids)?;
    // The last one's cannot be read: what came before it has been sent by then.
    let rows = ops(&stack, reqwest::Method::GET, "export/orders", &[], &Value::Null).await?;
    let last: Value = serde_json::from_str(rows.text.lines().last().context("no rows")?)?;
    let last = last["order"].as_str().context("no order")?;
    let mut redis =
        redis::Client::open(stack.variable("REDIS_URL")?)?.get_multiplexed_async_connection().await?;
    let pattern = format!("{}:*{last}/1", stack.variable("TIFFIN_STORE_PREFIX")?);
    let keys: Vec<String> = redis.keys(pattern).await?;
    let [key] = keys.as_slice() else { anyhow::bail!("{keys:?}") };
    let () = redis.set(key, "no JSON").await?;
    let (went, said) = exported(&stack, &stack.client.core)?;
    is_told_to_be_cut(went, &said);
    Ok(())
}
