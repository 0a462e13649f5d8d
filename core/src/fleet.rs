//! Tells the other workers that this one is alive, and the bus which partitions are this one's.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::fleet;
use tiffin_shared::fleet::BEAT_MS;
use tiffin_shared::fleet::Command;
use tiffin_shared::fleet::MemberId;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::App;
use crate::host;
use crate::host::NoRandomness;
use crate::store::Key;

/// This process as one of the workers.
pub struct Fleet {
    id: MemberId,
    partitions: u16,
    owners: watch::Sender<Vec<MemberId>>,
    workers: AtomicU32,
}

/// Which partitions are this process's, as it was last heard.
#[derive(Clone)]
pub struct Shares {
    id: MemberId,
    owners: watch::Receiver<Vec<MemberId>>,
}

impl Fleet {
    /// Alone, until it is heard who else there is.
    pub fn new(partitions: u16) -> Result<Self, NoRandomness> {
        Ok(Self {
            id: Bytes(host::random()?),
            partitions,
            owners: watch::Sender::default(),
            workers: AtomicU32::new(1),
        })
    }

    /// Its own view, which follows.
    pub fn shares(&self) -> Shares {
        Shares { id: self.id, owners: self.owners.subscribe() }
    }

    /// Everyone alive is told by the store. Without an answer, the last view stays.
    async fn beat(&self, app: &App) {
        let command = Command::Beat { id: self.id };
        match app.store.apply::<fleet::Fleet>(&Key::fleet(), &command, host::now()).await {
            Ok(members) => self.see(&members),
            Err(error) => tracing::warn!(%error, "a beat was lost; the shares stay as they are"),
        }
    }

    /// Takes a list of who is alive.
    pub fn see(&self, members: &[MemberId]) {
        let owners = fleet::owners(members, self.partitions);
        self.workers.store(u32::try_from(members.len()).unwrap_or(1).max(1), Ordering::Relaxed);
        self.owners.send_if_modified(|old| {
            let is_new = *old != owners;
            if is_new {
                let own = owners.iter().filter(|owner| **owner == self.id).count();
                tracing::info!(workers = members.len(), partitions = own, "shares changed");
                *old = owners;
            }
            is_new
        });
    }

    /// How many workers share the work, this one included.
    pub fn workers(&self) -> u32 {
        self.workers.load(Ordering::Relaxed)
    }

    /// For [`tiffin_shared::fleet`].
    pub fn id(&self) -> MemberId {
        self.id
    }
}

impl Shares {
    /// Whether this process may work on the partition: it is its own, or nobody is known to be alive.
    pub fn allows(&self, partition: u16) -> bool {
        self.owners.borrow().get(usize::from(partition)).is_none_or(|owner| *owner == self.id)
    }
}

/// Beats until `stop` changes, and then says that it leaves.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        app.fleet.beat(&app).await;
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(Duration::from_millis(BEAT_MS)) => {}
        }
    }
    let command = Command::Leave { id: app.fleet.id };
    if let Err(error) = app.store.apply::<fleet::Fleet>(&Key::fleet(), &command, host::now()).await {
        tracing::debug!(%error, "left without a word; the others notice in ten seconds");
    }
}
