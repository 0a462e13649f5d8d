//! The directory as core pushes it to the edge: versioned and signed, so that whoever can write to the edge's store
//! still cannot make a tenant, and an old one is not taken for a new one.

use serde::Deserialize;
use serde::Serialize;

use super::Directory;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::json;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;

/// The largest snapshot in bytes: thousands of services and keys.
pub const SNAPSHOT_BYTES_MAX: usize = 1024 * 1024;
/// How long an isolate serves a snapshot before it looks for a newer one, in milliseconds. With core's own look at its
/// key file every five seconds, a revoked key ends within 25 s and the time of a few requests: well within a minute.
pub const FRESH_MS: u64 = 20_000;
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
    /// Counts up: the Unix time in milliseconds at which core found this content new, or one more than what was kept
    /// where that was no less.
    pub version: u64,
    /// The exact bytes of the [`Directory`] that were signed.
    pub directory: String,
    /// Which core key signed.
    pub signer: KeyId,
    /// Ed25519 over version and directory.
    pub signature: Bytes<64>,
}

impl Snapshot {
    /// Signs a directory, without the words of its messages.
    pub fn sign(directory: &Directory, version: u64, key: &Signing) -> Result<Self, serde_json::Error> {
        let directory = serde_json::to_string(&directory.without_words())?;
        let signature = Bytes(key.sign(&signed_bytes(version, &directory)));
        Ok(Self { version, directory, signer: key.id().clone(), signature })
    }

    /// Reads the JSON form, checks the signature, and whether the directory is safe to serve. With what was signed.
    pub fn open(text: &str, cores: &Ring<Verifying>) -> Result<(Self, Directory), Error> {
        if text.len() > SNAPSHOT_BYTES_MAX {
            return Err(Error::Malformed(format!("at most {SNAPSHOT_BYTES_MAX} bytes")));
        }
        let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
        let snapshot: Self = json::read(text).map_err(malformed)?;
        let key = cores.get(&snapshot.signer).ok_or(Error::Signature)?;
        if !key.verify(&signed_bytes(snapshot.version, &snapshot.directory), &snapshot.signature.0) {
            return Err(Error::Signature);
        }
        let directory: Directory = json::read(&snapshot.directory).map_err(malformed)?;
        directory.check().map_err(Error::Check)?;
        Ok((snapshot, directory))
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
        assert_eq!(Snapshot::open(&text, &cores).unwrap(), (snapshot.clone(), Directory::default()));
        assert!(matches!(Snapshot::open(&text, &keys(2).1), Err(Error::Signature)));
        let newer = serde_json::to_string(&Snapshot { version: 8, ..snapshot.clone() }).unwrap();
        assert!(matches!(Snapshot::open(&newer, &cores), Err(Error::Signature)));
        let other = snapshot.directory.replace("\"keys\":[]", "\"keys\":[ ]");
        let other = serde_json::to_string(&Snapshot { directory: other, ..snapshot }).unwrap();
        assert!(matches!(Snapshot::open(&other, &cores), Err(Error::Signature)));
        assert!(matches!(Snapshot::open("{}", &cores), Err(Error::Malformed(_))));
    }
}
