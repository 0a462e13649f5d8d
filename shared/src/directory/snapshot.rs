//! The directory as core pushes it to the edge: versioned and signed, so that whoever can write to the edge's store
//! still cannot make a tenant, and an old one is not taken for a new one.

use serde::Deserialize;
use serde::Serialize;

use super::Directory;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;

/// The largest snapshot in bytes: thousands of services and keys.
pub const SNAPSHOT_BYTES_MAX: usize = 1024 * 1024;
/// How long an isolate serves a snapshot before it looks for a newer one: a revoked key ends within twice that.
pub const FRESH_MS: u64 = 20_000;
/// How long the one place that keeps the snapshot does so without hearing of core.
const KEEP_MS: u64 = 366 * DAY_MS;

const LABEL: &[u8] = b"tiffin-directory-v1";

/// A snapshot is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It holds what is not safe to serve.
    #[error("the directory is not safe to serve: {0}")]
    Check(String),
    /// Not a snapshot, or too large.
    #[error("not a directory snapshot: {0}")]
    Malformed(String),
    /// Not signed by core.
    #[error("the snapshot is not signed by a known core key")]
    Signature,
}

/// A signed directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Counts up: the Unix time in milliseconds at which core found this content new.
    pub version: u64,
    /// The exact bytes of the [`Directory`] that were signed.
    pub directory: String,
    /// Which core key signed.
    pub signer: KeyId,
    /// Ed25519 over version and directory.
    pub signature: Bytes<64>,
}

impl Snapshot {
    /// Signs a directory.
    pub fn sign(directory: &Directory, version: u64, key: &Signing) -> Result<Self, serde_json::Error> {
        let directory = serde_json::to_string(directory)?;
        let signature = Bytes(key.sign(&signed_bytes(version, &directory)));
        Ok(Self { version, directory, signer: key.id().clone(), signature })
    }

    /// Reads the JSON form, checks the signature, and whether the directory is safe to serve.
    pub fn open(text: &str, cores: &Ring<Verifying>) -> Result<(u64, Directory), Error> {
        if text.len() > SNAPSHOT_BYTES_MAX {
            return Err(Error::Malformed(format!("at most {SNAPSHOT_BYTES_MAX} bytes")));
        }
        let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
        let snapshot: Self = serde_json::from_str(text).map_err(malformed)?;
        let key = cores.get(&snapshot.signer).ok_or(Error::Signature)?;
        if !key.verify(&signed_bytes(snapshot.version, &snapshot.directory), &snapshot.signature.0) {
            return Err(Error::Signature);
        }
        let directory: Directory = serde_json::from_str(&snapshot.directory).map_err(malformed)?;
        directory.check().map_err(Error::Check)?;
        Ok((snapshot.version, directory))
    }
}

/// The machine of the one place that keeps the latest snapshot. A missing state has none to give.
pub enum Publication {}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u64,
    /// The snapshot as core sent it.
    text: String,
    expires_at: UnixMs,
}

/// What is asked of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Keep this, unless what is kept is as new. Its signature was checked.
    Push {
        /// Of the snapshot.
        version: u64,
        /// The snapshot.
        text: String,
    },
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
    /// The version that is kept now.
    Kept(u64),
    /// A newer snapshot.
    Newer(String),
    /// Nothing newer.
    Same,
}

impl Machine for Publication {
    type State = State;
    type Command = Ask;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Ask, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.expires_at);
        let kept = state.as_ref().map_or(0, |state| state.version);
        match (command, state) {
            (Ask::Push { version, text }, _) if *version > kept => {
                let expires_at = now.plus(KEEP_MS);
                let state = State { version: *version, text: text.clone(), expires_at };
                let write = Write::Put { state, expires_at, wake_at: None };
                Step { reply: Reply::Kept(*version), write }
            }
            (Ask::Push { .. }, _) => Step::keep(Reply::Kept(kept)),
            (Ask::Read { since }, Some(state)) if state.version > *since => {
                Step::keep(Reply::Newer(state.text))
            }
            (Ask::Read { .. }, _) => Step::keep(Reply::Same),
        }
    }
}

fn signed_bytes(version: u64, directory: &str) -> Vec<u8> {
    bytes::prefixed(&[LABEL, &version.to_be_bytes(), directory.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seed: u8) -> (Signing, Ring<Verifying>) {
        let key = Signing::new(&KeyId::parse("c1").unwrap(), [seed; 32]);
        let ring = format!("c1:{}", bytes::encode(&key.public()));
        (key, Ring::parse(&ring, |_, key| Verifying::new(key)).unwrap())
    }

    #[test]
    fn only_what_core_signed_is_served() {
        let (key, cores) = keys(1);
        let snapshot = Snapshot::sign(&Directory::default(), 7, &key).unwrap();
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(Snapshot::open(&text, &cores).unwrap(), (7, Directory::default()));
        assert!(matches!(Snapshot::open(&text, &keys(2).1), Err(Error::Signature)));
        let newer = serde_json::to_string(&Snapshot { version: 8, ..snapshot.clone() }).unwrap();
        assert!(matches!(Snapshot::open(&newer, &cores), Err(Error::Signature)));
        let other = snapshot.directory.replace("\"keys\":[]", "\"keys\":[ ]");
        let other = serde_json::to_string(&Snapshot { directory: other, ..snapshot }).unwrap();
        assert!(matches!(Snapshot::open(&other, &cores), Err(Error::Signature)));
        assert!(matches!(Snapshot::open("{}", &cores), Err(Error::Malformed(_))));
    }
}
