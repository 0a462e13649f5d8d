//! Key exchanges, done once for all jobs of one sealer: an edge seals for up to an hour after one.
//!
//! What is kept opens nothing that this process could not open anyway, and is gone with it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::envelope::Error;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys::Ring;
use tiffin_shared::seal::Opener;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::wire::job::Private;

/// Sealers known at once: each isolate of the edge has its own. With one more all are forgotten, and done again as their
/// jobs come.
const OPENERS_MAX: usize = 1_024;

/// Key exchanges by what they were made from.
#[derive(Default)]
pub struct Openers(Mutex<HashMap<(KeyId, [u8; 32]), Opener>>);

impl Openers {
    /// Opens the sealed part of an envelope that was verified.
    pub fn open(&self, envelope: &Envelope, keys: &Ring<PrivateKey>) -> Result<Private, Error> {
        let Bytes(encapsulated) = envelope.sealed.encapsulated;
        let name = (envelope.sealed.key.clone(), encapsulated);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(opener) = known {
            return envelope.open_with(&opener);
        }
        let opener = envelope.opener(keys)?;
        let private = envelope.open_with(&opener)?;
        let mut openers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if openers.len() >= OPENERS_MAX {
            openers.clear();
        }
        openers.insert(name, opener);
        Ok(private)
    }
}
