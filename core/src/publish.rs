//! Keeps this process's directory true, and the edge's after it.
//!
//! Settings and tenants are read at boot; the API keys are read again when their file changes, so that a revoked key
//! ends without a restart. The guards' verdicts and the tenants' orders of the day are read with them, by every process.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::directory::Directory;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::http::internal;
use tiffin_shared::time::UnixMs;
use tokio::sync::watch;

use crate::app::App;
use crate::edge;
use crate::guard::lists::Lists;
use crate::host;
use crate::tallies::Totals;

/// How often to look whether something changed: with the edge's own look-ups a revoked key ends within a minute.
const PERIOD: Duration = Duration::from_secs(5);
/// How often to push what did not change: an edge that lost its store has it back by then.
const PUSH_AGAIN: Duration = Duration::from_secs(300);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("it does not encode: {0}")]
    Encode(#[from] serde_json::Error),
    #[error(transparent)]
    Edge(#[from] edge::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
}

/// Looks and pushes until `stop` changes.
pub async fn run(app: Arc<App>, pushes: bool, mut stop: watch::Receiver<bool>) {
    // The version is the time at which the content was found new: of two processes, the one that changed last wins.
    let mut version = host::now();
    let mut pushed_at: Option<tokio::time::Instant> = None;
    let (mut lists, mut totals) = (Lists::default(), Totals::default());
    loop {
        if refresh(&app, &mut lists, &mut totals).await {
            (version, pushed_at) = (host::now(), None);
        }
        if pushes
            && lists.is_whole()
            && totals.is_whole()
            && pushed_at.is_none_or(|at| at.elapsed() >= PUSH_AGAIN)
        {
            match push(&app, version).await {
                Ok(()) => {
                    tracing::info!(version = version.0, "the edge has the directory");
                    pushed_at = Some(tokio::time::Instant::now());
                }
                Err(error) => tracing::warn!(%error, "the edge does not have the directory yet"),
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Reads again what may have changed. True when something has.
async fn refresh(app: &App, lists: &mut Lists, totals: &mut Totals) -> bool {
    let mut directory = app.config.reread_directory().unwrap_or_else(|error| {
        tracing::error!(%error, "tenants and keys stay as they were");
        Directory::clone(&app.directory.current())
    });
    for route in &mut directory.routes {
        route.up = app.routes.view(&route.gateway).is_closed();
    }
    directory.blocklist = lists.read(app, directory.tenants.keys()).await;
    directory.ordered = totals.read(app, &directory.tenants).await;
    app.directory.replace(directory)
}

async fn push(app: &App, version: UnixMs) -> Result<(), Error> {
    let snapshot = Snapshot::sign(&app.directory.current(), version.0, app.signing.current())?;
    let outgoing = internal::directory(&snapshot, app.signing.current(), &host::entropy()?, host::now())?;
    Ok(edge::post(app, outgoing).await?)
}
