//! A map behind a mutex.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::time::UnixMs;

use super::Due;
use super::Error;
use super::Key;
use super::Space;

/// How many states that are over go with each write: keeps the map as small as what is alive.
const PURGE_PER_WRITE: usize = 2;

/// States of this process.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    states: BTreeMap<Key, Commit>,
    wakes: BTreeSet<(Space, UnixMs, Key)>,
    expiries: BTreeSet<(UnixMs, Key)>,
}

impl Memory {
    /// See [`super::Store::apply`].
    pub fn apply<M: Machine>(&self, key: &Key, command: &M::Command, now: UnixMs) -> Result<M::Reply, Error> {
        let mut inner = self.lock();
        let old = inner.states.get(key).map(|commit| commit.body.as_str());
        let (reply, commit) =
            machine::run::<M>(old, command, now).map_err(|error| Error::State { key: key.clone(), error })?;
        if let Some(commit) = commit {
            inner.put(key, commit);
            inner.purge(now);
        }
        Ok(reply)
    }

    pub(super) fn due(&self, space: Space, now: UnixMs, max: usize) -> Vec<Due> {
        let inner = self.lock();
        let own = inner.wakes.iter().filter(|(of, wake_at, _)| *of == space && *wake_at <= now);
        own.take(max).map(|(_, wake_at, key)| Due { key: key.clone(), wake_at: *wake_at }).collect()
    }

    pub(super) fn named(&self, space: Space, prefix: &str) -> Vec<String> {
        let inner = self.lock();
        let own = inner.states.keys().filter(|key| key.space == space && key.id.starts_with(prefix));
        own.map(|key| key.id.clone()).collect()
    }

    pub(super) fn rest(&self, due: &Due) {
        let mut inner = self.lock();
        let still_set = inner.states.get(&due.key).is_some_and(|state| state.wake_at == Some(due.wake_at));
        if !still_set {
            inner.wakes.remove(&(due.key.space, due.wake_at, due.key.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic inside a step leaves the map as it was: writes come after it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, key: &Key, commit: Commit) {
        self.expiries.insert((commit.expires_at, key.clone()));
        if let Some(wake_at) = commit.wake_at {
            self.wakes.insert((key.space, wake_at, key.clone()));
        }
        if let Some(old) = self.states.insert(key.clone(), commit.clone()) {
            if old.expires_at != commit.expires_at {
                self.expiries.remove(&(old.expires_at, key.clone()));
            }
            if let Some(wake_at) = old.wake_at.filter(|wake_at| Some(*wake_at) != commit.wake_at) {
                self.wakes.remove(&(key.space, wake_at, key.clone()));
            }
        }
    }

    fn purge(&mut self, now: UnixMs) {
        for _ in 0..PURGE_PER_WRITE {
            let Some((expires_at, key)) = self.expiries.first().cloned() else { return };
            if now < expires_at {
                return;
            }
            self.expiries.remove(&(expires_at, key.clone()));
            if let Some(wake_at) = self.states.remove(&key).and_then(|state| state.wake_at) {
                self.wakes.remove(&(key.space, wake_at, key));
            }
        }
    }
}
