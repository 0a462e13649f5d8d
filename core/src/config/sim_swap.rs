//! `[sim_swap]`: whom we ask whether the SIM of a number changed lately. The client's secret is in the environment.

use serde::Deserialize;
use tiffin_shared::directory::Countries;
use tiffin_shared::order::WhenUnknown;
use tiffin_shared::secret::Secret;

use super::Environment;
use super::Error;
use super::Sandbox;
use crate::gateways::account::check_url;
use crate::gateways::account::is_loopback;

/// The secret of the OAuth 2.0 client.
pub const CLIENT_SECRET: &str = "TIFFIN_SIM_SWAP_CLIENT_SECRET";
/// The longest time that CAMARA's API can be asked about: a hundred days.
const MAX_AGE_HOURS_MAX: u16 = 2_400;
/// A check that takes longer would keep a phone's orders waiting: a twelfth of the shortest life of a code.
const TIMEOUT_MS_MAX: u64 = 5_000;
/// Less than a round trip over TLS takes.
const TIMEOUT_MS_MIN: u64 = 100;

/// A service that speaks CAMARA's SIM Swap API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimSwap {
    /// Whether the sandbox plays it.
    #[serde(default)]
    sandbox: bool,
    /// In front of `/check`, with the version: `https://api.operator.example/sim-swap/v2`.
    #[serde(default)]
    pub base_url: String,
    /// Gives tokens for client credentials (RFC 6749 section 4.4).
    #[serde(default)]
    pub token_url: String,
    /// Who we are there.
    pub client_id: String,
    /// What the token is asked for; empty where the service wants none named.
    #[serde(default = "scope")]
    pub scope: String,
    /// A SIM that changed within this time, in hours, is swapped: 1 to 2,400.
    #[serde(default = "max_age_hours")]
    pub max_age_hours: u16,
    /// For one check, its token and its repetition included: 100 to 5,000.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// What follows where nobody can say.
    #[serde(default)]
    pub when_unknown: WhenUnknown,
    /// Whose numbers are asked about; of all others nobody can say.
    #[serde(default = "everywhere")]
    pub countries: Countries,
}

impl SimSwap {
    /// Points it at the sandbox, where that plays it and no other place on this machine is named.
    pub(super) fn find_sandbox(&mut self, sandbox: &Sandbox) {
        if !self.sandbox {
            return;
        }
        for (url, path) in [(&mut self.base_url, "/sim-swap/v2"), (&mut self.token_url, "/oauth2/token")] {
            if url.is_empty() {
                *url = format!("http://{}{path}", sandbox.listen);
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for (key, url) in [("base_url", &self.base_url), ("token_url", &self.token_url)] {
            match (self.sandbox, url.is_empty()) {
                (true, true) => {}
                (true, false) if !is_loopback(url) => {
                    return Err(format!("{key}: leave it out, or sandbox = true: it is another host"));
                }
                (_, _) => check_url(key, url)?,
            }
            // The token and the number go there.
            if url.starts_with("http://") && !is_loopback(url) {
                return Err(format!("{key}: must be https://, but for this machine"));
            }
        }
        let is_text = |text: &str| text.len() <= 512 && text.chars().all(|char| char.is_ascii_graphic());
        if self.client_id.is_empty() || !is_text(&self.client_id) {
            return Err("client_id: must be 1 to 512 visible characters".into());
        }
        if !self.scope.split(' ').all(is_text) || self.scope.len() > 512 {
            return Err("scope: must be at most 512 visible characters, with spaces between".into());
        }
        if !(1..=MAX_AGE_HOURS_MAX).contains(&self.max_age_hours) {
            return Err(format!("max_age_hours: must be 1 to {MAX_AGE_HOURS_MAX}"));
        }
        if !(TIMEOUT_MS_MIN..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return Err(format!("timeout_ms: must be {TIMEOUT_MS_MIN} to {TIMEOUT_MS_MAX}"));
        }
        Ok(())
    }

    /// Whether the sandbox plays it.
    pub fn is_sandboxed(&self) -> bool {
        self.sandbox
    }

    /// The client's secret.
    pub fn secret(&self, environment: &Environment) -> Result<Secret<String>, Error> {
        let secret = environment.get(CLIENT_SECRET).filter(|secret| !secret.is_empty());
        secret.map(Secret::new).ok_or_else(|| Error::Invalid {
            place: CLIENT_SECRET.into(),
            reason: "not set: the secret of the client that [sim_swap] names".into(),
        })
    }
}

fn scope() -> String {
    "sim-swap:check".into()
}

fn max_age_hours() -> u16 {
    240
}

fn timeout_ms() -> u64 {
    2_000
}

fn everywhere() -> Countries {
    Countries::All
}
