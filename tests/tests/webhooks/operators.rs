//! Endpoints by the command line.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_core::host;
use tiffin_core::journal::Stream;
use tiffin_core::store::Key;
use tiffin_core::store::Redis;
use tiffin_core::store::Store;
use tiffin_shared::id::TenantId;
use tiffin_shared::log;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_shared::log::Page;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::servers::Server;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

fn run(stack: &Stack, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let url = format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?);
    stack.run_with(&[&["webhook"], arguments].concat(), &[("TIFFIN_OPS_URL", url.as_str())])
}

/// Neither a query, which may be a secret, nor what a receiver answered, which may hold any.
async fn what_a_viewer_sees(stack: &Stack) -> anyhow::Result<()> {
    for (role, sees_answers) in [("viewer", false), ("support", true)] {
        let (ok, said) = stack.run_with(
            &["operator", "add", role, "--role", role, "--json"],
            &[("TIFFIN_OPS_URL", &format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?))],
        )?;
        anyhow::ensure!(ok, "{said}");
        let made: Value = serde_json::from_str(said.trim())?;
        let bearer = format!("Bearer {}", made["token"].as_str().unwrap_or_default());
        let headers = [("authorization", bearer.as_str())];
        let at = |path: &str| format!("{}/ops/v1/webhooks{path}", stack.client.core);
        let get = |path: &str| stack.client.raw(Method::GET, at(path), &headers, Vec::new());
        let listed = get("").await?;
        assert!(listed.status == 200 && !listed.text.contains("s3cret"), "{role}: {listed:?}");
        let tries = get("/dev/main/deliveries").await?;
        assert!(tries.status == 200 && tries.text.contains("\"status\":200"), "{role}: {tries:?}");
        assert_eq!(tries.text.contains("thanks"), sees_answers, "{role}: {tries:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_is_added_tested_looked_at_replayed_and_removed_by_the_command_line() -> anyhow::Result<()>
{
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    let events = "order.delivered,order.failed";
    let with_query = format!("{}?token=s3cret", hooks.url);
    let (ok, said) = run(&stack, &["add", "dev", "main", "--to-url", &with_query, "--events", events])?;
    assert!(ok && said.contains("whsec_"), "{said}");
    let secret = said.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap().to_owned();
    for (arguments, why) in [
        (vec!["add", "dev", "main", "--to-url", &hooks.url], "has this name"),
        (vec!["add", "nobody", "main", "--to-url", &hooks.url], "no such tenant"),
        (vec!["add", "dev", "second", "--to-url", "https://10.0.0.1/"], "IP address"),
        (vec!["add", "dev", "second", "--to-url", &hooks.url, "--events", "order.lost"], "order.lost"),
        (vec!["test", "dev", "third"], "no such endpoint"),
        (vec!["deliveries", "dev", "third"], "no such endpoint"),
        (vec!["add", "dev", "second", "--to-url", "https://10.0.0.1/hooks?token=s3cret"], "IP address"),
    ] {
        let (ok, said) = run(&stack, &arguments)?;
        assert!(!ok && said.contains(why), "{arguments:?}: {said}");
    }
    let order = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&order, "delivered").await?;
    let first = hooks.until(1).await?[0].clone();
    assert_eq!(first.kind(), "order.delivered");

    for (which, value) in [("--event", first.id()), ("--order", order.as_str()), ("--hours", "1")] {
        let before = hooks.taken().len();
        // What is under way still is not delivered twice.
        let look = || async { receiver::view(&stack, "main").await };
        wait::until("nothing under way", look, |view| view["waiting"] == json!(0)).await?;
        let (ok, said) = run(&stack, &["replay", "dev", "main", which, value])?;
        assert!(ok && said.starts_with("1 will"), "{which}: {said}");
        let again = hooks.until(before + 1).await?[before].clone();
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    }
    let (_, said) = run(&stack, &["deliveries", "dev", "main"])?;
    assert!(said.contains(first.id()) && said.contains("200") && said.contains("thanks"), "{said}");
    let (_, said) = run(&stack, &["list"])?;
    assert!(said.contains("dev main") && !said.contains("whsec_"), "{said}");
    assert!(said.contains(&hooks.url) && !said.contains("s3cret"), "{said}");
    what_a_viewer_sees(&stack).await?;
    assert!(run(&stack, &["remove", "dev", "main"])?.0);
    let (_, said) = run(&stack, &["list"])?;
    assert!(!said.contains("dev main"), "{said}");
    let url = format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?);
    let (_, audit) = stack.run_with(&["audit"], &[("TIFFIN_OPS_URL", url.as_str())])?;
    assert!(audit.contains("https://10.0.0.1/hooks") && !audit.contains("s3cret"), "{audit}");
    let log = stack.core.as_ref().unwrap().log();
    assert!(!log.contains(&secret), "a secret is never logged");
    Ok(())
}

/// Pages of rows that nobody asks for, appended at that time; the log's own pages are left out where their time is over.
async fn long(store: &Store, stream: &Stream, pages: usize, at: UnixMs, is_kept: bool) -> anyhow::Result<()> {
    let (name, keep_ms) = (stream.to_string(), 30 * DAY_MS);
    for page in 0..pages {
        let row = |n: usize| NewRow { id: format!("r{page}-{n}"), body: Value::Null };
        let append = log::Command::Append { rows: (0..PAGE_ROWS).map(row).collect(), keep_ms };
        let reply = store.apply::<Log>(&Key::log(&name), &append, at).await?;
        let Some((number, full)) = reply.full else { continue };
        if is_kept {
            let key = Key::log_page(&name, reply.began_at, number);
            store.apply::<Page>(&key, &Some(full), at).await?;
        }
        store.apply::<Log>(&Key::log(&name), &log::Command::Sealed(number), at).await?;
    }
    Ok(())
}

/// An installation on a Redis of its own, and its states.
async fn on_redis(dir: &Path) -> anyhow::Result<(Server, Stack, Store)> {
    let redis = Server::redis(dir).await?;
    let more = [("TIFFIN_WEBHOOKS_TO_LOOPBACK", "true"), ("REDIS_URL", &redis.url())];
    let stack = Stack::start_with(Front::Standalone, Backing::Memory, &more).await?;
    let store = Redis::connect(&redis.url(), stack.variable("TIFFIN_STORE_PREFIX")?).await?;
    Ok((redis, stack, Store::Redis(store)))
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn a_replay_finds_what_it_is_asked_for_behind_any_number_of_events() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-replay-")?;
    let (_redis, stack, store) = on_redis(dir.path()).await?;
    let stream = Stream::Hooks(TenantId::parse("dev")?);
    // More than one call looks through.
    long(&store, &stream, 1_100, host::now().minus(20 * DAY_MS), true).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    receiver::add(&stack, "main", &hooks.url, &json!({"events": ["order.delivered"]})).await?;
    let order = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&order, "delivered").await?;
    let first = hooks.until(1).await?[0].clone();
    for (which, value) in [("--hours", "1"), ("--order", order.as_str()), ("--event", first.id())] {
        let before = hooks.taken().len();
        let look = || async { receiver::view(&stack, "main").await };
        wait::until("nothing under way", look, |view| view["waiting"] == json!(0)).await?;
        let (ok, said) = run(&stack, &["replay", "dev", "main", which, value])?;
        assert!(ok && said.starts_with("1 will"), "{which}: {said}");
        let again = hooks.until(before + 1).await?[before].clone();
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    }
    Ok(())
}

/// Pages that this process has read.
async fn pages_read(stack: &Stack) -> anyhow::Result<u64> {
    let metrics = receiver::metrics(stack).await?;
    let name = "tiffin_store_call_seconds_count{space=\"log-page\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    Ok(line.map_or(Ok(0), str::parse)?)
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn the_oldest_rows_that_are_kept_are_found_behind_any_number_that_are_not() -> anyhow::Result<()> {
    const GONE: u64 = 512;
    let dir = TempDir::with_prefix("tiffin-gone-")?;
    let (_redis, stack, store) = on_redis(dir.path()).await?;
    // The last two pages stay in the head for a while.
    long(&store, &Stream::Audit, usize::try_from(GONE)? + 1, host::now(), false).await?;
    long(&store, &Stream::Audit, 8, host::now(), true).await?;
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let rows = PAGE_ROWS as u64;
    for (from, n) in [(0, GONE * rows), (7, GONE * rows), (GONE * rows + 70, GONE * rows + 70)] {
        let before = pages_read(&stack).await?;
        let url = format!("{}/ops/v1/audit?from={from}", stack.client.core);
        let reply = stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?;
        assert_eq!(reply.body["rows"][0]["n"], json!(n), "{from}: {reply:?}");
        let read = pages_read(&stack).await? - before;
        assert!(read <= 12, "{from}: {read} pages were read");
    }
    Ok(())
}
