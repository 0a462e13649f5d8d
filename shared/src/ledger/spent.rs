//! Solved challenges, each of which counts once.

use serde::Deserialize;
use serde::Serialize;

use super::state::State;
use crate::bytes::Bytes;
use crate::challenge::NONCE_MEMORY_MS;
use crate::challenge::Proof;
use crate::time::UnixMs;

/// A used challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spent {
    pub(super) nonce: Bytes<16>,
    pub(super) until: UnixMs,
}

impl State {
    /// Whether an order or a guess came with it before.
    pub(super) fn is_used_up(&self, proof: Proof) -> bool {
        self.spent.iter().any(|spent| spent.nonce == proof.nonce.0)
    }

    /// A solved challenge counts once.
    pub(super) fn use_up(&mut self, proof: Option<Proof>, now: UnixMs) {
        let until = now.plus(NONCE_MEMORY_MS);
        self.spent.extend(proof.map(|proof| Spent { nonce: proof.nonce.0, until }));
    }
}
