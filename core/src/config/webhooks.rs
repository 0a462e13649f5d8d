//! `[webhooks]`: where tenants are told what happens. The keys are in the environment.

use serde::Deserialize;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::webhook::Key;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::book::TENANT_ENDPOINTS_MAX;

use super::Environment;
use super::Error;
use crate::webhooks::target;

/// Keys that one variable may hold: the one in use first.
const KEYS_MAX: usize = 3;

/// Where tenants are told what happens.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// For development: `http://` to this machine is allowed, and nothing else more.
    pub to_loopback: bool,
    /// Endpoints; operators can add others at run time.
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Whose.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub name: EndpointId,
    /// Where to: `https://`, a name on the public internet.
    pub url: String,
    /// What it is told; everything where there is none.
    #[serde(default)]
    pub events: Vec<Kind>,
}

impl Webhooks {
    pub(super) fn check(&self, is_tenant: impl Fn(&TenantId) -> bool) -> Result<(), String> {
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            let Endpoint { tenant, name, url, .. } = endpoint;
            let refuse = |why: String| Err(format!("webhooks.endpoints, {tenant} {name}: {why}"));
            if !is_tenant(tenant) {
                return refuse("no such tenant".into());
            }
            if let Err(error) = target::check(url, self.to_loopback) {
                return refuse(format!("url: {error}"));
            }
            let others = self.endpoints.iter().take(at).filter(|other| other.tenant == *tenant);
            if others.clone().any(|other| other.name == *name) {
                return refuse("two have this name".into());
            }
            if others.count() >= TENANT_ENDPOINTS_MAX {
                return refuse(format!("a tenant has {TENANT_ENDPOINTS_MAX} at most"));
            }
        }
        Ok(())
    }
}

impl Endpoint {
    /// Where its keys are.
    pub fn variable(&self) -> String {
        let upper = |name: &str| name.to_uppercase().replace('-', "_");
        format!("TIFFIN_WEBHOOK_{}_{}_SECRET", upper(self.tenant.as_str()), upper(self.name.as_str()))
    }

    pub(super) fn keys(&self, environment: &Environment) -> Result<Vec<Key>, Error> {
        let place = self.variable();
        let invalid = |reason: String| Error::Invalid { place: place.clone(), reason };
        let text = environment.get(&place).ok_or_else(|| {
            invalid(
                "not set. `whsec_` and 24 to 64 random bytes in base64, such as of `openssl rand -base64 32`"
                    .into(),
            )
        })?;
        let keys = text.split_ascii_whitespace().map(Key::parse).collect::<Result<Vec<_>, _>>();
        let keys = keys.map_err(|error| invalid(error.to_string()))?;
        match keys.len() {
            1..=KEYS_MAX => Ok(keys),
            _ => Err(invalid(format!("1 to {KEYS_MAX} keys, with spaces between, the one in use first"))),
        }
    }
}
