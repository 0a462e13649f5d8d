//! The directory of the file and of what operators set, together.

use super::Settings;
use crate::directory::Directory;

/// Something that was set and cannot be served, perhaps since the file was changed. The rest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Settings {
    /// Adds them to what the file says. What the file names is the file's, but for routes, whose settings go before its own.
    pub fn merge(&self, directory: &mut Directory) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        for route in &mut directory.routes {
            let settings = self.routes.get(&route.gateway).map(|kept| &kept.value);
            if let Some(countries) = settings.and_then(|settings| settings.countries.clone()) {
                route.countries = countries;
            }
            if let Some(price_micros) = settings.and_then(|settings| settings.price_micros) {
                route.prices.set_default(directory.currency, price_micros);
            }
        }
        for (id, kept) in
            self.tenants.iter().filter(|(id, _)| !directory.tenants.contains_key(*id)).collect::<Vec<_>>()
        {
            let mut alone = Directory { routes: directory.routes.clone(), ..Directory::default() };
            alone.tenants.insert(id.clone(), kept.value.clone());
            match alone.complete().and_then(|()| alone.check()) {
                Ok(()) => directory.tenants.append(&mut alone.tenants),
                Err(why) => dropped.push(Dropped { what: format!("tenant {id}"), why }),
            }
        }
        for key in self.keys.iter().map(|kept| &kept.value) {
            let why = if directory.keys.iter().any(|known| known.id == key.id) {
                "the file has a key of this name"
            } else if !directory.tenants.contains_key(&key.tenant) {
                "its tenant is not there"
            } else {
                directory.keys.push(key.clone());
                continue;
            };
            if !key.revoked {
                dropped.push(Dropped { what: format!("API key {}", key.id), why: why.into() });
            }
        }
        dropped
    }
}
