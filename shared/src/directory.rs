//! Who may order what: tenants, the digests of their API keys, their services and limits.
//!
//! The directory holds no secret, so it may stand in a variable, a store or a backup.

mod countries;
mod routes;
pub mod snapshot;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::autofill::Autofill;
use crate::bucket::Rate;
use crate::bytes;
use crate::bytes::Bytes;
use crate::code;
use crate::guard::blocklist::Blocklist;
use crate::id::KeyId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::ledger::Ceilings;
use crate::phone::Kind;
use crate::risk::GeoPolicy;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::visitor::VisitorLimits;
use crate::window::Cap;
use crate::wire::api::Channel;

pub use self::countries::Countries;
pub use self::routes::Route;

/// The shortest life of a code.
pub const TTL_MS_MIN: u64 = MINUTE_MS;
/// The longest life of a code: NIST SP 800-63B-4 section 3.1.3.2.
pub const TTL_MS_MAX: u64 = 10 * MINUTE_MS;
/// Guesses per code may be lowered, never raised: PSD2 RTS Art. 4(3)(b).
pub const GUESSES_PER_CODE_MAX: u8 = 5;
/// NIST SP 800-63B-4 section 3.2.2.
pub const GUESSES_IN_A_ROW_MAX: u32 = 100;
/// Messages of one order at most; rivals allow five.
pub const SENDS_PER_ORDER_MAX: u8 = 5;
/// The longest brand in a message.
pub const BRAND_CHARS_MAX: usize = 30;

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

/// What a code is for, and how it is made and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Named in the message: 1–30 printable characters.
    pub brand: String,
    /// Digits of a code: 4–10, default 6.
    #[serde(default = "default_digits")]
    pub digits: u8,
    /// Life of a code in milliseconds: one to ten minutes, default five.
    #[serde(default = "default_ttl_ms")]
    pub ttl_ms: u64,
    /// High-risk codes never go by SMS. An order may raise its own risk, never lower it.
    #[serde(default)]
    pub risk: Risk,
    /// Channels with a live route, best first.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// How long a message usually takes, in milliseconds: 1,000 to the life of the code, default 12,000. After that
    /// it is overdue: it can be cancelled, and other ways are worth a try.
    #[serde(default = "default_waiting_ms")]
    pub waiting_ms: u64,
    /// Lets phones and browsers fill in its codes; by SMS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autofill: Option<Autofill>,
}

/// How much a stolen code would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Any channel.
    #[default]
    Normal,
    /// No SMS.
    High,
}

impl Risk {
    /// Whether a code of this risk may go by `channel` to who has such addresses. SMS can be rerouted in the
    /// signalling network (SS7), so a high-risk code never goes that way.
    pub fn permits(self, channel: Channel, by_phone: bool, by_email: bool) -> bool {
        match channel {
            Channel::Email => by_email,
            Channel::Sms => by_phone && self < Self::High,
            Channel::Voice | Channel::Whatsapp => by_phone,
        }
    }
}

/// What one phone may ask of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Orders at once and their refill: 3, one a minute.
    pub bucket: Rate,
    /// Orders an hour: 10.
    pub hourly: Cap,
    /// Orders a day: 20. It also bounds what a ledger keeps.
    pub daily: Cap,
    /// Guesses evaluated for one code: 5 at most.
    pub guesses_per_code: u8,
    /// Guesses evaluated in 24 hours: 20.
    pub guesses_per_day: u32,
    /// Wrong guesses in a row over all codes: 100 at most.
    pub guesses_in_a_row: u32,
    /// Messages of one order, resends included: 3, at most 5.
    pub sends_per_order: u8,
    /// Milliseconds from an order to its first resend, 30,000; the gap doubles with each.
    pub resend_after_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bucket: Rate { capacity: 3, refill_ms: MINUTE_MS },
            hourly: Cap { max: 10, window_ms: HOUR_MS },
            daily: Cap { max: 20, window_ms: DAY_MS },
            guesses_per_code: GUESSES_PER_CODE_MAX,
            guesses_per_day: 20,
            guesses_in_a_row: GUESSES_IN_A_ROW_MAX,
            sends_per_order: 3,
            resend_after_ms: 30_000,
        }
    }
}

/// A key's digest and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Its name, for logs and revocation.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it may be used.
    pub kind: KeyKind,
    /// [`key_digest`] of the key.
    pub digest: Bytes<32>,
    /// Pages that may use a publishable key, as `https://example.com`; empty for any, and for apps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// Services the key is for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceId>,
}

/// Where a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// In apps and pages: replies tell a stranger nothing.
    Publishable,
    /// On servers.
    Secret,
}

impl KeyKind {
    /// What keys of this kind start with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "pk_",
            Self::Secret => "sk_",
        }
    }
}

/// A caller who showed a known key.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// Whose key it was.
    pub id: &'a TenantId,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// The key it showed.
    pub key: &'a ApiKey,
}

impl Caller<'_> {
    /// Whether the key is for this service.
    pub fn is_for(&self, service: &ServiceId) -> bool {
        self.key.services.is_empty() || self.key.services.contains(service)
    }
}

/// SHA-256 of an API key. A key holds 192 random bits, so a slow hash would add nothing.
pub fn key_digest(key: &str) -> Bytes<32> {
    Bytes(bytes::sha256(key.as_bytes()))
}

/// Writes a key: prefix, then 24 random bytes and a 4-byte checksum in base64url, so that a secret scanner
/// recognises one and a typing error is refused before any look-up.
pub fn write_key(kind: KeyKind, random: [u8; 24]) -> String {
    let mut body = random.to_vec();
    body.extend(bytes::truncate::<4>(bytes::sha256(&random)));
    format!("{}{}", kind.prefix(), bytes::encode(&body))
}

fn is_key(text: &str) -> bool {
    let body =
        [KeyKind::Publishable, KeyKind::Secret].iter().find_map(|kind| text.strip_prefix(kind.prefix()));
    let Some(body) = body.and_then(bytes::decode_array::<28>) else { return false };
    let (random, checksum) = body.split_at(24);
    bytes::truncate::<4>(bytes::sha256(random)) == checksum
}

impl Directory {
    /// Who shows this key.
    pub fn caller(&self, key: &str) -> Option<Caller<'_>> {
        if !is_key(key) {
            return None;
        }
        let digest = key_digest(key);
        let found = self.keys.iter().find(|known| known.digest == digest)?;
        let (id, tenant) = self.tenants.get_key_value(&found.tenant)?;
        Some(Caller { id, tenant, key: found })
    }

    /// Refuses what would not be safe to serve. The text names the entry and the reason.
    pub fn check(&self) -> Result<(), String> {
        self.visitors.check().map_err(|reason| format!("visitors.{reason}"))?;
        for (name, tenant) in &self.tenants {
            tenant.geo.check().map_err(|reason| format!("tenants.{name}.geo.{reason}"))?;
            if let Some(prefix) = tenant.blocked.iter().find(|prefix| !is_prefix(prefix)) {
                return Err(format!("tenants.{name}.blocked: {prefix:?} must be '+' and 1 to 15 digits"));
            }
            tenant.limits.check().map_err(|reason| format!("tenants.{name}.limits.{reason}"))?;
            for (service_name, service) in &tenant.services {
                let at = |reason| format!("tenants.{name}.services.{service_name}.{reason}");
                service.check().map_err(at)?;
            }
        }
        match self.keys.iter().find(|key| !self.tenants.contains_key(&key.tenant)) {
            Some(key) => Err(format!("API key {} belongs to the unknown tenant {}", key.id, key.tenant)),
            None => Ok(()),
        }
    }
}

impl Service {
    /// What a message on this channel carries for machines: they read text messages, and no others.
    pub fn autofill_by(&self, channel: Channel) -> Option<&Autofill> {
        self.autofill.as_ref().filter(|_| channel == Channel::Sms)
    }

    fn check(&self) -> Result<(), &'static str> {
        let brand_chars = self.brand.chars().count();
        if brand_chars == 0 || brand_chars > BRAND_CHARS_MAX || self.brand.chars().any(char::is_control) {
            return Err("brand: must be 1 to 30 printable characters");
        }
        if !(code::DIGITS_MIN..=code::DIGITS_MAX).contains(&self.digits) {
            return Err("digits: must be 4 to 10");
        }
        if !(TTL_MS_MIN..=TTL_MS_MAX).contains(&self.ttl_ms) {
            return Err("ttl_ms: must be one to ten minutes, 60000 to 600000");
        }
        if !(1_000..=self.ttl_ms).contains(&self.waiting_ms) {
            return Err("waiting_ms: must be 1000 to the life of the code");
        }
        self.autofill.as_ref().map_or(Ok(()), Autofill::check)
    }
}

impl Limits {
    fn check(&self) -> Result<(), &'static str> {
        if self.bucket.capacity == 0 || self.bucket.refill_ms == 0 {
            return Err("bucket: capacity and refill_ms must be at least 1");
        }
        if self.hourly.max == 0 || self.daily.max == 0 || self.daily.max > 100 {
            return Err("hourly and daily: max must be 1 to 100");
        }
        if self.hourly.window_ms > DAY_MS || self.daily.window_ms > DAY_MS {
            return Err("hourly and daily: window_ms must be at most a day, 86400000");
        }
        if !(1..=GUESSES_PER_CODE_MAX).contains(&self.guesses_per_code) {
            return Err("guesses_per_code: must be 1 to 5");
        }
        if self.guesses_per_day == 0 || self.guesses_per_day > GUESSES_IN_A_ROW_MAX {
            return Err("guesses_per_day: must be 1 to 100");
        }
        if !(1..=GUESSES_IN_A_ROW_MAX).contains(&self.guesses_in_a_row) {
            return Err("guesses_in_a_row: must be 1 to 100");
        }
        if !(1..=SENDS_PER_ORDER_MAX).contains(&self.sends_per_order) {
            return Err("sends_per_order: must be 1 to 5");
        }
        if self.resend_after_ms > TTL_MS_MAX {
            return Err("resend_after_ms: must be at most ten minutes, 600000");
        }
        Ok(())
    }
}

fn is_prefix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn default_digits() -> u8 {
    6
}

fn default_waiting_ms() -> u64 {
    12_000
}

fn default_ttl_ms() -> u64 {
    5 * MINUTE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let service = Service {
            brand: "Shop".into(),
            digits: 6,
            ttl_ms: 300_000,
            risk: Risk::Normal,
            channels: vec![Channel::Sms],
            waiting_ms: 12_000,
            autofill: None,
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
        bad.tenants.clear();
        assert_eq!(bad.check(), Err("API key k1 belongs to the unknown tenant shop".into()));
    }
}
