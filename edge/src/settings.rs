//! Variables and secrets of the worker, read once per isolate.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tiffin_shared::config;
use tiffin_shared::config::CachedKeys;
use tiffin_shared::config::Edge;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;
use tiffin_shared::ledger::Keys;
use tiffin_shared::time::UnixMs;
use worker::Env;

use crate::host;

/// Why this isolate cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable is missing or unusable.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// No randomness for the key exchange.
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    /// The key exchange with the workers' public key failed.
    #[error("the key exchange failed: {0}")]
    Seal(#[from] tiffin_shared::seal::Error),
}

/// What this isolate works with. Holds no tenant's data.
pub struct Settings {
    /// Routes, keys.
    pub edge: Edge,
    /// Who may send events.
    pub cores: Ring<Verifying>,
    /// Where jobs go.
    pub core_url: String,
    keys: RefCell<CachedKeys>,
}

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

impl Settings {
    /// This isolate's settings.
    pub fn load(env: &Env) -> Result<Rc<Self>, Error> {
        SETTINGS.with(|settings| match settings.get() {
            Some(settings) => Ok(settings.clone()),
            None => {
                let read = Rc::new(Self::read(env)?);
                Ok(settings.get_or_init(|| read).clone())
            }
        })
    }

    fn read(env: &Env) -> Result<Self, Error> {
        // Secrets and variables are bound alike.
        let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
        Ok(Self {
            edge: Edge::read(variable)?,
            cores: config::core_public_keys(variable)?,
            core_url: config::required(variable, config::CORE_URL)?,
            keys: RefCell::new(None),
        })
    }

    /// The ledgers' keys.
    pub fn keys(&self, now: UnixMs) -> Result<Arc<Keys>, Error> {
        self.edge.keys(&mut self.keys.borrow_mut(), now, || Ok(host::entropy()?))
    }
}
