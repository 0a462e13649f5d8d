//! A directory that core did not sign, or signed for another time or place, gives nobody a key.

use reqwest::Method;
use tiffin_core::host;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::snapshot::SNAPSHOT_BYTES_MAX;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::DIRECTORY_PATH;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::http::internal::Outgoing;
use tiffin_shared::keys::Signing;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::SKEW_MS_MAX;
use tiffin_shared::sign::Signed;
use tiffin_shared::time::UnixMs;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::fleet::Key;

/// What an attacker pushes, and with what.
struct Forger {
    /// The genuine directory with the attacker's key in it.
    evil: Directory,
    key: Key,
    core: Signing,
    edge: Signing,
    strange: Signing,
    now: UnixMs,
}

impl Forger {
    fn new(stack: &Stack) -> anyhow::Result<Self> {
        let config = stack.keys.config(&Variables::new())?;
        let core = config.core_keys(false)?.signing.current().clone();
        let key = Key::of("dev", KeyKind::Secret)?;
        let mut evil = config.directory()?;
        evil.keys.push(key.entry.clone());
        Ok(Self {
            evil,
            key,
            edge: config.edge()?.signing.current().clone(),
            // Has the genuine key's name, and is another.
            strange: Signing::new(core.id(), host::random()?),
            core,
            now: host::now(),
        })
    }

    /// Newer than anything core has pushed.
    fn newer(&self) -> u64 {
        self.now.plus(60_000).0
    }

    fn snapshot(&self, version: u64, signer: &Signing) -> anyhow::Result<Snapshot> {
        Ok(Snapshot::sign(&self.evil, version, signer)?)
    }

    fn request(&self, snapshot: &Snapshot, signer: &Signing, now: UnixMs) -> anyhow::Result<Outgoing> {
        Ok(internal::directory(snapshot, signer, &host::entropy()?, now)?)
    }

    /// A body under a signature that says what it likes.
    fn signed(&self, said: Signed<'_>, signer: &Signing, body: &str) -> anyhow::Result<Outgoing> {
        let headers = said.headers(signer, host::random()?, self.now);
        let headers = headers.into_iter().chain([("content-type", "application/json".to_owned())]).collect();
        Ok(Outgoing { path: DIRECTORY_PATH, headers, body: body.to_owned() })
    }

    /// Pushes whose request is no good.
    fn unauthenticated(&self) -> anyhow::Result<Vec<(&'static str, Outgoing)>> {
        let snapshot = self.snapshot(self.newer(), &self.core)?;
        let good = || self.request(&snapshot, &self.core, self.now);
        let body = good()?.body;
        let said = |direction, method: &'static str, path: &'static str| Signed {
            direction,
            method,
            path,
            body: body.as_bytes(),
        };
        let to_edge = Direction::CoreToEdge;
        let mut unsigned = good()?;
        unsigned.headers.retain(|(name, _)| *name == "content-type");
        let mut changed = good()?;
        changed.body.push(' ');
        let skew = SKEW_MS_MAX + 5_000;
        Ok(vec![
            ("unsigned", unsigned),
            ("changed", changed),
            ("by a strange key", self.request(&snapshot, &self.strange, self.now)?),
            ("by the edge's key", self.request(&snapshot, &self.edge, self.now)?),
            ("late", self.request(&snapshot, &self.core, self.now.minus(skew))?),
            ("early", self.request(&snapshot, &self.core, self.now.plus(2 * skew))?),
            (
                "reflected",
                self.signed(said(Direction::EdgeToCore, "POST", DIRECTORY_PATH), &self.core, &body)?,
            ),
            ("of another path", self.signed(said(to_edge, "POST", EVENTS_PATH), &self.core, &body)?),
            ("of another method", self.signed(said(to_edge, "PUT", DIRECTORY_PATH), &self.core, &body)?),
        ])
    }

    /// Snapshots that are no good, in a request that core did sign: who could steal that much.
    fn invalid(&self) -> anyhow::Result<Vec<(&'static str, Outgoing)>> {
        let good = self.snapshot(self.newer(), &self.core)?;
        let mut risky = self.evil.clone();
        for tenant in risky.tenants.values_mut() {
            tenant.limits.guesses_per_code = 6;
        }
        let name = self.key.entry.id.as_str();
        let snapshots = [
            ("by a strange key", self.snapshot(self.newer(), &self.strange)?),
            ("by the edge's key", self.snapshot(self.newer(), &self.edge)?),
            ("of a later version", Snapshot { version: self.newer() + 1, ..good.clone() }),
            ("altered", Snapshot { directory: good.directory.replace(name, "sk-other"), ..good.clone() }),
            ("not safe", Snapshot::sign(&risky, self.newer(), &self.core)?),
        ];
        let request = |(what, snapshot)| Ok((what, self.request(&snapshot, &self.core, self.now)?));
        snapshots.into_iter().map(request).collect()
    }
}

async fn push(stack: &Stack, outgoing: &Outgoing) -> anyhow::Result<Reply> {
    let headers: Vec<_> = outgoing.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{}{}", stack.client.edge, outgoing.path);
    stack.client.raw(Method::POST, url, &headers, outgoing.body.clone().into_bytes()).await
}

/// Whether the attacker's key is known to a new isolate, which looks for the latest directory.
async fn known(stack: &mut Stack, key: &Key) -> anyhow::Result<bool> {
    stack.edge = None;
    stack.start_edge().await?;
    Ok(key.caller(stack).order(&fresh_phone()).await?.status == 202)
}

#[tokio::test]
async fn only_cores_newest_directory_is_served() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let forger = Forger::new(&stack)?;
    for (what, outgoing) in forger.unauthenticated()? {
        let reply = push(&stack, &outgoing).await?;
        assert_eq!((reply.status, reply.code()), (401, Some("unauthenticated")), "{what}: {reply:?}");
    }
    for (what, outgoing) in forger.invalid()? {
        let reply = push(&stack, &outgoing).await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{what}: {reply:?}");
    }
    let mut large =
        forger.request(&forger.snapshot(forger.newer(), &forger.core)?, &forger.core, forger.now)?;
    large.body = large.body.replace('{', &"{".repeat(SNAPSHOT_BYTES_MAX));
    assert_eq!(push(&stack, &large).await?.status, 413);
    assert!(!known(&mut stack, &forger.key).await?, "a refused directory is served");

    // Genuine, and not the newest any more: taken without complaint, and without effect.
    let newest = forger.snapshot(forger.newer(), &forger.core)?;
    let without =
        Directory { keys: stack.keys.config(&Variables::new())?.directory()?.keys, ..forger.evil.clone() };
    let newer = Snapshot::sign(&without, newest.version + 1, &forger.core)?;
    for (snapshot, kept) in [(&newer, newer.version), (&newest, newer.version), (&newer, newer.version)] {
        let reply = push(&stack, &forger.request(snapshot, &forger.core, host::now())?).await?;
        assert_eq!((reply.status, &reply.body["version"]), (200, &kept.into()), "{reply:?}");
        assert_eq!(reply.body["same"], kept == snapshot.version, "{reply:?}");
    }
    assert!(!known(&mut stack, &forger.key).await?, "an older directory is served");
    stack.client.order(&fresh_phone()).await?;
    // What the attacker lacked: with it the directory is served at once.
    let last = forger.snapshot(newer.version + 1, &forger.core)?;
    assert_eq!(push(&stack, &forger.request(&last, &forger.core, host::now())?).await?.status, 200);
    assert!(known(&mut stack, &forger.key).await?, "the newest directory is not served");
    Ok(())
}

#[tokio::test]
async fn a_directory_is_taken_nowhere_else() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let forger = Forger::new(&stack)?;
    let genuine =
        forger.request(&forger.snapshot(forger.newer(), &forger.core)?, &forger.core, forger.now)?;
    // Standalone reads its own settings: there is nobody who may push.
    assert!(push(&stack, &genuine).await?.status >= 400);
    let url = format!("{}{DIRECTORY_PATH}", stack.client.core);
    let headers: Vec<_> = genuine.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = stack.client.raw(Method::POST, url, &headers, genuine.body.into_bytes()).await?;
    assert!(reply.status >= 400, "{reply:?}");
    assert_eq!(forger.key.caller(&stack).order(&fresh_phone()).await?.status, 401);
    Ok(())
}
