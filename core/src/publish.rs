//! Keeps this process's directory true, and the edge's after it.
//!
//! Settings and tenants are read at boot; the API keys are read again when their file changes, so that a revoked key
//! ends without a restart. The guards' verdicts and the tenants' orders of the day are read with them, by every process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::Pushed;
use tiffin_shared::time::UnixMs;
use tokio::sync::watch;

use crate::admin;
use crate::app::App;
use crate::edge;
use crate::guard::lists::Lists;
use crate::host;
use crate::metrics::Push;
use crate::money::balances::Accounts;
use crate::routes::Told;
use crate::tallies::Totals;

/// How often to look whether something changed: with the edge's own look-ups a revoked key ends within a minute.
const PERIOD: Duration = Duration::from_secs(5);
/// How often to push what did not change: an edge that lost its store has it back by then.
const PUSH_AGAIN: Duration = Duration::from_secs(300);

/// Pushes of one round: for a clock that is behind, for revoked keys, and for another core in between.
const PUSHES_MAX: usize = 4;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("others push at the same time")]
    Contended,
    #[error("the directory, or the edge's answer, is no JSON of ours: {0}")]
    Encode(#[from] serde_json::Error),
    #[error(transparent)]
    Edge(#[from] edge::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
}

/// What this process has to tell, and how far it got.
struct Publisher {
    app: Arc<App>,
    lists: Lists,
    totals: Totals,
    accounts: Accounts,
    told: Told,
    /// The time at which the content was found new, or a little more: of two processes, the one that changed last wins.
    version: UnixMs,
    pushed_at: Option<tokio::time::Instant>,
    /// Digests of keys that another process revoked. They open nothing here either, while this process lives.
    revoked: BTreeSet<Bytes<32>>,
}

/// Looks and pushes until `stop` changes.
pub async fn run(app: Arc<App>, pushes: bool, mut stop: watch::Receiver<bool>) {
    let mut publisher = Publisher {
        app: app.clone(),
        lists: Lists::default(),
        totals: Totals::default(),
        accounts: Accounts::default(),
        told: Told::default(),
        version: host::now(),
        pushed_at: None,
        revoked: BTreeSet::new(),
    };
    app.metrics.directory_changed();
    loop {
        if publisher.refresh().await {
            (publisher.version, publisher.pushed_at) = (host::now(), None);
            app.metrics.directory_changed();
        }
        let is_due = publisher.pushed_at.is_none_or(|at| at.elapsed() >= PUSH_AGAIN);
        let is_whole =
            publisher.lists.is_whole() && publisher.totals.is_whole() && publisher.accounts.is_whole();
        if pushes
            && is_whole
            && is_due
            && let Err(error) = publisher.push().await
        {
            tracing::warn!(%error, "the edge does not have the directory yet");
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
            () = app.settled.changed() => {}
        }
    }
}

impl Publisher {
    /// Reads again what may have changed. True when something has.
    async fn refresh(&mut self) -> bool {
        let mut directory = self.app.config.reread_directory().unwrap_or_else(|error| {
            tracing::error!(%error, "tenants and keys stay as they were");
            Directory::clone(&self.app.directory.current())
        });
        for key in &mut directory.keys {
            key.revoked |= self.revoked.contains(&key.digest);
        }
        self.told.read(&self.app).await;
        for route in &mut directory.routes {
            route.up = self.app.routes.view(&route.gateway).is_offered(host::now());
            route.learnt = self.told.of(&route.gateway);
        }
        admin::refresh(&self.app).await;
        let version = self.app.settled.merge(&mut directory);
        directory.blocklist = self.lists.read(&self.app, directory.tenants.keys()).await;
        directory.ordered = self.totals.read(&self.app, &directory.tenants).await;
        self.accounts.read(&self.app, &mut directory).await;
        let is_news = self.app.directory.replace(directory);
        self.app.settled.serves(version);
        is_news
    }

    /// Pushes what is new here until it is what the edge keeps; what is not, only so that an edge that lost it has it.
    async fn push(&mut self) -> Result<(), Error> {
        let is_news = self.pushed_at.is_none();
        for _ in 0..PUSHES_MAX {
            let pushed = self.push_once().await?;
            if !pushed.revoked.is_empty() {
                let count = pushed.revoked.len();
                tracing::error!(count, "keys listed here were revoked by another process: this list is old");
                self.revoked.extend(pushed.revoked);
                self.refresh().await;
                self.version = UnixMs(host::now().0.max(self.version.0 + 1));
            } else if pushed.same || !is_news {
                if pushed.same {
                    self.app.metrics.directory_taken();
                    tracing::info!(version = pushed.version, "the edge has the directory");
                } else {
                    tracing::warn!("the edge has a later directory, of a core with other settings or keys");
                }
                self.pushed_at = Some(tokio::time::Instant::now());
                return Ok(());
            } else {
                // Changed here last, by a clock that is behind.
                self.version = UnixMs(pushed.version + 1);
            }
        }
        Err(Error::Contended)
    }

    async fn push_once(&self) -> Result<Pushed, Error> {
        let (app, key) = (&self.app, self.app.signing.current());
        let snapshot = Snapshot::sign(&app.directory.current(), self.version.0, key)?;
        let outgoing = internal::directory(&snapshot, key, &host::entropy()?, host::now())?;
        Ok(serde_json::from_slice(&edge::post(app, Push::Directory, outgoing).await?)?)
    }
}
