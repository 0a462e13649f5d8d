//! Which tenants have a label of their own.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::directory::Directory;
use tiffin_shared::id::TenantId;

/// Tenants with series of their own in one process: those that come first. All others share one name.
pub const TENANTS_MAX: usize = 200;
/// The name of the others. No tenant's: names have no capitals.
pub const OTHERS: &str = "OTHERS";

/// Those that have come.
#[derive(Default)]
pub struct Tenants(Mutex<BTreeSet<TenantId>>);

impl Tenants {
    /// The value of the label.
    pub fn label<'a>(&self, directory: &Directory, tenant: &'a TenantId) -> &'a str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(tenant) {
            if known.len() >= TENANTS_MAX || !directory.tenants.contains_key(tenant) {
                return OTHERS;
            }
            known.insert(tenant.clone());
        }
        tenant.as_str()
    }
}
