//! What a code approves, as an order keeps it.

use serde::Deserialize;
use serde::Serialize;

use crate::binding::Binding;
use crate::bytes::Bytes;

/// Amount, currency and payee; of orders from before they were kept, the hash alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Payment {
    Hash(Bytes<32>),
    Known(Binding),
}

impl Payment {
    /// What to show of it.
    pub(super) fn known(&self) -> Option<&Binding> {
        match self {
            Self::Hash(_) => None,
            Self::Known(binding) => Some(binding),
        }
    }
}
