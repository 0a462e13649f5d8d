//! Certificates that providers sign their callbacks with, fetched once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::call::Client;
use super::call::FetchError;

/// Addresses remembered: a provider has one at a time, and changes it once a year or so.
const KNOWN_MAX: usize = 16;

/// What was fetched, by its address. An adapter checks the address before it asks.
#[derive(Default)]
pub struct Certificates(Mutex<BTreeMap<String, Arc<[u8]>>>);

impl Certificates {
    /// The certificate at this address.
    pub async fn get(&self, client: &Client, address: &str) -> Result<Arc<[u8]>, FetchError> {
        if let Some(known) = self.known().get(address) {
            return Ok(Arc::clone(known));
        }
        let fetched: Arc<[u8]> = client.fetch(address).await?.into();
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(address.to_owned(), Arc::clone(&fetched));
        Ok(fetched)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
