//! A few connections to one server, kept open between messages.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use super::session::Server;
use super::session::Session;
use super::session::Unsent;

/// An idle connection is closed after this long: servers close theirs after five minutes (RFC 5321, 4.5.3.2.7), and some
/// much sooner.
const IDLE: Duration = Duration::from_secs(30);
/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections to one server.
pub struct Pool {
    server: Server,
    idle: Mutex<Vec<(Session, Instant)>>,
    room: Arc<Semaphore>,
}

/// A connection in use, and its place among the allowed ones.
pub struct Taken {
    /// The connection.
    pub session: Session,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// At most `connections` at once.
    pub fn new(server: Server, connections: u16) -> Self {
        Self { server, idle: Mutex::default(), room: Arc::new(Semaphore::new(usize::from(connections))) }
    }

    /// Whose connections these are.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A connection that answers: one that waited, or a new one. Waits for a place where all are in use.
    pub async fn take(&self) -> Result<Taken, Unsent> {
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(|_closed| Unsent::Broken)?;
        loop {
            let waiting = self.idle().pop();
            let Some((mut session, since)) = waiting else { break };
            if since.elapsed() < IDLE && session.is_fresh().await {
                return Ok(Taken { session, _place: place });
            }
        }
        Ok(Taken { session: Session::open(&self.server).await?, _place: place })
    }

    /// Takes one back, for the next message.
    pub fn put(self: &Arc<Self>, taken: Taken) {
        let was_empty = {
            let mut idle = self.idle();
            idle.push((taken.session, Instant::now()));
            idle.len() == 1
        };
        if was_empty {
            let pool = Arc::downgrade(self);
            tokio::spawn(async move {
                loop {
                    sleep(IDLE).await;
                    let Some(pool) = pool.upgrade() else { return };
                    if pool.close_idle().await {
                        return;
                    }
                }
            });
        }
    }

    /// Closes those that waited for long; says whether none is left.
    async fn close_idle(&self) -> bool {
        let (old, is_empty) = {
            let mut idle = self.idle();
            let (old, young): (Vec<_>, Vec<_>) =
                idle.drain(..).partition(|(_, since)| since.elapsed() >= IDLE);
            *idle = young;
            (old, idle.is_empty())
        };
        for (session, _) in old {
            let _in_time = timeout(CLOSE_TIMEOUT, session.close()).await;
        }
        is_empty
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Session, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
