//! Secrets come by environment, or by a file that the environment names: `NAME` or `NAME_FILE`.

use std::collections::BTreeMap;

use tiffin_shared::config;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::seal::PrivateKey;

use super::AMQP_URL;
use super::Error;
use super::REDIS_URL;

/// Core's own variables; the edge's are in `tiffin_shared::config`.
pub mod names {
    /// Ring of core's private signing keys; the first one signs.
    pub const CORE_SIGNING_KEYS: &str = "TIFFIN_CORE_SIGNING_KEYS";
    /// Ring of the edge's public signing keys.
    pub const EDGE_PUBLIC_KEYS: &str = "TIFFIN_EDGE_PUBLIC_KEYS";
    /// Since when each ring's key is in use: `ring=seconds,ring=seconds`. Not secret, and only shown.
    pub const KEYS_IN_USE_SINCE: &str = "TIFFIN_KEYS_IN_USE_SINCE";
    /// Opens `/metrics`.
    pub const METRICS_TOKEN: &str = "TIFFIN_METRICS_TOKEN";
    /// Opens the operators' API.
    pub const OPERATOR_TOKEN: &str = "TIFFIN_OPERATOR_TOKEN";
    /// Ring of the workers' private keys. Held by delivery workers alone.
    pub const SEAL_KEYS: &str = "TIFFIN_SEAL_KEYS";
}

const FILE_SUFFIX: &str = "_FILE";
/// Shorter tokens can be guessed. `tiffin keys make` makes 43 characters.
pub const TOKEN_CHARS_MIN: usize = 32;

/// The environment as it was at boot. No `Debug`: it holds secrets.
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's, with the content of the file that each `NAME_FILE` of ours names as `NAME`.
    pub fn of_process() -> Result<Self, Error> {
        // A variable that is not Unicode is nothing we could use.
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::new(std::env::vars_os().filter_map(unicode).collect())
    }

    /// Given ones, for tests and tools.
    pub fn new(mut variables: BTreeMap<String, String>) -> Result<Self, Error> {
        let is_ours = |name: &str| name.starts_with("TIFFIN_") || name == REDIS_URL || name == AMQP_URL;
        let files: Vec<_> = variables
            .iter()
            .filter_map(|(file_name, path)| Some((file_name.strip_suffix(FILE_SUFFIX)?, file_name, path)))
            .filter(|(name, _, _)| is_ours(name))
            .map(|(name, file_name, path)| (name.to_owned(), file_name.clone(), path.clone()))
            .collect();
        for (name, file_name, path) in files {
            let text = read(&file_name, &path)?;
            variables.entry(name).or_insert(text);
        }
        Ok(Self(variables))
    }

    /// The variable.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The digest of the token in this variable, where there is one: the token itself is not kept.
    pub fn token(&self, name: &str) -> Result<Option<TokenDigest>, Error> {
        let Some(token) = self.get(name) else { return Ok(None) };
        if token.chars().count() < TOKEN_CHARS_MIN {
            let reason = format!(
                "shorter than {TOKEN_CHARS_MIN} characters. `tiffin keys make --missing` makes one where there is none"
            );
            return Err(Error::Invalid { place: name.to_owned(), reason });
        }
        Ok(Some(TokenDigest::of(&token)))
    }

    /// The variable, from its file again where it came from one.
    pub(super) fn reread(&self, name: &str) -> Result<Option<String>, Error> {
        let file_name = format!("{name}{FILE_SUFFIX}");
        match self.0.get(&file_name) {
            None => Ok(self.get(name)),
            Some(path) => read(&file_name, path).map(Some),
        }
    }

    pub(super) fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let own = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn read(file_name: &str, path: &str) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::Invalid {
        place: file_name.to_owned(),
        reason: format!("{path}: {error}"),
    })?;
    Ok(text.trim().to_owned())
}

/// Core's own keys.
pub struct CoreKeys {
    /// Open jobs.
    pub seal: Option<Ring<PrivateKey>>,
    /// Tell whose jobs to take.
    pub edges: Ring<Verifying>,
    /// Sign events to the edge.
    pub signing: Ring<Signing>,
}

impl CoreKeys {
    pub(super) fn read(environment: &Environment, delivers: bool) -> Result<Self, config::Error> {
        let variable = |name: &str| environment.get(name);
        let seal = || config::ring(variable, names::SEAL_KEYS, |_, key| PrivateKey::new(key));
        Ok(Self {
            seal: delivers.then(seal).transpose()?,
            edges: config::ring(variable, names::EDGE_PUBLIC_KEYS, |_, key| Verifying::new(key))?,
            signing: config::ring(variable, names::CORE_SIGNING_KEYS, |id, key| Ok(Signing::new(id, key)))?,
        })
    }
}
