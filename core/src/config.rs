//! `tiffin.toml`, the environment, and the secrets. Read once, at boot; anything unknown or unusable stops it.

mod file;
mod overlay;
mod secrets;
mod sim_swap;
mod telemetry;
mod webhooks;

use std::path::Path;
use std::path::PathBuf;

use tiffin_shared::config;
use tiffin_shared::config::Edge;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Route;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;
use tiffin_shared::webhook::HookKey;
use tiffin_shared::webhook::HookKeys;
use tiffin_shared::webhook::Key;

pub use self::file::Bus;
pub use self::file::Delivery;
pub use self::file::Escalations;
pub use self::file::File;
pub use self::file::Retention;
pub use self::file::Sandbox;
pub use self::file::Server;
pub use self::file::Store;
pub use self::secrets::CoreKeys;
pub use self::secrets::Environment;
pub use self::secrets::TOKEN_CHARS_MIN;
pub use self::secrets::names;
pub use self::sim_swap::CLIENT_SECRET;
pub use self::sim_swap::SimSwap;
pub use self::telemetry::OTLP_HEADERS;
pub use self::telemetry::Telemetry;
pub use self::webhooks::Endpoint;
pub use self::webhooks::Webhooks;
use crate::gateways::account::Account;
use crate::gateways::codes;
use crate::gateways::codes::Corrections;

/// Redis, for the store. Without it the store is in memory.
pub const REDIS_URL: &str = "REDIS_URL";
/// RabbitMQ, for the bus. Without it the bus is in memory.
pub const AMQP_URL: &str = "AMQP_URL";
/// JSON list of API keys' digests, as `tiffin keys make` writes it.
pub const API_KEYS: &str = "TIFFIN_API_KEYS";

/// The boot stops here. Says which file or variable, which key, and why; never a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What stands in the file or variable cannot be used.
    #[error("{place}: {reason}")]
    Invalid {
        /// File or variable.
        place: String,
        /// Key and reason.
        reason: String,
    },
    /// The operator's codes cannot be used.
    #[error("delivery.codes_path: {0}")]
    Codes(#[from] codes::Error),
    /// The file cannot be read.
    #[error("{}: {error}. Give another file with --config, or copy tiffin.toml from the project", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A secret is missing or does not parse.
    #[error("{0}. Make keys with `tiffin keys make`, and load the files it names into the environment")]
    Secret(#[from] config::Error),
}

/// Everything from the file, with the environment over it.
pub struct Config {
    /// Settings.
    pub file: File,
    /// Secrets and addresses.
    pub environment: Environment,
    path: PathBuf,
}

impl Config {
    /// Reads `path` and the process's environment.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::read(path, Environment::of_process()?)
    }

    /// Reads `path` with the given environment over it.
    pub fn read(path: &Path, environment: Environment) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Unreadable { path: path.to_owned(), error })?;
        let file: File = toml::from_str(&text).map_err(|error| invalid(path, error))?;
        file.check().map_err(|reason| invalid(path, reason))?;
        let mut file = overlay::apply(file, &text, &environment)?;
        file.gateways.iter_mut().for_each(|gateway| gateway.find_sandbox(&file.sandbox));
        if let Some(sim_swap) = &mut file.sim_swap {
            sim_swap.find_sandbox(&file.sandbox);
        }
        let config = Self { file, environment, path: path.to_owned() };
        config.directory()?.check().map_err(|reason| invalid(path, reason))?;
        Ok(config)
    }

    /// Tenants with their keys, services and routes.
    pub fn directory(&self) -> Result<Directory, Error> {
        self.directory_of(self.environment.get(API_KEYS))
    }

    /// The same with the API keys as their file has them now, where they come from a file.
    pub fn reread_directory(&self) -> Result<Directory, Error> {
        let directory = self.directory_of(self.environment.reread(API_KEYS)?)?;
        directory.check().map_err(|reason| invalid(&self.path, reason))?;
        Ok(directory)
    }

    fn directory_of(&self, keys: Option<String>) -> Result<Directory, Error> {
        let keys = match keys {
            None => Vec::new(),
            // Not the parser's words: they repeat what they stumbled over, and that may be a key.
            Some(text) => serde_json::from_str(&text).map_err(|error| Error::Invalid {
                place: API_KEYS.to_owned(),
                reason: format!(
                    "not the JSON list of digests that `tiffin keys make` writes (column {})",
                    error.column()
                ),
            })?,
        };
        let currency = self.file.currency;
        let route = |gateway: &Account| {
            let at = |error| invalid(&self.path, format!("gateways.{}.{error}", gateway.name));
            gateway.route(currency).map_err(at)
        };
        let routes = self.file.gateways.iter().map(route).collect::<Result<Vec<Route>, _>>()?;
        let ceilings = self.file.ceilings;
        let mut directory = Directory {
            tenants: self.file.tenants.clone(),
            keys,
            routes,
            currency,
            ceilings,
            visitors: self.file.visitors,
            turnstile: self.file.turnstile.clone(),
            ..Directory::default()
        };
        directory.complete().map_err(|reason| invalid(&self.path, reason))?;
        Ok(directory)
    }

    /// The operator's corrections of what providers' codes mean.
    pub fn corrections(&self) -> Result<Corrections, codes::Error> {
        self.file.delivery.codes_path.as_deref().map_or_else(|| Ok(Corrections::default()), Corrections::read)
    }

    /// The front door's keys, for a process that serves the public API itself.
    pub fn edge(&self) -> Result<Edge, Error> {
        Ok(Edge::read(|name| self.environment.get(name))?)
    }

    /// Core's public keys, for a process that takes other cores' events.
    pub fn core_public_keys(&self) -> Result<Ring<Verifying>, Error> {
        Ok(config::core_public_keys(|name| self.environment.get(name))?)
    }

    /// The endpoints of the file, each with its keys.
    pub fn endpoints(&self) -> Result<Vec<(Endpoint, Vec<Key>)>, Error> {
        let keyed = |endpoint: &Endpoint| Ok((endpoint.clone(), endpoint.keys(&self.environment)?));
        self.file.webhooks.endpoints.iter().map(keyed).collect()
    }

    /// What seals the keys of endpoints that operators manage: it follows from core's signing keys.
    pub fn hook_keys(&self) -> Result<HookKeys, Error> {
        let variable = |name: &str| self.environment.get(name);
        Ok(config::ring(variable, names::CORE_SIGNING_KEYS, |id, key| Ok(HookKey::new(id, key)))?)
    }

    /// Core's own keys; the one that opens jobs only where jobs are delivered.
    pub fn core_keys(&self, delivers: bool) -> Result<CoreKeys, Error> {
        Ok(CoreKeys::read(&self.environment, delivers)?)
    }
}

fn invalid(path: &Path, reason: impl ToString) -> Error {
    Error::Invalid { place: path.display().to_string(), reason: reason.to_string() }
}
