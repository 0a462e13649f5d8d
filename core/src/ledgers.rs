//! Hosts the ledgers where there is no edge: the same machine, the same keys, the same outbox.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::config::CachedKeys;
use tiffin_shared::config::Edge;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::LedgerId;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Keys;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::Reply;
use tiffin_shared::seal;
use tiffin_shared::time::UnixMs;

use crate::app::App;
use crate::host;
use crate::http::ingest;
use crate::orders;
use crate::store;
use crate::store::Key;
use crate::watchers;

/// A ledger could not be asked. Nothing was promised to anyone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This process does not serve the public API.
    #[error("this process hosts no ledgers")]
    NoLedgers,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    /// The key exchange with the workers' public key failed.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The front door's keys, in this process.
pub struct Ledgers {
    /// Routes and keys.
    pub edge: Edge,
    /// Whose events to take.
    pub cores: Ring<Verifying>,
    keys: Mutex<CachedKeys>,
}

impl Ledgers {
    /// With the front door's settings.
    pub fn new(edge: Edge, cores: Ring<Verifying>) -> Self {
        Self { edge, cores, keys: Mutex::new(None) }
    }

    fn keys(&self, now: UnixMs) -> Result<Arc<Keys>, Error> {
        let mut cached = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        self.edge.keys(&mut cached, now, || Ok(host::entropy()?))
    }
}

/// Asks a ledger, and begins the hand-over of what is due without keeping the caller waiting.
pub async fn ask(
    app: &Arc<App>,
    ledger: LedgerId,
    ask: Ask,
    entropy: Entropy,
    now: UnixMs,
) -> Result<Outcome, Error> {
    let ledgers = app.ledgers.as_ref().ok_or(Error::NoLedgers)?;
    let changes = ask.changes();
    let command = Command { keys: ledgers.keys(now)?, entropy, ask };
    let Reply { outcome, due } = app.store.apply::<Ledger>(&Key::ledger(ledger), &command, now).await?;
    if changes {
        watchers::wake(app, ledger);
    }
    for parcel in due {
        // Without a permit the job waits for the next sweep: the lease is in the state.
        let Ok(permit) = app.background.clone().try_acquire_owned() else { break };
        let app = app.clone();
        tokio::spawn(async move {
            if let Err(error) = hand_over(&app, parcel).await {
                tracing::warn!(%error, "hand-over failed; the outbox keeps the parcel");
            }
            drop(permit);
        });
    }
    Ok(outcome)
}

#[derive(Debug, thiserror::Error)]
enum HandOverError {
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    #[error(transparent)]
    Ledger(#[from] Error),
    #[error(transparent)]
    Order(#[from] orders::Error),
}

async fn hand_over(app: &Arc<App>, parcel: Parcel) -> Result<(), HandOverError> {
    let ledgers = app.ledgers.as_ref().ok_or(Error::NoLedgers)?;
    let Parcel { id, content } = parcel;
    match content {
        Content::Job { job, dispatch } => {
            let envelope = Envelope::sign(&job, dispatch.as_ref(), ledgers.edge.signing.current());
            ingest::accept(app, &envelope).await?;
        }
        Content::Notice(notice) => orders::note(app, &notice).await?,
    }
    let entropy = host::entropy().map_err(Error::Randomness)?;
    let id_of = id.order.ledger();
    let key = Key::ledger(id_of);
    let command = Command { keys: ledgers.keys(host::now())?, entropy, ask: Ask::Done(id) };
    app.store.apply::<Ledger>(&key, &command, host::now()).await.map_err(Error::Store)?;
    watchers::wake(app, id_of);
    Ok(())
}
