//! Export of a period, and erasure of one phone.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::export::Reader;
use tiffin_core::host;
use tiffin_core::journal;
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
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::servers::Server;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::ops;

/// An order whose user has typed the code: it is closed at once.
async fn verified(stack: &Stack, phone: &str) -> anyhow::Result<String> {
    let id = stack.client.order(phone).await?;
    stack.client.until_state(&id, "delivered").await?;
    let code = stack.client.code(phone).await?;
    assert_eq!(stack.client.guess(&id, &code).await?, "verified");
    Ok(id)
}

async fn rows(stack: &Stack, query: &str) -> anyhow::Result<Vec<Value>> {
    let reply = ops(stack, Method::GET, &format!("export/orders?{query}"), &[], &Value::Null).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(reply.text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

async fn closed_orders_are_exported_and_a_phone_is_erased(
    front: Front,
    backing: Backing,
) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let (gone, stays) = (fresh_phone(), fresh_phone());
    let ids = [verified(&stack, &gone).await?, verified(&stack, &stays).await?];
    let export = || rows(&stack, "tenant=dev");
    let all = wait::until("both rows", export, |all| all.len() == 2).await?;
    let row = all.iter().find(|row| row["order"] == ids[0].as_str()).cloned().unwrap_or_default();
    assert_eq!(
        (&row["tenant"], &row["service"], &row["state"]),
        (&json!("dev"), &json!("login"), &json!("verified"))
    );
    assert_eq!((&row["attempts"][0]["state"], &row["country"]), (&json!("delivered"), &json!("IN")), "{row}");
    assert!(row["request"].as_str().is_some_and(|id| id.starts_with("req_")), "{row}");
    assert!(row["bill"].get("is_posted").is_none(), "not known when it is written: {row}");
    assert!(rows(&stack, "since=2999-01-01").await?.is_empty());
    assert!(rows(&stack, "until=2001-01-01T00:00:00Z").await?.is_empty());
    assert_eq!(rows(&stack, "since=2001-01-01&until=2999-01-01").await?.len(), 2);
    let (went, said) = cli(&stack, &["export", "orders", "--format", "csv"])?;
    assert!(
        went && said.starts_with("tenant,row,order,request,service,country") && said.lines().count() == 3,
        "{said}"
    );
    let (went, said) =
        cli(&stack, &["export", "evidence", "--gateway", "twilio-sms", "--since", "2001-01-01"])?;
    assert!(
        went && said.lines().count() == 2 && said.contains("\"timeline\"") && said.contains("\"seal\""),
        "{said}"
    );
    for query in ["since=x", "since=2026-01-02&until=2026-01-01", "format=xml", "tenant=A", "gateway=a"] {
        let reply = ops(&stack, Method::GET, &format!("export/orders?{query}"), &[], &Value::Null).await?;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
    }
    erased(&stack, &gone, &ids).await
}

async fn erased(stack: &Stack, phone: &str, ids: &[String; 2]) -> anyhow::Result<()> {
    let report =
        ops(stack, Method::POST, "erasure", &[("x-operator", "asha")], &json!({"phone": phone})).await?;
    assert_eq!(
        (report.status, &report.body["orders"], &report.body["records"]),
        (200, &json!(1), &json!(1)),
        "{report:?}"
    );
    assert!(report.body["kept"].as_array().is_some_and(|kept| !kept.is_empty()), "{report:?}");
    assert_eq!(stack.client.fetch(&ids[0]).await?.status, 404, "its tenant sees it no more");
    let record = ops(stack, Method::GET, &format!("orders/{}", ids[0]), &[], &Value::Null).await?;
    assert!(record.body["job"].get("prefix").is_none(), "{record:?}");
    assert!(
        record.body["attempts"] == json!([]) && record.body["story"]["entries"] == json!([]),
        "{record:?}"
    );
    assert_eq!(stack.client.fetch(&ids[1]).await?.status, 200, "the other phone's stays");
    assert_eq!(rows(stack, "tenant=dev").await?.len(), 2, "aggregates are kept");
    let again = ops(stack, Method::POST, "erasure", &[], &json!({"phone": phone})).await?;
    assert_eq!((again.status, &again.body["orders"]), (200, &json!(0)), "{again:?}");
    let (went, said) = cli(stack, &["erase", "--phone", phone])?;
    assert!(went && said.contains("erased: 0 orders"), "{said}");
    let (went, said) = cli(stack, &["erase", "--phone", "12"])?;
    assert!(!went && said.contains("invalid") || said.contains("phone"), "{said}");
    let audit = ops(stack, Method::GET, "audit", &[], &Value::Null).await?;
    let mut erasures: Vec<_> =
        audit.body["rows"].as_array().into_iter().flatten().map(|row| &row["body"]["what"]).collect();
    assert_eq!(erasures.len(), 3, "{audit:?}");
    erasures.dedup();
    assert_eq!(erasures.len(), 1, "the same phone has the same name there: {audit:?}");
    let digits = phone.trim_start_matches('+');
    assert!(!audit.text.contains(digits), "{audit:?}");
    no_trace(stack, digits)
}

/// Nothing that this installation wrote has the number, nor its mask.
fn no_trace(stack: &Stack, digits: &str) -> anyhow::Result<()> {
    let mut folders = vec![stack.dir().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path)?;
            let holds = content.windows(digits.len()).any(|window| window == digits.as_bytes());
            assert!(!holds, "{} holds the number", path.display());
        }
    }
    Ok(())
}

#[tokio::test]
async fn ten_thousand_closed_orders_leave_a_page_at_a_time() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-export-")?;
    let config = Keys::make(&dir.path().join("keys"))?.config(&Variables::new())?;
    let app = App::start(config, &[Role::Ops]).await?;
    let stream = Stream::Orders(TenantId::parse("dev")?);
    let count: usize = 10_000;
    let append = |n: usize| {
        let (app, stream): (Arc<App>, _) = (app.clone(), stream.clone());
        async move {
            let row = NewRow { id: format!("ord_{n}"), body: json!({"order": format!("ord_{n}")}) };
            journal::append(&app, &stream, row, DAY_MS).await
        }
    };
    for start in (0..count).step_by(500) {
        for appended in futures::future::join_all((start..start + 500).map(append)).await {
            appended?;
        }
    }
    let mut reader = Reader::start(&app, stream.clone(), UnixMs(0), UnixMs(u64::MAX)).await?;
    let (mut seen, mut pages) = (0, 0);
    while let Some(rows) = reader.page().await? {
        assert!(rows.len() <= PAGE_ROWS, "never more than a page is held: {}", rows.len());
        let numbers: Vec<_> = rows.iter().map(|row| row.n).collect();
        let expected: Vec<_> = (seen..seen + rows.len()).map(|n| n as u64).collect();
        assert_eq!(numbers, expected, "in order, without gaps");
        (seen, pages) = (seen + rows.len(), pages + 1);
    }
    assert_eq!(seen, count);
    assert!(pages >= count / PAGE_ROWS, "{pages} pages");
    let mut later = Reader::start(&app, stream, host::now().plus(DAY_MS), UnixMs(u64::MAX)).await?;
    assert!(later.page().await?.is_none_or(|rows| rows.is_empty()));
    Ok(())
}

/// Pages of a log, appended at that time to be kept for so long.
async fn pages(app: &App, stream: &Stream, count: u64, (at, keep_ms): (UnixMs, u64)) -> anyhow::Result<()> {
    let name = stream.to_string();
    for page in 0..count {
        let row = |n: usize| NewRow { id: format!("{at:?}-{page}-{n}"), body: Value::Null };
        let append = log::Command::Append { rows: (0..PAGE_ROWS).map(row).collect(), keep_ms };
        let reply = app.store.apply::<Log>(&Key::log(&name), &append, at).await?;
        let Some((number, full)) = reply.full else { continue };
        let key = Key::log_page(&name, reply.began_at, number);
        app.store.apply::<Page>(&key, &Some(full), at).await?;
        app.store.apply::<Log>(&Key::log(&name), &log::Command::Sealed(number), at).await?;
    }
    Ok(())
}

/// `[retention]` was shortened: what was promised longer is there, though some of what came after it is gone already.
#[tokio::test]
async fn rows_that_were_promised_longer_are_read_though_later_ones_are_gone() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-shorter-")?;
    let config = Keys::make(&dir.path().join("keys"))?.config(&Variables::new())?;
    let app = App::start(config, &[Role::Ops]).await?;
    let (stream, now) = (Stream::Audit, host::now());
    let ago = |days: u64| now.minus(days * DAY_MS);
    for (count, at, days) in [(4, ago(200), 150), (4, ago(100), 150), (12, ago(99), 10), (4, now, 10)] {
        pages(&app, &stream, count, (at, days * DAY_MS)).await?;
    }
    for since in [UnixMs(0), ago(150)] {
        let mut reader = Reader::start(&app, stream.clone(), since, UnixMs(u64::MAX)).await?;
        let mut found = Vec::new();
        while let Some(rows) = reader.page().await? {
            found.extend(rows.into_iter().map(|row| row.n / PAGE_ROWS as u64));
        }
        found.dedup();
        assert_eq!(found, [4, 5, 6, 7, 20, 21, 22, 23], "{since:?}");
    }
    assert_eq!(journal::read(&app, &stream, 0).await?.first().map(|row| row.n), Some(4 * PAGE_ROWS as u64));
    Ok(())
}

#[tokio::test]
async fn closed_orders_are_exported_and_a_phone_is_erased_at_the_edge() -> anyhow::Result<()> {
    closed_orders_are_exported_and_a_phone_is_erased(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn closed_orders_are_exported_and_a_phone_is_erased_standalone() -> anyhow::Result<()> {
    closed_orders_are_exported_and_a_phone_is_erased(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn closed_orders_are_exported_and_a_phone_is_erased_on_redis() -> anyhow::Result<()> {
    closed_orders_are_exported_and_a_phone_is_erased(Front::Standalone, Backing::Own).await
}

/// How often every key was looked at.
async fn scans(redis: &Server) -> anyhow::Result<u64> {
    let client = redis::Client::open(redis.url())?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let all: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis).await?;
    let line = all.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls="));
    Ok(line.and_then(|line| line.split(',').next()).map_or(Ok(0), str::parse)?)
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn an_export_looks_at_every_key_for_all_tenants_alone_and_once() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-scans-")?;
    let redis = Server::redis(dir.path()).await?;
    let stack = Stack::start_with(Front::Standalone, Backing::Memory, &[("REDIS_URL", &redis.url())]).await?;
    let gone = TenantId::parse("gone")?;
    let store = Redis::connect(&redis.url(), stack.variable("TIFFIN_STORE_PREFIX")?).await?;
    let rows = vec![NewRow { id: "ord_1".into(), body: json!({"order": "ord_1"}) }];
    let (key, append) =
        (Key::log(&Stream::Orders(gone).to_string()), log::Command::Append { rows, keep_ms: DAY_MS });
    Store::Redis(store).apply::<Log>(&key, &append, host::now()).await?;
    let get = async |path: &str| ops(&stack, Method::GET, path, &[], &Value::Null).await;
    let before = scans(&redis).await?;
    for (path, status, lines) in [
        ("export/orders?tenant=dev", 200, 0),
        ("export/orders?tenant=gone", 200, 1),
        ("export/ledger?tenant=gone", 404, 1),
        ("export/orders?tenant=nobody", 404, 1),
        ("evidence?gateway=twilio-sms&tenant=dev", 200, 0),
    ] {
        let reply = get(path).await?;
        assert_eq!((reply.status, reply.text.lines().count()), (status, lines), "{path}: {reply:?}");
    }
    assert_eq!(scans(&redis).await?, before, "a tenant that is named is not looked for");
    let all = get("export/orders").await?;
    assert_eq!((all.status, all.text.lines().count()), (200, 1), "{all:?}");
    let once = scans(&redis).await?;
    assert!(once > before, "{once}");
    for path in ["export/orders", "evidence?gateway=twilio-sms"] {
        assert_eq!(get(path).await?.status, 200, "{path}");
    }
    assert_eq!(scans(&redis).await?, once, "the list is kept for a while");
    assert_eq!(get("export/ledger").await?.status, 200);
    assert!(scans(&redis).await? > once, "money has a list of its own");
    Ok(())
}
