//! A sealed job inside a state: text that is carried through, and read only to be handed over.
//!
//! It is most of a live order's bytes. Reading and writing it anew was a fifth of each guess.

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::wire::job::Job;

/// The JSON of a [`Job`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Kept(Box<RawValue>);

impl Kept {
    pub(super) fn new(job: &Job) -> Option<Self> {
        serde_json::value::to_raw_value(job).ok().map(Self)
    }

    /// Nothing when it is no job: such an order is not sent.
    pub(super) fn read(&self) -> Option<Job> {
        json::read(self.0.get()).ok()
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Kept {}
