//! Who may order what: tenants, the digests of their API keys, their services and limits.
//!
//! The directory holds no secret, so it may stand in a variable, a store or a backup.

mod api_key;
mod billing;
mod countries;
mod inventory;
mod learnt;
mod limits;
mod lookout;
mod ordered;
mod payments;
pub mod publication;
mod routes;
mod service;
pub mod snapshot;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::guard::blocklist::Blocklist;
use crate::id::GatewayId;
use crate::id::LedgerId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::keys::IndexKey;
use crate::ledger::Ceilings;
use crate::mailbox;
use crate::phone::Kind;
use crate::phone::Phone;
use crate::price::Currency;
use crate::risk::GeoPolicy;
use crate::text::Counted;
use crate::time::UnixMs;
use crate::visitor::VisitorLimits;
use crate::wire::api::Channel;

pub use self::api_key::ApiKey;
pub use self::api_key::Caller;
pub use self::api_key::KeyKind;
use self::api_key::is_key;
pub use self::api_key::key_digest;
pub use self::api_key::write_key;
pub use self::api_key::write_secret;
pub use self::billing::Balance;
pub use self::billing::Balances;
pub use self::billing::Billing;
pub use self::billing::Caps;
pub use self::billing::ChargedBy;
pub use self::billing::Mode;
pub use self::billing::Refund;
pub use self::countries::Countries;
pub use self::inventory::Hindrance;
pub use self::inventory::Stock;
pub use self::inventory::taken;
pub use self::learnt::LEARNT_MAX;
pub use self::learnt::Learnt;
pub use self::limits::GUESSES_IN_A_ROW_MAX;
pub use self::limits::GUESSES_PER_CODE_MAX;
pub use self::limits::Limits;
pub use self::limits::SENDS_PER_ORDER_MAX;
pub use self::lookout::Lookout;
pub use self::ordered::Ordered;
pub use self::ordered::OrderedToday;
pub use self::payments::Payments;
pub use self::routes::Route;
pub use self::routes::RouteSender;
pub use self::service::BRAND_CHARS_MAX;
pub use self::service::Risk;
pub use self::service::Service;
pub use self::service::TTL_MS_MAX;
pub use self::service::TTL_MS_MIN;

/// Everything the front door needs to know of its tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// By name.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    /// Ways messages can go, in the operator's order of preference.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The operator's own currency: that of tenants that name no other.
    #[serde(default, skip_serializing_if = "Currency::is_default")]
    pub currency: Currency,
    /// What one address is sent at most, over all tenants.
    #[serde(default)]
    pub ceilings: Ceilings,
    /// What one client network may ask.
    #[serde(default)]
    pub visitors: VisitorLimits,
    /// Which challenge is given; the built-in proof of work where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turnstile: Option<TurnstileSite>,
    /// What looks pumped now.
    #[serde(default, skip_serializing_if = "Blocklist::is_empty")]
    pub blocklist: Blocklist,
    /// What tenants with a quota have ordered.
    #[serde(default, skip_serializing_if = "OrderedToday::is_empty")]
    pub ordered: OrderedToday,
    /// What tenants that pay have left.
    #[serde(default, skip_serializing_if = "Balances::is_empty")]
    pub balances: Balances,
}

/// A widget of Cloudflare Turnstile. Its secret is the edge's: `TIFFIN_TURNSTILE_SECRET`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnstileSite {
    /// The widget's public key.
    pub site_key: String,
    /// Sites whose tokens count, in lower case: `example.com`.
    pub hostnames: Vec<String>,
}

/// One customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Where its codes may go: `"all"`, or a list such as `["IN", "DE"]`. Nothing is open by default.
    #[serde(default)]
    pub countries: Countries,
    /// Kinds of number that are closed by default, and open to this tenant: `["premium_rate"]`.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Beginnings of numbers that get nothing, as `+91987`.
    #[serde(default)]
    pub blocked: Vec<String>,
    /// What follows from where an order comes from.
    #[serde(default)]
    pub geo: GeoPolicy,
    /// Whether it can pay for more.
    #[serde(default)]
    pub funds: Funds,
    /// How it pays; without it its orders cost it nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Orders it may make on one day, by UTC; without it any number. Counted by core, so some more may pass before every
    /// front door knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders_per_day: Option<u64>,
    /// Where it is reached about its orders: stands in their evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_email: Option<String>,
    /// What its codes are for.
    pub services: BTreeMap<ServiceId, Service>,
    /// What one phone may ask of it.
    #[serde(default)]
    pub limits: Limits,
}

/// Whether a tenant can pay for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funds {
    /// Orders are refused.
    Exhausted,
    /// Orders are taken.
    #[default]
    Open,
}

impl Tenant {
    /// Whether numbers that begin so get nothing.
    pub fn blocks(&self, phone: &Phone) -> bool {
        self.blocked.iter().any(|prefix| phone.e164().starts_with(prefix.as_str()))
    }

    /// Whether it blocks the one number whose ledger this is, where it names it whole. Beginnings of numbers are looked at
    /// before each message is sent: a ledger does not know its number.
    pub fn blocks_ledger(&self, ledger: LedgerId, index: &IndexKey) -> bool {
        self.blocked.iter().any(|number| index.ledger("phone", number) == ledger)
    }
}

impl Directory {
    /// Who shows this key. Every digest is looked at, and each in constant time: how long it takes tells neither a
    /// key's place in the list nor how much of a digest was met.
    pub fn caller(&self, key: &str) -> Option<Caller<'_>> {
        if !is_key(key) {
            return None;
        }
        let digest = key_digest(key);
        let (found, is_revoked) = self.keys.iter().fold((None, false), |(found, is_revoked), known| {
            let is_shown = bool::from(known.digest.0.ct_eq(&digest.0));
            (if is_shown { Some(known) } else { found }, is_revoked | (is_shown & known.revoked))
        });
        let found = found.filter(|_| !is_revoked)?;
        let (id, tenant) = self.tenants.get_key_value(&found.tenant)?;
        Some(Caller { id, tenant, key: found })
    }

    /// Orders of this tenant on the day that `now` is on, as far as core has told.
    pub fn ordered_today(&self, tenant: &TenantId, now: UnixMs) -> u64 {
        ordered::today(&self.ordered, tenant, now)
    }

    /// In which currency this tenant's orders are priced.
    pub fn currency_of(&self, tenant: &TenantId) -> Currency {
        let billing = self.tenants.get(tenant).and_then(|tenant| tenant.billing.as_ref());
        billing.map_or(self.currency, |billing| billing.currency)
    }

    /// Tenants that pay, in whose currency no gateway has a price: their orders go out for nothing.
    pub fn unpriced(&self) -> impl Iterator<Item = (&TenantId, Currency)> {
        let paying = self.tenants.iter().filter_map(|(id, it)| Some((id, it.billing.as_ref()?.currency)));
        paying.filter(|(_, currency)| {
            self.routes.iter().all(|route| route.prices.least_micros(*currency).is_none())
        })
    }

    /// What a front door needs of it: without the words of messages, which only delivery workers read. They may be longer
    /// than all the rest, and an edge's variable and snapshot have their limits. Left are templates by which a payer reads at
    /// some gateway what a code approves: see [`Route::takes_payments`].
    pub fn without_words(&self) -> Self {
        let mut directory = self.clone();
        for service in directory.tenants.values_mut().flat_map(|tenant| tenant.services.values_mut()) {
            service.templates.retain(|template| template.is_for_payments() && !template.ids.is_empty());
            service.dlt = None;
        }
        directory
    }

    /// Gives services that name no channels every channel that has a gateway, and counts what every service's texts take, for
    /// the front doors, which have no words. Refuses those that name others, or templates of
    /// gateways that are not there.
    pub fn complete(&mut self) -> Result<(), String> {
        let mut routed: Vec<_> = Vec::new();
        for route in &self.routes {
            if !routed.contains(&route.channel) {
                routed.push(route.channel);
            }
        }
        let routes = &self.routes;
        let is_unknown = |id: &&GatewayId| !routes.iter().any(|route| route.gateway == **id);
        for (tenant_name, tenant) in &mut self.tenants {
            for (name, service) in &mut tenant.services {
                let at = format!("tenants.{tenant_name}.services.{name}");
                let mut gateways = service.templates.iter().flat_map(|template| template.ids.keys());
                if let Some(gateway) = gateways.find(is_unknown) {
                    return Err(format!("{at}.templates: ids names the unknown gateway {gateway}"));
                }
                if let Some(channel) = service.channels.iter().find(|channel| !routed.contains(channel)) {
                    return Err(format!("{at}.channels: no gateway delivers {}", channel.as_str()));
                }
                if service.channels.is_empty() {
                    service.channels.clone_from(&routed);
                }
                service.texts = service.channels.contains(&Channel::Sms).then(|| Counted::of(service));
            }
        }
        Ok(())
    }

    /// Refuses what would not be safe to serve. The text names the entry and the reason.
    pub fn check(&self) -> Result<(), String> {
        self.ceilings.check().map_err(|reason| format!("ceilings.{reason}"))?;
        self.visitors.check().map_err(|reason| format!("visitors.{reason}"))?;
        for route in &self.routes {
            route.check().map_err(|reason| format!("routes.{}.{reason}", route.gateway))?;
        }
        for (name, tenant) in &self.tenants {
            tenant.geo.check().map_err(|reason| format!("tenants.{name}.geo.{reason}"))?;
            if let Some(prefix) = tenant.blocked.iter().find(|prefix| !is_prefix(prefix)) {
                return Err(format!("tenants.{name}.blocked: {prefix:?} must be '+' and 1 to 15 digits"));
            }
            let billing = tenant.billing.as_ref().map_or(Ok(()), Billing::check);
            billing.map_err(|reason| format!("tenants.{name}.billing.{reason}"))?;
            if tenant.support_email.as_deref().is_some_and(|address| !mailbox::is_address(address)) {
                return Err(format!(
                    "tenants.{name}.support_email: must be an address, such as \"help@example.com\""
                ));
            }
            if tenant.orders_per_day == Some(0) {
                return Err(format!("tenants.{name}.orders_per_day: must be at least 1"));
            }
            tenant.limits.check().map_err(|reason| format!("tenants.{name}.limits.{reason}"))?;
            for (service_name, service) in &tenant.services {
                let at = |reason: String| format!("tenants.{name}.services.{service_name}.{reason}");
                service.check().map_err(at)?;
            }
        }
        match self.keys.iter().find(|key| !self.tenants.contains_key(&key.tenant)) {
            Some(key) => Err(format!("API key {} belongs to the unknown tenant {}", key.id, key.tenant)),
            None => Ok(()),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KeyId;

    fn directory() -> Directory {
        let service = Service {
            brand: "Shop".into(),
            digits: 6,
            ttl_ms: 300_000,
            risk: Risk::Normal,
            channels: vec![Channel::Sms],
            waiting_ms: 12_000,
            autofill: None,
            templates: Vec::new(),
            dlt: None,
            texts: None,
            sim_swap: None,
            refunds: None,
        };
        let id = TenantId::parse("shop").unwrap();
        let services = BTreeMap::from([(ServiceId::parse("login").unwrap(), service)]);
        let digest = key_digest(&write_key(KeyKind::Secret, [1; 24]));
        let key = ApiKey {
            id: KeyId::parse("k1").unwrap(),
            tenant: id.clone(),
            kind: KeyKind::Secret,
            digest,
            origins: Vec::new(),
            services: Vec::new(),
            revoked: false,
        };
        let countries = Countries::All;
        let tenant = Tenant { countries, services, ..Tenant::default() };
        Directory { tenants: BTreeMap::from([(id, tenant)]), keys: vec![key], ..Directory::default() }
    }

    #[test]
    fn a_known_key_names_its_tenant_and_any_other_nobody() {
        let directory = directory();
        let key = write_key(KeyKind::Secret, [1; 24]);
        assert_eq!(directory.caller(&key).unwrap().id.as_str(), "shop");
        let last = if key.ends_with('A') { 'B' } else { 'A' };
        let typo = format!("{}{last}", &key[..key.len() - 1]);
        for other in [&typo, &write_key(KeyKind::Secret, [2; 24]), &key.replace("sk_", "pk_"), "", "sk_"] {
            assert!(directory.caller(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_revoked_key_names_nobody_even_where_it_is_listed_as_good_too() {
        let mut directory = directory();
        let key = write_key(KeyKind::Secret, [1; 24]);
        let mut revoked = directory.keys[0].clone();
        revoked.revoked = true;
        directory.keys.insert(0, revoked);
        assert!(directory.caller(&key).is_none());
        directory.keys.swap(0, 1);
        assert!(directory.caller(&key).is_none());
    }

    #[test]
    fn unsafe_settings_are_refused_with_their_place() {
        assert_eq!(directory().check(), Ok(()));
        let mut bad = directory();
        bad.tenants.first_entry().unwrap().get_mut().limits.guesses_per_code = 6;
        assert_eq!(bad.check(), Err("tenants.shop.limits.guesses_per_code: must be 1 to 5".into()));
        let mut bad = directory();
        let mut tenant = bad.tenants.first_entry().unwrap();
        tenant.get_mut().services.first_entry().unwrap().get_mut().ttl_ms = 601_000;
        assert!(bad.check().unwrap_err().starts_with("tenants.shop.services.login.ttl_ms"));
        let mut bad = directory();
        let mut tenant = bad.tenants.first_entry().unwrap();
        let autofill = serde_json::from_str(r#"{"host": "https://example.com"}"#).unwrap();
        tenant.get_mut().services.first_entry().unwrap().get_mut().autofill = Some(autofill);
        assert!(bad.check().unwrap_err().starts_with("tenants.shop.services.login.autofill.host"));
        let mut bad = directory();
        bad.tenants.first_entry().unwrap().get_mut().orders_per_day = Some(0);
        assert_eq!(bad.check(), Err("tenants.shop.orders_per_day: must be at least 1".into()));
        let mut bad = directory();
        let mut tenant = bad.tenants.first_entry().unwrap();
        let template = r#"{"channel": "sms", "locale": "en", "text": "{code} is at https://example.com"}"#;
        let template = serde_json::from_str(template).unwrap();
        tenant.get_mut().services.first_entry().unwrap().get_mut().templates.push(template);
        assert!(bad.check().unwrap_err().starts_with("tenants.shop.services.login.templates[0].text: "));
        assert_eq!(bad.without_words(), directory());
        let mut bad = directory();
        bad.ceilings.daily.window_ms += 1;
        assert!(bad.check().unwrap_err().starts_with("ceilings.daily.window_ms: "));
        let mut bad = directory();
        bad.tenants.first_entry().unwrap().get_mut().limits.hourly.max = 0;
        assert_eq!(bad.check(), Err("tenants.shop.limits.hourly.max: must be 1 to 100".into()));
        let mut bad = directory();
        bad.tenants.clear();
        assert_eq!(bad.check(), Err("API key k1 belongs to the unknown tenant shop".into()));
    }
}
