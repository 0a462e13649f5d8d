//! One change: whether it may be made, and what it leaves in the audit.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::Entry;
use super::Kept;
use super::RouteSettings;
use super::Settings;
use super::diff;
use crate::directory::ApiKey;
use crate::directory::Service;
use crate::directory::Tenant;
use crate::id::GatewayId;
use crate::id::KeyId;
use crate::id::OperatorId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::operator::Operator;
use crate::time::UnixMs;

/// Tenants that are set so: the edge keeps them all in a snapshot of 1 MiB.
const TENANTS_MAX: usize = 500;
/// API keys, revoked ones included; a revoked one may be forgotten when an edge remembers it.
const KEYS_MAX: usize = 2_000;
/// People who run an installation.
const OPERATORS_MAX: usize = 200;
/// Changes that wait for the audit log. Beyond them it must take some first.
const UNLOGGED_MAX: usize = 32;
/// A tenant as JSON.
const TENANT_BYTES_MAX: usize = 32 * 1024;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// As he calls himself.
    pub name: String,
    /// The start of his token's digest.
    pub token: String,
}

/// A change that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Who.
    pub by: By,
    /// What.
    pub change: Change,
    /// The version of what is changed, as he saw it; none for what he thinks is not there.
    pub expected: Option<u64>,
}

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new key.
    MakeKey(ApiKey),
    /// Somebody with a role and a new token, or the same token; `None` opens nothing any more.
    PutOperator(OperatorId, Option<Operator>),
    /// How a gateway is preferred; `None` as the file says.
    PutRoute(GatewayId, Option<RouteSettings>),
    /// A service; `None` removes it.
    PutService(TenantId, ServiceId, Option<Box<Service>>),
    /// A tenant; `None` removes it.
    PutTenant(TenantId, Option<Box<Tenant>>),
    /// The key opens nothing any more.
    RevokeKey(KeyId),
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is at another version; `None` where it is not there.
    Conflict(Option<u64>),
    /// There are too many of them, or it is too large.
    Full(&'static str),
    /// There is no such thing.
    NotFound,
    /// The audit log has to take earlier changes first.
    Unlogged,
    /// Something else still needs it.
    Used(&'static str),
}

impl Settings {
    /// As it would be after the change. Whether the whole may be served, [`crate::directory::Directory::check`] says.
    pub fn changed(&self, wish: &Wish, now: UnixMs) -> Result<Self, Refusal> {
        if self.unlogged.len() >= UNLOGGED_MAX {
            return Err(Refusal::Unlogged);
        }
        let mut settings = self.clone();
        settings.version = settings.version.saturating_add(1);
        let (what, before, after) = settings.make(wish)?;
        let (before, after) = diff(&before, &after);
        let entry = Entry { n: settings.version, at: now, by: wish.by.clone(), what, before, after };
        settings.unlogged.push(entry);
        Ok(settings)
    }

    /// What was done, to what, and what it is now.
    fn make(&mut self, wish: &Wish) -> Result<(String, Value, Value), Refusal> {
        match &wish.change {
            Change::MakeKey(key) => self.make_key(key),
            Change::RevokeKey(id) => self.revoke_key(id),
            Change::PutOperator(id, operator) => self.put_operator(id, operator.as_ref(), wish.expected),
            Change::PutRoute(gateway, settings) => {
                let old = self.routes.get(gateway);
                expect(old, wish.expected)?;
                let before = shown(old);
                match settings {
                    Some(value) => {
                        let kept = Kept { version: self.version, value: value.clone() };
                        self.routes.insert(gateway.clone(), kept);
                    }
                    None => drop(self.routes.remove(gateway)),
                }
                Ok((format!("route.set {gateway}"), before, shown(self.routes.get(gateway))))
            }
            Change::PutService(tenant, id, service) => {
                let Some(mut changed) = self.tenants.get(tenant).map(|kept| kept.value.clone()) else {
                    return Err(Refusal::NotFound);
                };
                match service {
                    Some(service) => drop(changed.services.insert(id.clone(), Service::clone(service))),
                    None => drop(changed.services.remove(id).ok_or(Refusal::NotFound)?),
                }
                let verb = if service.is_some() { "put" } else { "remove" };
                let what = format!("service.{verb} {tenant}/{id}");
                self.put_tenant(what, tenant, Some(&changed), wish.expected)
            }
            Change::PutTenant(id, tenant) => {
                let verb = if tenant.is_some() { "put" } else { "remove" };
                self.put_tenant(format!("tenant.{verb} {id}"), id, tenant.as_deref(), wish.expected)
            }
        }
    }

    fn put_operator(
        &mut self,
        id: &OperatorId,
        operator: Option<&Operator>,
        expected: Option<u64>,
    ) -> Result<(String, Value, Value), Refusal> {
        let old = self.operators.get(id);
        expect(old, expected)?;
        let before = role_of(old);
        let verb = match operator {
            Some(operator) => {
                if old.is_none() && self.operators.len() >= OPERATORS_MAX {
                    return Err(Refusal::Full("200 operators are the most"));
                }
                let kept = Kept { version: self.version, value: operator.clone() };
                self.operators.insert(id.clone(), kept);
                "put"
            }
            None => {
                self.operators.remove(id).ok_or(Refusal::NotFound)?;
                "remove"
            }
        };
        Ok((format!("operator.{verb} {id}"), before, role_of(self.operators.get(id))))
    }

    fn put_tenant(
        &mut self,
        what: String,
        id: &TenantId,
        tenant: Option<&Tenant>,
        expected: Option<u64>,
    ) -> Result<(String, Value, Value), Refusal> {
        let old = self.tenants.get(id);
        expect(old, expected)?;
        let before = shown(old);
        match tenant {
            Some(tenant) => {
                if old.is_none() && self.tenants.len() >= TENANTS_MAX {
                    return Err(Refusal::Full("500 tenants are the most that operators can set"));
                }
                let kept = Kept { version: self.version, value: tenant.clone() };
                if json!(kept).to_string().len() > TENANT_BYTES_MAX {
                    return Err(Refusal::Full("a tenant holds at most 32 KiB"));
                }
                self.tenants.insert(id.clone(), kept);
            }
            None => {
                if self.keys.iter().any(|key| key.value.tenant == *id && !key.value.revoked) {
                    return Err(Refusal::Used("revoke its API keys first"));
                }
                self.tenants.remove(id).ok_or(Refusal::NotFound)?;
            }
        }
        Ok((what, before, shown(self.tenants.get(id))))
    }

    fn make_key(&mut self, key: &ApiKey) -> Result<(String, Value, Value), Refusal> {
        if let Some(known) = self.keys.iter().find(|known| known.value.id == key.id) {
            return Err(Refusal::Conflict(Some(known.version)));
        }
        if self.keys.len() >= KEYS_MAX {
            // The oldest revoked one: an edge that ever saw it revoked remembers it.
            let oldest = self.keys.iter().position(|known| known.value.revoked);
            self.keys.remove(oldest.ok_or(Refusal::Full("2000 API keys are the most"))?);
        }
        self.keys.push(Kept { version: self.version, value: key.clone() });
        Ok((format!("key.make {}", key.id), Value::Null, without_digest(key)))
    }

    fn revoke_key(&mut self, id: &KeyId) -> Result<(String, Value, Value), Refusal> {
        let version = self.version;
        let known = self.keys.iter_mut().find(|known| known.value.id == *id).ok_or(Refusal::NotFound)?;
        let before = without_digest(&known.value);
        (known.version, known.value.revoked) = (version, true);
        Ok((format!("key.revoke {id}"), before, without_digest(&known.value)))
    }
}

fn expect<T>(kept: Option<&Kept<T>>, expected: Option<u64>) -> Result<(), Refusal> {
    let version = kept.map(|kept| kept.version);
    if version == expected { Ok(()) } else { Err(Refusal::Conflict(version)) }
}

fn shown<T: Serialize>(kept: Option<&Kept<T>>) -> Value {
    kept.map_or(Value::Null, |kept| json!(kept.value))
}

/// What he may do, and the start of his token's digest, which stands beside what he does.
fn role_of(kept: Option<&Kept<Operator>>) -> Value {
    kept.map_or(Value::Null, |kept| json!({"role": kept.value.role, "token": kept.value.digest.id()}))
}

/// Nobody needs it in an audit.
fn without_digest(key: &ApiKey) -> Value {
    let mut shown = json!(key);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("digest");
    }
    shown
}
