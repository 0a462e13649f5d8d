//! Core is killed in the middle of changes: the audit log and what is in effect tell the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::admin;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::audit;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_core::host;
use tiffin_core::journal;
use tiffin_core::journal::Stream;
use tiffin_core::store::Key;
use tiffin_shared::admin::Admin;
use tiffin_shared::admin::By;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::Command;
use tiffin_shared::admin::Reply as AdminReply;
use tiffin_shared::admin::RouteSettings;
use tiffin_shared::admin::Wish;
use tiffin_shared::id::GatewayId;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::io::Lines;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::admin::audit as audit_rows;
use crate::replay::GATEWAY;
use crate::replay::comparable;
use crate::replay::in_effect;
use crate::replay::replayed;

const ROUNDS: usize = 24;
/// At each of two cores.
const WRITERS: usize = 4;
const ROLES: &str = "ingest,deliver,callbacks,ops";

/// An operator at work until his core is gone, or he is told to stop.
struct Writer {
    client: Client,
    core: String,
    bearer: String,
    name: String,
    heard: mpsc::UnboundedSender<Heard>,
    stop: Arc<AtomicBool>,
}

/// A change that was answered for: it stands.
#[derive(Debug)]
struct Heard {
    by: String,
    what: String,
    version: Option<u64>,
}

impl Writer {
    async fn call(
        &self,
        method: Method,
        path: &str,
        version: Option<u64>,
        body: Value,
    ) -> anyhow::Result<Reply> {
        anyhow::ensure!(!self.stop.load(Ordering::Relaxed), "told to stop");
        let version = version.map(|version| format!("\"{version}\""));
        let mut headers = vec![("authorization", self.bearer.as_str()), ("x-operator", self.name.as_str())];
        headers.extend(version.as_deref().map(|version| ("if-match", version)));
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body)? };
        self.client.raw(method, format!("{}/ops/v1/{path}", self.core), &headers, body).await
    }

    fn heard(&self, what: String, reply: &Reply) -> anyhow::Result<u64> {
        anyhow::ensure!(reply.status == 200, "{what}: {reply:?}");
        let version = reply.body["version"].as_u64();
        self.heard.send(Heard { by: self.name.clone(), what, version })?;
        Ok(version.unwrap_or_default())
    }

    /// One tenant's life, and a change of what everybody changes.
    async fn cycle(&self, n: usize) -> anyhow::Result<()> {
        let tenant = format!("{}-{n}", self.name);
        let path = format!("tenants/{tenant}");
        let body = |brand: &str| json!({"countries": "all", "services": {"login": {"brand": brand}}});
        let reply = self.call(Method::PUT, &path, None, body("One")).await?;
        let version = self.heard(format!("tenant.put {tenant}"), &reply)?;
        let key = json!({"tenant": tenant, "kind": "secret", "id": tenant});
        let reply = self.call(Method::POST, "keys", None, key).await?;
        self.heard(format!("key.make {tenant}"), &reply)?;
        let service = json!({"brand": "Pay", "risk": "high"});
        let reply = self.call(Method::PUT, &format!("{path}/services/pay"), Some(version), service).await?;
        let version = self.heard(format!("service.put {tenant}/pay"), &reply)?;
        self.prefer(n).await?;
        let reply = self.call(Method::PUT, &path, Some(version), body("Two")).await?;
        let version = self.heard(format!("tenant.put {tenant}"), &reply)?;
        let reply = self.call(Method::POST, &format!("keys/{tenant}/revoke"), None, Value::Null).await?;
        self.heard(format!("key.revoke {tenant}"), &reply)?;
        if n.is_multiple_of(2) {
            let reply = self.call(Method::DELETE, &path, Some(version), Value::Null).await?;
            self.heard(format!("tenant.remove {tenant}"), &reply)?;
        }
        Ok(())
    }

    /// Others do too: who is told of a later version tries once with that.
    async fn prefer(&self, n: usize) -> anyhow::Result<()> {
        let path = format!("routes/{GATEWAY}/settings");
        let mut version = None;
        for _ in 0..2 {
            let body = json!({"priority": n % 100, "price_micros": n});
            let reply = self.call(Method::PUT, &path, version, body).await?;
            if reply.status == 200 {
                return self.heard(format!("route.set {GATEWAY}"), &reply).map(drop);
            }
            anyhow::ensure!(reply.status == 412, "{reply:?}");
            let detail = reply.body["detail"].as_str().unwrap_or_default();
            version = detail.split_whitespace().find_map(|word| word.parse().ok());
        }
        Ok(())
    }
}

/// Redis tells of each write as it is done: as soon as its writer knows.
struct Writes {
    told: Lines<BufReader<TcpStream>>,
    of: [String; 2],
}

impl Writes {
    async fn watch(stack: &Stack) -> anyhow::Result<Self> {
        let url = stack.variable("REDIS_URL")?;
        let prefix = stack.variable("TIFFIN_STORE_PREFIX")?;
        let mut stream = TcpStream::connect(url.trim_start_matches("redis://").trim_end_matches('/')).await?;
        stream.write_all(b"MONITOR\r\n").await?;
        Ok(Self {
            told: BufReader::new(stream).lines(),
            of: [format!("\"{prefix}:admin:"), format!("\"{prefix}:log:")],
        })
    }

    /// Returns with so many more of settings and of their audit.
    async fn count(&mut self, count: usize) -> anyhow::Result<()> {
        let mut seen = 0;
        while seen < count {
            let line = self.told.next_line().await?.context("Redis hung up")?;
            let is_write = line.contains("\"EVALSHA\"") && self.of.iter().any(|key| line.contains(key));
            seen += usize::from(is_write);
        }
        Ok(())
    }
}

/// Looks until this core has seen the last change and the log has its entry, and compares.
async fn tells_the_same(stack: &Stack, heard: &mut BTreeSet<(String, String, u64)>) -> anyhow::Result<()> {
    let differing = async || {
        let (rows, found) = (audit_rows(stack).await?, in_effect(stack).await?);
        let told = comparable(replayed(&rows));
        let names: BTreeSet<_> = found.keys().chain(told.keys()).cloned().collect();
        let pairs = names.into_iter().map(|name| (found.get(&name), told.get(&name), name));
        Ok(pairs.filter(|(is, told, _)| is != told).map(|it| format!("{it:?}")).collect::<Vec<_>>())
    };
    wait::until("what the log tells to be in effect", differing, Vec::is_empty).await?;
    let rows = audit_rows(stack).await?;
    // Who, and what: of a route anybody's.
    for (by, what, version) in std::mem::take(heard) {
        let is =
            |row: &&Value| row["body"]["by"]["name"] == by.as_str() && row["body"]["what"] == what.as_str();
        let mut entries = rows.iter().filter(is);
        let found = entries.any(|row| version == 0 || row["body"]["n"] == version);
        assert!(found, "{by} was told that {what} stands, at {version}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn the_audit_log_tells_what_is_in_effect_wherever_core_is_killed() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Shared).await?;
    let port = wait::free_ports(1)?;
    let other = format!("http://127.0.0.1:{port}");
    let mut another = stack.start_another_at(port, "ops")?;
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let mut writes = Writes::watch(&stack).await?;
    let mut all = 0;
    for round in 0..ROUNDS {
        let (tell, mut hear) = mpsc::unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for n in 0..2 * WRITERS {
            let writer = Writer {
                client: stack.client.clone(),
                core: if n.is_multiple_of(2) { stack.client.core.clone() } else { other.clone() },
                bearer: bearer.clone(),
                name: format!("r{round}-w{n}"),
                heard: tell.clone(),
                stop: stop.clone(),
            };
            writers.spawn(async move {
                for n in 0.. {
                    if let Err(error) = writer.cycle(n).await {
                        return error;
                    }
                }
                anyhow::anyhow!("never")
            });
        }
        drop(tell);
        let mut heard = BTreeSet::new();
        // Each round dies after another of the writes that a change takes, and one core, the other, or both.
        writes.count(12 + round * 7 % 23).await?;
        let (kills_core, kills_other) = (round % 3 != 1, round % 3 != 0);
        if kills_core {
            stack.core()?.kill();
        }
        if kills_other {
            another.kill();
        }
        stop.store(true, Ordering::Relaxed);
        while let Some(change) = hear.recv().await {
            all += 1;
            heard.insert((change.by, change.what, change.version.unwrap_or_default()));
        }
        let ends = writers.join_all().await;
        for end in ends.iter().filter(|end| !end.is::<reqwest::Error>()) {
            assert_eq!(end.to_string(), "told to stop", "refused for another reason");
        }
        if kills_core {
            stack.start_core(ROLES).await?;
        }
        if kills_other {
            another = stack.start_another_at(port, "ops")?;
        }
        tells_the_same(&stack, &mut heard).await?;
    }
    assert!(all >= 3 * ROUNDS, "only {all} changes");
    println!("{all} changes were heard of, in {ROUNDS} rounds");
    Ok(())
}

async fn app(dir: &TempDir) -> anyhow::Result<Arc<App>> {
    let config = Keys::make(&dir.path().join("keys"))?.config(&Variables::new())?;
    Ok(App::start(config, &[Role::Ops]).await?)
}

async fn changes_nobody_logged(app: &App, count: u16) -> anyhow::Result<()> {
    let gateway = GatewayId::parse(GATEWAY)?;
    for priority in 0..count {
        let read = app.store.apply::<Admin>(&Key::admin(), &Command::Read, host::now()).await?;
        let AdminReply::Settings(settings) = read else { anyhow::bail!("{read:?}") };
        let expected = settings.routes.get(&gateway).map(|kept| kept.version);
        let value = RouteSettings { priority: Some(priority), ..RouteSettings::default() };
        let by = By { name: "asha".into(), token: "t".into() };
        let wish = Wish { by, change: Change::PutRoute(gateway.clone(), Some(value)), expected };
        let command = Command::Change { seen: settings.version, wish: Box::new(wish) };
        let changed = app.store.apply::<Admin>(&Key::admin(), &command, host::now()).await?;
        anyhow::ensure!(matches!(changed, AdminReply::Settings(_)), "{changed:?}");
    }
    Ok(())
}

async fn settings_rows(app: &App) -> anyhow::Result<Vec<u64>> {
    let (mut from, mut found) = (0, Vec::new());
    loop {
        let rows = journal::read(app, &Stream::Audit, from).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        from = last.n + 1;
        found.extend(rows.iter().filter_map(|row| row.body["n"].as_u64()));
    }
}

/// Core dies after the change, and then after its entry: before the state knows of that.
#[tokio::test]
async fn a_change_has_one_entry_however_late_its_core_dies() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-crash-")?;
    let app = app(&dir).await?;
    changes_nobody_logged(&app, 3).await?;
    assert!(settings_rows(&app).await?.is_empty());
    let read = app.store.apply::<Admin>(&Key::admin(), &Command::Read, host::now()).await?;
    let AdminReply::Settings(settings) = read else { anyhow::bail!("{read:?}") };
    assert_eq!(settings.unlogged.len(), 3);
    admin::refresh(&app).await;
    assert_eq!(settings_rows(&app).await?, [1, 2, 3]);

    changes_nobody_logged(&app, 2).await?;
    let read = app.store.apply::<Admin>(&Key::admin(), &Command::Read, host::now()).await?;
    let AdminReply::Settings(settings) = read else { anyhow::bail!("{read:?}") };
    admin::log(&app, &settings).await;
    assert_eq!(settings_rows(&app).await?, [1, 2, 3, 4, 5]);
    // Others fill several pages before a core that saw the changes unlogged, and stood still since, goes on.
    let by = By { name: "asha".into(), token: "t".into() };
    for n in 0..300 {
        audit::note(&app, &by, &format!("act {n}"), Value::Null, Value::Null)
            .await
            .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    }
    admin::log(&app, &settings).await;
    assert_eq!(settings_rows(&app).await?, [1, 2, 3, 4, 5]);
    Ok(())
}
