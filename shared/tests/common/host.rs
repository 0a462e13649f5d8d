//! The smallest host: one key, and the moment it was last written.

use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::time::UnixMs;

#[derive(Clone, Debug)]
pub struct Stored {
    pub commit: Commit,
    /// The latest time seen by the step that wrote it.
    pub written_at: UnixMs,
}

/// Never deletes, so that a state past its expiry meets commands too.
#[derive(Clone, Default)]
pub struct Host {
    pub stored: Option<Stored>,
}

impl Host {
    pub fn ask<M: Machine>(&mut self, command: &M::Command, now: UnixMs) -> M::Reply {
        let (reply, commit) = machine::run::<M>(self.body(), command, now).unwrap();
        if let Some(commit) = commit {
            self.stored = Some(Stored { commit, written_at: self.seen(now) });
        }
        reply
    }

    /// Time as the stored state sees it: never before it was written.
    pub fn seen(&self, now: UnixMs) -> UnixMs {
        let alive = self.stored.as_ref().filter(|old| now < old.commit.expires_at);
        alive.map_or(now, |old| old.written_at.max(now))
    }

    /// Asks without storing what follows.
    pub fn probe<M: Machine>(&self, command: &M::Command, now: UnixMs) -> M::Reply {
        machine::run::<M>(self.body(), command, now).unwrap().0
    }

    pub fn body(&self) -> Option<&str> {
        self.stored.as_ref().map(|stored| stored.commit.body.as_str())
    }

    pub fn wake_at(&self) -> Option<UnixMs> {
        self.stored.as_ref().and_then(|stored| stored.commit.wake_at)
    }
}
