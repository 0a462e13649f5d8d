//! The one place that keeps the latest directory, and which keys were ever revoked in one.
//!
//! Whatever changed last is served. A revoked key stays revoked nevertheless: a core with an older list of keys cannot
//! bring it back, for what lists it as good is not taken.

use serde::Deserialize;
use serde::Serialize;

use super::Directory;
use super::snapshot::Snapshot;
use crate::bytes;
use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;

/// How long it keeps the snapshot without hearing of core.
const KEEP_MS: u64 = 366 * DAY_MS;
/// Digests of revoked keys, the latest: years of them, and 45 KB.
const REVOKED_MAX: usize = 1_000;

/// The machine. A missing state has nothing to give.
pub enum Publication {}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u64,
    /// The snapshot as core sent it.
    text: String,
    /// [`Push::content`] of it.
    #[serde(default)]
    content: Option<Bytes<16>>,
    /// Digests of keys, the latest revoked last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revoked: Vec<Bytes<32>>,
    expires_at: UnixMs,
}

/// A snapshot, whose signature was checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// Of the snapshot.
    pub version: u64,
    /// The snapshot.
    pub text: String,
    /// Tells different directories apart, whatever their versions.
    content: Bytes<16>,
    live: Vec<Bytes<32>>,
    revoked: Vec<Bytes<32>>,
}

impl Push {
    /// Of a snapshot with this text, which was opened: what was signed, and what that says.
    pub fn new(text: String, (snapshot, directory): &(Snapshot, Directory)) -> Self {
        let content = Bytes(bytes::truncate(bytes::sha256(snapshot.directory.as_bytes())));
        let (revoked, live): (Vec<_>, Vec<_>) = directory.keys.iter().partition(|key| key.revoked);
        let digests = |keys: Vec<&super::ApiKey>| keys.into_iter().map(|key| key.digest).collect();
        Self { version: snapshot.version, text, content, live: digests(live), revoked: digests(revoked) }
    }
}

/// What is asked of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Keep this, unless what is kept is as new.
    Push(Push),
    /// Give what is newer than this.
    Read {
        /// What the asker has; 0 for nothing.
        since: u64,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What is kept now.
    Kept {
        /// Its version.
        version: u64,
        /// Whether it says what was pushed.
        same: bool,
    },
    /// A newer snapshot.
    Newer(String),
    /// Not taken: these keys, which it lists as good, were revoked.
    Revoked(Vec<Bytes<32>>),
    /// Nothing newer.
    Same,
}

impl Machine for Publication {
    type State = State;
    type Command = Ask;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Ask, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.expires_at);
        match (command, state) {
            (Ask::Push(pushed), state) => push(pushed, state, now),
            (Ask::Read { since }, Some(state)) if state.version > *since => {
                Step::keep(Reply::Newer(state.text))
            }
            (Ask::Read { .. }, _) => Step::keep(Reply::Same),
        }
    }
}

fn push(pushed: &Push, state: Option<State>, now: UnixMs) -> Step<State, Reply> {
    let kept = state.as_ref().map_or(0, |state| state.version);
    let mut revoked = state.as_ref().map(|state| state.revoked.clone()).unwrap_or_default();
    let back: Vec<_> = pushed.live.iter().filter(|digest| revoked.contains(digest)).copied().collect();
    if !back.is_empty() {
        return Step::keep(Reply::Revoked(back));
    }
    if pushed.version <= kept {
        let same = state.is_some_and(|state| state.content == Some(pushed.content));
        return Step::keep(Reply::Kept { version: kept, same });
    }
    let fresh: Vec<_> = pushed.revoked.iter().filter(|digest| !revoked.contains(digest)).copied().collect();
    revoked.extend(fresh);
    revoked.drain(..revoked.len().saturating_sub(REVOKED_MAX));
    let pushed_at = state.map_or(UnixMs(0), |state| state.expires_at.minus(KEEP_MS));
    let expires_at = pushed_at.max(now).plus(KEEP_MS);
    let (version, text, content) = (pushed.version, pushed.text.clone(), Some(pushed.content));
    let state = State { version, text, content, revoked, expires_at };
    let write = Write::Put { state, expires_at, wake_at: None };
    Step { reply: Reply::Kept { version, same: true }, write }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ApiKey;
    use crate::directory::KeyKind;
    use crate::id::KeyId;
    use crate::id::TenantId;

    const NOW: UnixMs = UnixMs(1_795_082_400_000);

    /// A push of these keys; a negative one is revoked.
    fn of(version: u64, keys: &[i8]) -> Ask {
        let key = |seed: &i8| ApiKey {
            id: KeyId::parse(&format!("k{}", seed.unsigned_abs())).unwrap(),
            tenant: TenantId::parse("shop").unwrap(),
            kind: KeyKind::Secret,
            digest: Bytes([seed.unsigned_abs(); 32]),
            origins: Vec::new(),
            services: Vec::new(),
            revoked: *seed < 0,
        };
        let directory = Directory { keys: keys.iter().map(key).collect(), ..Directory::default() };
        let signed = serde_json::to_string(&directory).unwrap();
        let signer = KeyId::parse("c1").unwrap();
        let snapshot = Snapshot { version, directory: signed, signer, signature: Bytes([0; 64]) };
        Ask::Push(Push::new(format!("{keys:?}"), &(snapshot, directory)))
    }

    fn run(state: &mut Option<State>, ask: &Ask) -> Reply {
        let Step { reply, write } = Publication::step(state.clone(), ask, NOW);
        if let Write::Put { state: next, .. } = write {
            *state = Some(next);
        }
        reply
    }

    #[test]
    fn the_newest_is_kept_and_who_is_late_hears_what_is() {
        let mut state = None;
        assert_eq!(run(&mut state, &of(7, &[1])), Reply::Kept { version: 7, same: true });
        assert_eq!(run(&mut state, &of(7, &[1])), Reply::Kept { version: 7, same: true });
        // Another core with the same settings and an earlier clock.
        assert_eq!(run(&mut state, &of(5, &[1])), Reply::Kept { version: 7, same: true });
        assert_eq!(run(&mut state, &of(5, &[1, 2])), Reply::Kept { version: 7, same: false });
        assert_eq!(run(&mut state, &of(8, &[1, 2])), Reply::Kept { version: 8, same: true });
        assert_eq!(run(&mut state, &Ask::Read { since: 7 }), Reply::Newer("[1, 2]".into()));
        assert_eq!(run(&mut state, &Ask::Read { since: 8 }), Reply::Same);
    }

    #[test]
    fn a_revoked_key_does_not_come_back_whatever_is_pushed_later() {
        let mut state = None;
        run(&mut state, &of(1, &[1, 2]));
        run(&mut state, &of(2, &[1, -2]));
        let back = Reply::Revoked(vec![Bytes([2; 32])]);
        for version in [1, 2, 3, 1_000] {
            assert_eq!(run(&mut state, &of(version, &[1, 2, 3])), back, "{version}");
        }
        assert_eq!(run(&mut state, &of(4, &[1, -2, 3])), Reply::Kept { version: 4, same: true });
        // Forgotten by every core, and remembered here.
        assert_eq!(run(&mut state, &of(5, &[1, 3])), Reply::Kept { version: 5, same: true });
        assert_eq!(run(&mut state, &of(6, &[1, 2, 3])), back);
        // What was merely left out comes back: an older list is a list.
        assert_eq!(run(&mut state, &of(6, &[1])), Reply::Kept { version: 6, same: true });
        assert_eq!(run(&mut state, &of(7, &[1, 3])), Reply::Kept { version: 7, same: true });
    }
}
